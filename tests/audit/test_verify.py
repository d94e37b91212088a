"""Verifying: what is whole is called so, what is not is found and named, and nothing is changed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runlib import Run, StopMax
from runlib.audit.repair import repair
from runlib.audit.report import Report
from runlib.audit.sequence import Sequence
from runlib.audit.verify import verify
from runlib.engine import disk
from runlib.errors import ConfigError
from runlib.search.base import seed_for
from runlib.state.state import State
from runlib.tape.codec import encode, encode_line
from runlib.tape.events import End, Event, Record, Retry, Session, Submit, Suggest, Void
from tests.audit.audit_tools import (
    contents,
    edited_run,
    events,
    finished_run,
    flip,
    go_on,
    join,
    pieces,
    set_tape,
    smear,
    tape_run,
)
from tests.fakes import DirectPool, SpySearch, quadratic
from tests.tape.tape_tools import METADATA, some_events


def errors(report: Report) -> list[str]:
    return [found.text for found in report.findings if found.level == "error"]


def test_an_intact_run(tmp_path: Path) -> None:
    folder = finished_run(tmp_path)
    report = verify(folder)
    assert (report.verdict, report.findings) == ("intact", ())
    names = ("records", "sessions", "trials", "ok", "failed", "live", "void", "evaluations", "files", "replayed")
    assert report.counts == dict(zip(names, (15, 1, 6, 6, 0, 1, 0, 6, 0, 0), strict=True))
    assert verify(folder / "tape.son") == report


def test_an_intact_run_of_several_sessions_with_repeats_and_failures(tmp_path: Path) -> None:
    def moody(x: int) -> float:
        if x == 2:
            raise TimeoutError("too slow")
        return float(x)

    folder = finished_run(tmp_path, SpySearch(points=4), count=5, evaluator=moody)
    run = Run.restore(folder, evaluator=moody, pool=DirectPool(), new_stop=StopMax(12)).run()
    assert any(isinstance(record.event, Submit) and record.event.of is not None for record in run.state.tape)
    report = verify(folder, replay=True)
    assert (report.verdict, report.findings) == ("intact", ())
    assert report.counts["failed"] > 0
    assert report.counts["replayed"] == 13


def test_the_order_of_suggestions_is_replayed_too(tmp_path: Path) -> None:
    folder = finished_run(tmp_path, order="suggested", count=8, context={"max_workers": 3})
    assert verify(folder, replay=True).findings == ()


def test_it_needs_no_plugin_and_writes_nothing(tmp_path: Path) -> None:
    tape_run(tmp_path / "run_x", some_events(9))
    before = contents(tmp_path)
    script = f"from runlib.audit.verify import verify\nprint(verify({str(tmp_path / 'run_x')!r}).verdict)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "intact\n"
    assert contents(tmp_path) == before


def test_no_call_of_the_disk(tmp_path: Path) -> None:
    class Untouched(disk.Disk):
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(f"the disk was asked to {name}")

    whole, broken = finished_run(tmp_path / "a"), finished_run(tmp_path / "b")
    set_tape(broken, smear((broken / "tape.son").read_bytes(), 5))
    with disk.use(Untouched()):
        assert verify(whole, replay=True).verdict == "intact"
        assert verify(broken).verdict == "damaged"


def test_a_torn_end_is_no_loss(tmp_path: Path) -> None:
    data = tape_run(tmp_path / "run_x", some_events(9))
    for size in (1, 4, 5, 40):
        report = verify(set_tape(tmp_path / "run_x", data[:-size]))
        assert report.verdict == "torn"
        assert [found.level for found in report.findings] == ["note"]
        assert report.counts["records"] == (9 if size < 5 or data[-5:] == data[-size:] else 8)


@pytest.mark.parametrize("n", [1, 4, 8])
def test_a_flipped_bit_in_the_middle(tmp_path: Path, n: int) -> None:
    data = tape_run(tmp_path / "run_x", some_events(9), commit=True)
    place = data.index(pieces(data)[n - 1][-40:])
    report = verify(set_tape(tmp_path / "run_x", flip(data, place)))
    assert report.verdict == "damaged"
    first, second = report.findings[:2]
    assert (first.n, second.n) == (n, n)
    assert f"record {n} is damaged" in second.text
    assert "8 records are intact, the last one is 9" in report.findings[-1].text


def test_a_flipped_bit_in_the_last_record(tmp_path: Path) -> None:
    folder = finished_run(tmp_path)
    data = (folder / "tape.son").read_bytes()
    report = verify(set_tape(folder, flip(data, len(data) - 40)))
    assert report.verdict == "damaged"  # on the tape alone it would be torn, but the status was shown
    assert errors(report) == ["the tape has 14 records, but status.txt says that it had 15: the rest is lost"]


def test_a_last_terminator_that_is_damaged(tmp_path: Path) -> None:
    data = tape_run(tmp_path / "run_x", some_events(9))
    report = verify(set_tape(tmp_path / "run_x", data[:-1] + b"x"))
    assert (report.verdict, report.counts["records"]) == ("torn", 9)


def test_deleted_doubled_and_swapped_lines(tmp_path: Path) -> None:
    parts = pieces(tape_run(tmp_path / "run_x", some_events(9)))

    def said(tape: list[bytes]) -> str:
        report = verify(set_tape(tmp_path / "run_x", join(tape)))
        assert report.verdict == "damaged"
        return "; ".join(errors(report))

    assert "record 4 is missing" in said(parts[:3] + parts[4:])
    assert "record 4 stands there once more" in said(parts[:4] + parts[3:])
    assert "record 5 was moved" in said([*parts[:3], parts[4], parts[3], *parts[5:]])


def test_two_writers_at_once(tmp_path: Path) -> None:
    data = tape_run(tmp_path / "run_x", some_events(9))
    parts = pieces(data)
    stray, _ = encode_line({"end": {"reason": "stop", "text": ""}, "n": 5, "t": 1.0}, parts[3][-18:-2])
    report = verify(set_tape(tmp_path / "run_x", join([*parts[:4], stray, *parts[4:]])))
    assert "there is another record 5" in "; ".join(errors(report))
    assert "two processes wrote at once" in "; ".join(errors(report))


def test_what_is_no_run(tmp_path: Path) -> None:
    assert verify(tmp_path / "nowhere").verdict == "not a run"
    assert verify(tmp_path).verdict == "not a run"
    for data in (b"", b"hello\n", b"{}\n===\n", b'{"format": "x"}\n===\n', b"\x00" * 100):
        report = verify(set_tape(tmp_path / "run_x", data))
        assert (report.verdict, len(report.findings)) == ("not a run", 1), data


def test_an_empty_tape_of_a_run_that_had_records_is_a_loss(tmp_path: Path) -> None:
    report = verify(set_tape(finished_run(tmp_path), b""))
    assert report.verdict == "damaged"
    assert "status.txt says that it had 15" in "; ".join(errors(report))


def test_a_newer_format_is_not_judged(tmp_path: Path) -> None:
    line, _ = encode_line({"run": {}, "format": "runlib-tape/3"}, b"")
    report = verify(set_tape(tmp_path / "run_x", line + b"\n===\n"))
    assert report.verdict == "not a run"
    assert "use a newer runlib" in report.findings[0].text


def test_a_damaged_first_line_is_not_taken_for_another_format(tmp_path: Path) -> None:
    data = tape_run(tmp_path / "run_x", some_events(9))
    for place in (0, data.index(b"runlib-tape/1") + 12, data.index(b"\n===") - 5, data.index(b"===")):
        report = verify(set_tape(tmp_path / "run_x", flip(data, place)))
        assert report.verdict == "damaged", place
        assert report.findings[0].n == 0


def test_a_kind_of_a_newer_version_is_named(tmp_path: Path) -> None:
    data = tape_run(tmp_path / "run_x", some_events(3))
    line, _ = encode_line({"dance": {}, "n": 4, "t": 1.0}, pieces(data)[2][-18:-2])
    report = verify(set_tape(tmp_path / "run_x", data + line + b"\n---\n"))
    assert "'dance'" in errors(report)[0]
    assert report.findings[0].n == 4


def large(x: float) -> dict[str, Any]:
    """A result that lies apart for some points."""
    return {"loss": x, "text": "x" * (100_000 if x > 0.5 else 10)}


def test_large_results_that_are_missing_or_changed(tmp_path: Path) -> None:
    folder = finished_run(tmp_path, evaluator=large, count=8)
    files = sorted((folder / "trials").glob("*/result.json"))
    whole = verify(folder)
    assert (whole.verdict, whole.counts["files"]) == ("intact", len(files))
    files[0].write_bytes(flip(files[0].read_bytes(), 500))
    files[1].unlink()
    report = verify(folder)
    assert report.verdict == "damaged"
    assert sorted(found.text.count("was changed") for found in report.findings) == [0, 1]
    assert {Path(text.split(": ")[1].split(" ")[0]) for text in errors(report)} == set(files[:2])


def test_derived_files_that_disagree_only_warn(tmp_path: Path) -> None:
    folder = finished_run(tmp_path)
    (folder / "suggestion-1.yml").write_text("x: 0.5\n")
    (folder / "suggestion-2.yml").unlink()
    report = verify(folder)
    assert (report.verdict, [found.level for found in report.findings]) == ("intact", ["warning", "note"])
    assert "suggestion-1.yml is not what the tape says" in report.findings[0].text
    assert "suggestion-2.yml" in report.findings[1].text


def test_a_tape_shorter_than_what_was_said_of_it(tmp_path: Path) -> None:
    folder = finished_run(tmp_path)
    parts = pieces((folder / "tape.son").read_bytes())
    set_tape(folder, join([*parts[:6], b""]))
    assert errors(verify(folder)) == ["the tape has 6 records, but status.txt says that it had 15: the rest is lost"]
    (folder / "status.txt").unlink()
    assert verify(folder).verdict == "intact"  # nothing is left to tell
    torn = b'{"suggest":{"tid":9,"suggestion":{"n":500,"t":1.0,"d":499'  # keys of the user, no number of a record
    (folder / "tape.son.torn-1").write_bytes(torn)
    assert verify(folder).verdict == "intact"
    (folder / "tape.son.torn-1").write_bytes(parts[9])
    assert errors(verify(folder)) == [
        "the tape has 6 records, but tape.son.torn-1 follows on 9 of them: the rest is lost"
    ]


def test_a_tail_that_was_put_aside_is_no_loss(tmp_path: Path) -> None:
    folder = finished_run(tmp_path)
    data = (folder / "tape.son").read_bytes()
    (folder / "status.txt").unlink()
    set_tape(folder, data[:-30])
    go_on(folder)
    report = verify(folder, replay=True)
    assert report.verdict == "intact"
    assert [found.text for found in report.findings] == [
        f"tape.son.torn-1 holds {len((folder / 'tape.son.torn-1').read_bytes())} bytes that were being written when a "
        "writer died"
    ]


FAULTS: list[tuple[list[Event], str]] = [
    ([Submit(0, {"ok": {"loss": 1.0}})], "ends trial 0, which is not live"),
    ([Suggest(0, 1), Submit(0, {"ok": {"loss": 1.0}}), Submit(0, {"ok": {"loss": 2.0}})], "ends trial 0, which is not"),
    ([Suggest(0, 1), Suggest(0, 1)], "suggests trial 0 a second time"),
    ([Suggest(1, 1)], "suggests trial 1, where trial 0 is next"),
    ([Suggest(0, 1), Submit(0, {"fine": {}})], "neither 'ok' nor 'error'"),
    ([Suggest(0, 1), Submit(0, {"ok": {"loss": 1.0}, "error": {}})], "neither 'ok' nor 'error'"),
    ([Suggest(0, 1, heard=1)], "suggests with 1 results known, of which 0 were there"),
    ([Suggest(0, 1), Submit(0, {"ok": {"loss": 1.0}}, of=7)], "of trial 7, which is not finished"),
    (
        [Suggest(0, 1), Suggest(1, 1.0), Submit(0, {"ok": {"loss": 1.0}}), Submit(1, {"ok": {"loss": 1.0}}, of=0)],
        "of trial 0, which had another suggestion",
    ),
    (
        [Suggest(0, 1), Suggest(1, 1), Submit(0, {"ok": {"loss": 1.0}}), Submit(1, {"ok": {"loss": 2.0}}, of=0)],
        "but holds another result",
    ),
]


ILL_TYPED: list[tuple[list[Event], str]] = [
    ([Suggest(0, 1), Submit(0, {"ok": {"loss": "low"}})], "result.ok.loss: must be a number from "),
    ([Suggest(0, 1), Submit(0, {"ok": {"loss": float("nan")}})], "result.ok.loss: must be a number from "),
    ([Suggest(0, 1), Submit(0, {"ok": {"loss": float("inf")}})], "result.ok.loss: must be a number from "),
    ([Suggest(0, 1), Submit(0, {"ok": {"loss": 10**400}})], "got an integer of 1329 bits"),
    ([Suggest(0, 1), Submit(0, {"ok": {}})], "result.ok.loss: is missing"),
    ([Suggest(0, 1), Submit(0, {"ok": 3})], "result.ok: must be a dict, got 3"),  # type: ignore[dict-item]
    ([Suggest(0, 1), Submit(0, {"ok": {"loss": 1.0, "cost": "much"}})], "result.ok.cost: must be a number, got 'much'"),
    (
        [Suggest(0, 1), Submit(0, {"ok": {"loss": 1.0, "duration": []}})],
        "result.ok.duration: must be a number, got a list",
    ),
    ([Suggest(0, 1), Submit(0, {"error": {"error": []}})], "result.error.error: must be text, got a list of 0"),
    ([Suggest(True, 1)], "tid: must be a whole number from 0 to 9007199254740991, got True"),
    ([Suggest(-1, 1)], "tid: must be a whole number from 0 to "),
    ([Suggest(10**30, 1)], "tid: must be a whole number from 0 to "),
    ([Suggest(0, 1, heard=-1)], "heard: must be a whole number or null from 0 to "),
    ([Session([])], "must be a dict, got a list of 0"),  # type: ignore[arg-type]
    ([Session({"changed": 1})], "changed: must be a dict, got 1"),
    ([Session({"recovered": [1]})], "recovered.0: must be text, got 1"),
    ([End(3)], "reason: must be text, got 3"),  # type: ignore[arg-type]
]


def raw_tape(folder: Path, events: list[Event]) -> None:
    """A tape with these events, which no writer would have made of them."""
    line, h = encode_line(METADATA, b"")
    data = line + b"\n===\n"
    for n, event in enumerate(events, 1):
        line, h = encode(event, n, 1.0, None, h)
        data += line + b"\n---\n"
    set_tape(folder, data)


def damaged_at_the_end(folder: Path, events: list[Event], text: str) -> None:
    """What is said of a tape whose last record but the end is at fault, and that a repair saves the rest."""
    raw_tape(folder / "run_x", [*events, End("stop")])
    report = verify(folder / "run_x")
    assert report.verdict == "damaged"
    assert f"record {len(events)}" in errors(report)[0]
    assert text in errors(report)[0]
    assert report.findings[0].n == len(events)
    repaired = repair(folder / "run_x", folder / "run_y")
    assert [found.n for found in repaired.dropped] in ([], [len(events)])  # what it refers to may be put right
    assert verify(folder / "run_y").verdict == "intact"
    data = (folder / "run_x" / "tape.son").read_bytes()
    assert data[report.findings[0].offset :].startswith(pieces(data)[len(events) - 1].rpartition(b"===\n")[2])


@pytest.mark.parametrize(("events", "text"), FAULTS)
def test_records_that_do_not_fit_though_the_chain_is_whole(tmp_path: Path, events: list[Event], text: str) -> None:
    damaged_at_the_end(tmp_path, events, text)
    sequence = Sequence(State())
    *faults, last = [sequence.take(Record(n, 1.0, event)) for n, event in enumerate(events, 1)]
    assert not any(faults)
    assert text in str(last)


@pytest.mark.parametrize(("events", "text"), ILL_TYPED)
def test_records_whose_fields_are_of_other_types(tmp_path: Path, events: list[Event], text: str) -> None:
    damaged_at_the_end(tmp_path, events, text)


def test_replay_finds_the_first_suggestion_that_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = finished_run(tmp_path)
    monkeypatch.setattr("tests.fakes.seed_for", lambda seed, k: k if k == 3 else seed_for(seed, k))
    assert verify(folder).verdict == "intact"
    report = verify(folder, replay=True)
    assert report.verdict == "damaged"
    [found] = report.findings
    assert found.n == 8  # session, then three trials of two records
    assert "asked again, search_spy suggests" in found.text
    assert (report.counts["replayed"], report.counts["trials"]) == (3, 6)


def test_replay_without_the_search_says_so(tmp_path: Path) -> None:
    tape_run(tmp_path / "run_x", some_events(3))
    with pytest.raises(ConfigError, match="search_x"):
        verify(tmp_path / "run_x", replay=True)


def test_a_run_that_is_being_written(tmp_path: Path) -> None:
    run = Run(SpySearch(), quadratic, StopMax(3), pool=DirectPool()).prepare(tmp_path)
    assert verify(run.work_directory).verdict == "intact"
    run.run()
    assert verify(run.work_directory).verdict == "intact"


def test_as_plain_data(tmp_path: Path) -> None:
    report = verify(tmp_path / "nowhere")
    data = json.loads(json.dumps(report.as_data()))
    assert data["verdict"] == "not a run"
    assert data["findings"] == [{"level": "error", "n": None, "offset": None, "text": report.findings[0].text}]


def test_a_run_with_edits_and_attempts(tmp_path: Path) -> None:
    folder = edited_run(tmp_path)
    report = verify(folder, replay=True)
    assert (report.verdict, report.findings) == ("intact", ())
    assert (report.counts["void"], report.counts["trials"]) == (2, 5)
    suggested = [event for event in events(folder) if isinstance(event, Suggest)]
    assert len(suggested) == report.counts["replayed"] + 2  # what people wanted is not asked for again


def test_edits_that_do_not_fit(tmp_path: Path) -> None:
    history: list[Event] = [
        Session({}),
        Void(0),
        Suggest(0, {"x": 1}, queued=1),
        Suggest(0, {"x": 1}),
        Retry(0, 1, "A", {}),
        Retry(0, 1, "A", {}),
        Submit(0, {"ok": {"loss": 1.0}}),
        Void(0),
        Void(0),
        Suggest(1, {"x": 1}),
        Submit(1, {"ok": {"loss": 1.0}}, of=0),
    ]
    tape_run(tmp_path / "run_x", history)
    report = verify(tmp_path / "run_x")
    assert report.verdict == "damaged"
    assert [found.n for found in report.findings if found.level == "error"] == [2, 3, 6, 9, 11]
    assert "ends trial 1 with the result of trial 0, which is not finished" in report.findings[4].text
