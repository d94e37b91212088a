"""Repairing: every intact record is saved, what is not is said exactly, the old folder stays, and the new one runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runlib import Hyperopt, Run, Search
from runlib.audit.repair import repair
from runlib.audit.report import RepairReport
from runlib.audit.verify import verify
from runlib.engine import disk
from runlib.errors import FolderError, FolderExists, NotARun, TapeCorrupt, TapeFormat
from runlib.tape.codec import encode_line
from runlib.tape.events import End, Enqueue, Retry, Session, Submit, Suggest, Void
from runlib.tape.reader import TapeReader
from tests.audit.audit_tools import (
    SEPARATOR,
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
from tests.fakes import story
from tests.tape.tape_tools import METADATA, some_events

SPACE = {"x": ["hp_uniform", "x", 0, 1]}


def errors(report: RepairReport) -> list[str]:
    return [found.text for found in report.dropped if found.level == "error"]


def repaired(tmp_path: Path, data: bytes) -> tuple[RepairReport, Path]:
    """A folder with this tape, repaired and found to be whole."""
    folder, into = set_tape(tmp_path / "run_old", data), tmp_path / "run_new"
    before = contents(folder)
    report = repair(folder, into)
    assert contents(folder) == before
    assert verify(into).verdict == "intact"
    return report, into


def test_a_whole_run_is_the_same_again(tmp_path: Path) -> None:
    folder = finished_run(tmp_path)
    report = repair(folder, tmp_path / "deep" / "run_new")
    assert (report.kept, report.mended, report.dropped, report.renumbered, report.exact) == (15, (), (), {}, True)
    assert events(report.into) == events(folder)
    assert story(go_on(report.into).state) == story(go_on(folder).state)


def test_the_metadata_say_where_it_comes_from(tmp_path: Path) -> None:
    data = tape_run(tmp_path / "run_old", some_events(9))
    report, into = repaired(tmp_path, data)
    metadata = TapeReader(into / "tape.son").metadata
    assert metadata["run"] == METADATA["run"]
    assert metadata["id"] != METADATA["id"]
    assert metadata["repaired_from"]["id"] == METADATA["id"]
    assert metadata["repaired_from"]["bytes"] == len(data)
    again = TapeReader(repair(into, tmp_path / "run_newer").into / "tape.son").metadata["repaired_from"]
    assert (again["id"], again["before"]) == (metadata["id"], metadata["repaired_from"])
    assert again["hash"] != metadata["repaired_from"]["hash"]
    assert report.into == into


def test_times_are_kept_and_all_is_noted_as_durable(tmp_path: Path) -> None:
    data = tape_run(tmp_path / "run_old", some_events(9))
    _, into = repaired(tmp_path, smear(data, 5))
    before, after = (list(TapeReader(folder / "tape.son")) for folder in (set_tape(tmp_path / "run_x", data), into))
    assert [record.t for record in after] == [record.t for record in before if record.n != 5]
    lines = pieces((into / "tape.son").read_bytes())
    assert all(b'"d":8' in line for line in lines[:-1])
    # So even its last record cannot be taken for one that was being written.
    assert verify(set_tape(tmp_path / "run_y", flip((into / "tape.son").read_bytes(), -40))).verdict == "damaged"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_any_single_bit(tmp_path_factory: pytest.TempPathFactory, place: int, bit: int) -> None:
    folder = tmp_path_factory.mktemp("flip")
    data = tape_run(folder / "run_old", some_events(13)[:12])
    report, into = repaired(folder, flip(data, place % len(data), bit))
    assert report.kept == 12  # the hash tells what the byte was: nothing is lost at all
    assert events(into) == some_events(13)[:12]
    assert report.exact
    assert len(report.mended) + len(report.dropped) <= 1


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(140, 10**6), bits=st.lists(st.integers(0, 7), min_size=2, max_size=2))
def test_any_two_bytes(tmp_path_factory: pytest.TempPathFactory, place: int, bits: list[int]) -> None:
    folder = tmp_path_factory.mktemp("flip")
    data = tape_run(folder / "run_old", some_events(13)[:12])
    place = 140 + place % (len(data) - 141)
    report, into = repaired(folder, flip(flip(data, place, bits[0]), place + 1, bits[1]))
    lost = 12 - report.kept
    assert lost == len(errors(report))
    # The damaged one, its successor, and a result whose suggestion is one of these.
    assert lost <= 3
    kept = events(into)
    assert sum(isinstance(event, Session) for event in kept) >= 1 - lost


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    begin=st.integers(0, 2000),
    length=st.integers(0, 600),
    put=st.one_of(st.binary(max_size=40), st.sampled_from([b"\n---\n", b"{", b'{"submit":{"tid":0}}', bytes(300)])),
    copied=st.booleans(),
)
def test_whatever_is_done_to_a_tape(
    tmp_path_factory: pytest.TempPathFactory, begin: int, length: int, put: bytes, copied: bool
) -> None:
    folder = tmp_path_factory.mktemp("any")
    data = tape_run(folder / "run_old", some_events(13)[:12])
    begin %= len(data)
    changed = (
        data[:begin] + put + (data[begin : begin + length] if copied else b"") + data[begin + length * (not copied) :]
    )
    set_tape(folder / "run_old", changed)
    verdict = verify(folder / "run_old").verdict
    assert verdict != "intact" or all(event in some_events(13) for event in events(folder / "run_old"))
    try:
        report, into = repaired(folder, changed)
    except (TapeCorrupt, TapeFormat):
        return
    originals = [event for event in some_events(13)[:12] if not isinstance(event, Suggest | Submit)]
    assert all(event in originals for event in events(into) if not isinstance(event, Suggest | Submit))
    known = {event.suggestion["x"] for event in some_events(13) if isinstance(event, Suggest)}
    assert {event.suggestion["x"] for event in events(into) if isinstance(event, Suggest)} <= known
    assert report.kept == len(events(into))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_bytes_that_were_never_a_tape(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = set_tape(tmp_path_factory.mktemp("bytes") / "run_x", data)
    assert verify(folder).verdict in ("not a run", "damaged")
    with pytest.raises((TapeCorrupt, TapeFormat)):
        repair(folder, folder.parent / "run_new")


def test_a_lost_result_leaves_its_trial_live(tmp_path: Path) -> None:
    data = tape_run(tmp_path / "run_old", some_events(9))
    report, into = repaired(tmp_path, smear(data, 5))
    assert (report.kept, report.lost_trials, report.reopened, report.renumbered) == (8, (), (1,), {})
    assert not report.exact
    assert errors(report) == [
        f"bytes {data.index(pieces(data)[4])} to {data.index(pieces(data)[4]) + len(pieces(data)[4])}: record 5 is "
        "damaged (its kind was submit, its trial 1)"
    ]
    state = Run.checkout(into).state
    assert (list(state.trials), list(state.live_trials)) == ([0, 2, 3], [1])


def test_a_lost_suggestion_takes_its_result_along_and_later_trials_move_up(tmp_path: Path) -> None:
    data = tape_run(tmp_path / "run_old", some_events(9))
    report, into = repaired(tmp_path, smear(data, 4))
    assert (report.kept, report.lost_trials, report.reopened) == (7, (1,), ())
    assert report.renumbered == {2: 1, 3: 2}
    assert "record 5 is intact but speaks of a trial whose suggestion is lost" in errors(report)
    state = Run.checkout(into).state
    assert [state.trials.get_outcome(tid)["suggestion"]["x"] for tid in state.trials] == [0, 2 / 7, 3 / 7]


@pytest.mark.parametrize("n", range(1, 16))
def test_a_repaired_run_goes_on(tmp_path: Path, n: int) -> None:
    folder = finished_run(tmp_path / "a", Hyperopt(SPACE, n_startup_jobs=3))
    data = (folder / "tape.son").read_bytes()
    report = repair(set_tape(folder, smear(data, n)), tmp_path / "run_new")
    run = go_on(report.into, 9)
    assert len(run.state.trials) == 9
    assert sorted([*run.state.trials, *run.state.live_trials]) == list(range(10))
    assert verify(report.into).verdict == "intact"
    assert report.exact == (n in (1, 14, 15))  # the first and the last note sessions, and 14 is the last suggestion


def test_an_exact_repair_restores_what_would_have_been(tmp_path: Path) -> None:
    folder = finished_run(tmp_path, Hyperopt(SPACE, n_startup_jobs=3))
    data = (folder / "tape.son").read_bytes()
    report = repair(set_tape(folder, smear(data, 14)), tmp_path / "run_new")
    assert report.lost_trials == (6,)
    assert story(go_on(report.into).state) == story(go_on(set_tape(folder, data)).state)


def test_the_order_of_suggestions_survives_a_lost_result(tmp_path: Path) -> None:
    folder = finished_run(tmp_path / "a", order="suggested", count=8, context={"max_workers": 2})
    data = (folder / "tape.son").read_bytes()
    for n in range(2, len(pieces(data))):
        report = repair(set_tape(folder, smear(data, n)), tmp_path / f"run_{n}")
        assert verify(report.into).verdict == "intact"
        assert len(go_on(report.into, 10).state.trials) == 10


def test_a_result_that_answered_others(tmp_path: Path) -> None:
    answered = {"ok": {"loss": 1.0}}
    tape = [Session({}), Suggest(0, 1), Submit(0, answered), Suggest(1, 1), Submit(1, answered, of=0)]
    tape += [Suggest(2, 1), Submit(2, answered, of=0), Suggest(3, 1), Submit(3, answered, of=0)]
    data = tape_run(tmp_path / "run_old", tape)
    _, into = repaired(tmp_path, smear(data, 3))
    assert events(into)[3:] == [
        Submit(1, answered),  # it stands for the lost one
        *(Suggest(2, 1), Submit(2, answered, of=1), Suggest(3, 1), Submit(3, answered, of=1)),
    ]


def large(x: float) -> dict[str, Any]:
    """A result that lies apart."""
    return {"loss": x, "text": "x" * 100_000}


def test_large_results_come_along(tmp_path: Path) -> None:
    folder = finished_run(tmp_path, evaluator=large)
    before = Run.checkout(folder)
    data = (folder / "tape.son").read_bytes()
    (folder / "trials" / "5" / "result.json").write_bytes(b"{}")
    report = repair(set_tape(folder, smear(data, 4)), tmp_path / "run_new")
    assert (report.lost_trials, report.renumbered) == ((1,), {2: 1, 3: 2, 4: 3, 5: 4, 6: 5})
    assert verify(report.into).verdict == "intact"
    after = Run.checkout(report.into)
    assert sorted(path.parent.name for path in report.into.glob("trials/*/result.json")) == ["0", "1", "2", "3"]
    assert [after.full_result(new) for new in range(4)] == [before.full_result(old) for old in (0, 2, 3, 4)]
    assert after.state.trials.get_outcome(4)["loss"] == before.state.trials.get_outcome(5)["loss"]
    assert "was changed" in report.notes[0]


def test_results_of_a_second_writer(tmp_path: Path) -> None:
    tape = [Session({}), Suggest(0, 1), Suggest(1, 2), Suggest(2, 3), Suggest(3, 4), End("stop"), Session({})]
    parts = pieces(tape_run(tmp_path / "run_old", tape))
    result, h = encode_line({"submit": {"tid": 1, "result": {"ok": {"loss": 9.0}}}, "n": 5, "t": 1.0}, parts[3][-18:-2])
    other, _ = encode_line({"suggest": {"tid": 3, "suggestion": 99}, "n": 6, "t": 1.0}, h)
    report, into = repaired(tmp_path, join([*parts[:4], result, other, *parts[4:]]))
    assert events(into) == [*tape, Submit(1, {"ok": {"loss": 9.0}})]
    assert errors(report) == ["record 6 of a second writer does not fit the others"]
    assert "the result of trial 1 comes from a second writer" in report.notes
    assert not report.exact


def test_doubled_and_swapped_lines_cost_nothing(tmp_path: Path) -> None:
    parts = pieces(tape_run(tmp_path / "run_old", some_events(9)))
    report, into = repaired(tmp_path, join([*parts[:5], parts[4], parts[6], parts[5], *parts[7:]]))
    assert events(into) == some_events(9)
    assert report.exact
    assert errors(report) == []
    assert report.notes == ("records stood out of order and are in order again: 7",)


def test_a_shorter_tape_than_the_status_says(tmp_path: Path) -> None:
    folder = finished_run(tmp_path)
    parts = pieces((folder / "tape.son").read_bytes())
    report = repair(set_tape(folder, join([*parts[:6], b""])), tmp_path / "run_new")
    assert report.notes == ("the tape has 6 records, but status.txt says that it had 15: the rest is lost",)


def test_metadata_that_fit_no_hash_are_used_and_said(tmp_path: Path) -> None:
    data = tape_run(tmp_path / "run_old", some_events(9)).replace(b"search_x", b"search_yz", 1)
    report, into = repaired(tmp_path, data)
    assert report.kept == 9
    assert "compare the config" in report.notes[0]
    assert TapeReader(into / "tape.son").metadata["run"] == {"search": {"search_yz": {}}}


def test_what_cannot_be_repaired(tmp_path: Path) -> None:
    data = tape_run(tmp_path / "run_old", some_events(9))
    newer, _ = encode_line({"run": {}, "format": "runlib-tape/3"}, b"")
    unknown, _ = encode_line({"dance": {}, "n": 10, "t": 1.0}, pieces(data)[8][-18:-2])
    for tape, error, text in (
        (b"", TapeCorrupt, "no tape of runlib"),
        (b"??????" + data[6:], TapeCorrupt, "lost its first line"),
        (newer + b"\n===\n", TapeFormat, "runlib-tape/3"),
        (data + unknown + b"\n---\n", TapeFormat, "'dance'"),
    ):
        with pytest.raises(error, match=text):
            repair(set_tape(tmp_path / "run_x", tape), tmp_path / "run_new")
    with pytest.raises(NotARun):
        repair(tmp_path / "nowhere", tmp_path / "run_new")
    assert not (tmp_path / "run_new").exists()


def test_where_it_may_be_put(tmp_path: Path) -> None:
    folder = finished_run(tmp_path)
    with pytest.raises(FolderExists, match="exists"):
        repair(folder, folder)
    with pytest.raises(FolderError, match="in the damaged run"):
        repair(folder, folder / "new")
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderError):
        repair(folder, tmp_path / "file" / "new")


def test_a_disk_that_refuses_leaves_nothing(tmp_path: Path) -> None:
    folder = finished_run(tmp_path / "a", evaluator=large)

    class Full(disk.Disk):
        def __init__(self, left: int) -> None:
            self.left = left

        def write(self, fd: int, data: bytes | memoryview) -> int:
            if not self.left:
                raise OSError(28, "No space left on device")
            self.left -= 1
            return super().write(fd, data)

    for left in (0, 3, 6):
        with disk.use(Full(left)), pytest.raises(FolderError, match="No space left"):
            repair(folder, tmp_path / "b" / "run_new")
        assert list((tmp_path / "b").iterdir()) == []


def test_as_plain_data(tmp_path: Path) -> None:
    data = tape_run(tmp_path / "run_old", some_events(9))
    report, _ = repaired(tmp_path, smear(data, 4))
    told = json.loads(json.dumps(report.as_data()))
    assert (told["kept"], told["renumbered"], told["lost_trials"]) == (7, {"2": 1, "3": 2}, [1])
    assert [found["n"] for found in told["dropped"]] == [4, 5]


# -- edits and attempts ---------------------------------------------------------------------------


def without(folder: Path, tmp_path: Path, wanted: type, place: int = 0) -> tuple[RepairReport, Path, int]:
    """The run repaired after the loss of a record of this kind; and the number that it had."""
    data = (folder / "tape.son").read_bytes()
    n = [n for n, event in enumerate(events(folder), 1) if isinstance(event, wanted)][place]
    report, into = repaired(tmp_path, smear(data, n))
    return report, into, n


def test_a_run_with_edits_is_the_same_again(tmp_path: Path) -> None:
    folder = edited_run(tmp_path)
    report = repair(folder, tmp_path / "run_new")
    assert (report.dropped, report.exact, report.notes) == ((), True, ())
    assert events(report.into) == events(folder)


def test_a_lost_void_lets_its_trial_count_again(tmp_path: Path) -> None:
    report, into, n = without(edited_run(tmp_path), tmp_path, Void)
    assert [found.n for found in report.dropped] == [n]
    assert not report.exact
    state = Run.checkout(into).state
    assert len(go_on(into, 8).state.trials) == 8
    assert 2 in state.trials
    assert 2 not in state.voided


def test_a_lost_wish_is_made_anew_from_what_came_of_it(tmp_path: Path) -> None:
    folder = edited_run(tmp_path)
    for place in (0, 1):
        (tmp_path / str(place)).mkdir()
        report, into, n = without(folder, tmp_path / str(place), Enqueue, place)
        assert f"record {n}, which is lost, is made anew from what came of it" in report.notes
        assert [e.suggestion for e in events(into) if isinstance(e, Enqueue)] == [{"x": 0.4}, {"x": 0.5}]
        assert story(Run.checkout(into).state)[0].suggestion == {"x": 0.4}
        assert verify(into, replay=True).verdict == "intact"


def test_a_lost_trial_that_was_wanted_is_wanted_again(tmp_path: Path) -> None:
    report, into, _ = without(edited_run(tmp_path), tmp_path, Suggest, 0)
    assert report.lost_trials == (0,)
    state = Run.checkout(into).state
    assert list(state.queue.values()) == [{"x": 0.4}]
    assert state.voided == {1: "bad", 4: ""}  # they moved up
    assert {note.tid for note in state.notes.values()} == {None}


def test_a_lost_attempt_was_one_nevertheless(tmp_path: Path) -> None:
    folder = edited_run(tmp_path)
    places = [event.attempt for event in events(folder) if isinstance(event, Retry)]
    assert places == [1, 1, 2]
    report, into, _ = without(folder, tmp_path, Retry, 1)
    assert (report.exact, report.reopened) == (True, ())
    assert [event.attempt for event in events(into) if isinstance(event, Retry)] == [1, 2]


def test_a_lost_result_of_a_void_trial_leaves_it_void(tmp_path: Path) -> None:
    report, into, _ = without(edited_run(tmp_path), tmp_path, Submit, 2)
    assert report.reopened == ()
    state = Run.checkout(into).state
    assert 2 in state.voided
    assert 2 not in state.live_trials


class OnlyAsked(Search):
    """Suggests by what it heard, and can be recalled by asking again alone."""

    kind = "search_only_asked"

    def __init__(self, space: Any = None, seed: int = 1, context: Any = None) -> None:
        super().__init__(context)
        self.space, self.seed, self.made, self.known = space, seed, 0, 0.0

    def suggest(self) -> tuple[int, Any]:
        self.made += 1
        return self.made - 1, {"x": (0.137 * self.made + self.known) % 1}

    def submit(self, tid: int, *, error: bool = False, loss: float | None = None, var: float | None = None) -> None:
        self.known += loss or 0.0


def test_where_a_suggestion_is_lost_the_search_adopts_what_is_left(tmp_path: Path) -> None:
    folder = finished_run(tmp_path, OnlyAsked())
    tape = folder / "tape.son"
    parts = tape.read_bytes().split(SEPARATOR)
    lost = next(i for i, part in enumerate(parts) if b'{"suggest":{"tid":3' in part)
    tape.write_bytes(SEPARATOR.join([*parts[:lost], *parts[lost + 1 :]]))
    report = repair(folder, tmp_path / "new")
    assert not report.exact
    assert verify(report.into, replay=True).verdict == "intact"
    run = go_on(report.into, 9)
    assert len(run.state.trials) == 9
    assert verify(report.into, replay=True).verdict == "intact"
