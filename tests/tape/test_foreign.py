"""Tapes of cmlkit: what they add up to, what is torn, what is damaged, and that nothing writes to them."""

from __future__ import annotations

import hashlib
import io
import logging
import math
import shutil
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runlib import Hyperopt, Run, StopMax
from runlib.cli.account import describe, render_description
from runlib.cli.best import best_trials
from runlib.errors import NotARun, ReadOnlyRun, RunlibError, TapeCorrupt, TapeError, TapeFormat, UnknownKind
from runlib.tape.events import Record, Submit, Suggest
from runlib.tape.foreign import ForeignReader, is_foreign, open_tape
from runlib.tape.reader import Tail, TapeReader
from tests.tape.tape_tools import some_events, write_tape

GOLDEN = Path(__file__).parent.parent / "golden" / "cmlkit" / "run_patient_otter"
TAPE = (GOLDEN / "tape.son").read_bytes()
HASH = "9eed1a2ba10324fa0836f10b2b409980720e788839fc21e05d0baac2e87d95b9"
HEAD = "run:\n  search: {search_x: {}}\n  evaluator: {eval_x: {}}\n  stop: {stop_x: {}}\n===\n"
RECORDS = 11


def model(kernel: dict[str, Any], nl: float, shift: float) -> dict[str, Any]:
    return {"model": {"krr": {"kernel": kernel, "nl": nl}}, "shift": shift}


FIRST, SECOND = model({"gaussian": {"ls": 0.5}}, 0.00042, 0.25), model({"linear": {}}, 1e-5, 0.75)
THIRD = model({"gaussian": {"ls": 2.0}}, 0.03, 0.125)


class InMemory(ForeignReader):
    """Reads bytes as if they stood in a file."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        super().__init__(Path("tape.son"))

    def _open(self) -> BinaryIO:
        return io.BytesIO(self.data)


def read(data: bytes | str) -> tuple[list[Record], InMemory]:
    reader = InMemory(data.encode() if isinstance(data, str) else data)
    return list(reader), reader


def refused(data: bytes | str) -> TapeError:
    with pytest.raises(TapeError) as caught:
        read(data)
    return caught.value


def suggest(tid: int, suggestion: str = "{x: 1.5}") -> str:
    return f"suggest:\n  suggestion: {suggestion}\n  tid: {tid}\n---\n"


def submit(tid: int, result: str = "{ok: {loss: 0.5}}") -> str:
    return f"submit:\n  result: {result}\n  tid: {tid}\n---\n"


# -- the golden tape ------------------------------------------------------------------------------


def test_the_golden_tape_was_not_changed() -> None:
    assert hashlib.sha256(TAPE).hexdigest() == HASH


def test_its_records_are_events() -> None:
    records, reader = read(TAPE)
    assert [record.n for record in records] == list(range(1, RECORDS + 1))
    assert records[0].event == Suggest(0, FIRST)
    assert records[1].event == Suggest(1, SECOND)
    result = {"loss": 0.21, "duration": 0.1, "note": "Länge: 3 µm", "per_fold": [0.2, 0.22, math.inf], "shape": [7, 3]}
    assert records[2].event == Submit(0, {"ok": result})
    assert records[6].event == Submit(3, {"ok": result}, of=0)
    assert (reader.tail, reader.position.offset, reader.position.n) == (None, len(TAPE), RECORDS)
    assert reader.metadata["run"]["evaluator"] == {"quadratic_eval": {}}


def test_a_traceback_is_text_whatever_stands_in_it() -> None:
    error = read(TAPE)[0][4].event.result["error"]  # type: ignore[union-attr]
    assert error["error"] == "TimeoutError"
    assert error["error_text"] == ""
    assert error["traceback"].endswith('TimeoutError: !!float "np.float64(9.9)" is text here\n\n---\n===\n')
    assert "suggestion" not in error


def test_the_golden_run_is_checked_out_with_everything() -> None:
    run = Run.checkout(GOLDEN)
    state = run.state
    assert {tid: entry[0] for tid, entry in state.trials.items()} == {
        0: "ok", 1: "error", 3: "ok", 2: "ok", 4: "error"
    }  # fmt: skip
    assert state.trials.get_outcome(2)["refined_suggestion"] == model({"gaussian": {"ls": 1.9}}, 0.03, 0.125)
    assert state.trials.get_outcome(1)["suggestion"] == SECOND
    assert list(state.live_trials) == [5]
    assert state.best is not None
    assert (state.best.tid, state.best.loss, state.best.suggestion) == (2, 0.0625, THIRD)
    assert state.top == [(2, 0.0625), (0, 0.21)]  # trial 3 is the same evaluation
    assert state.trials.top_suggestions() == [THIRD, FIRST, FIRST]
    assert len(state.evals) == 4
    assert state.count_by_error == {"TimeoutError": 1, "InvalidResult": 1}
    assert [record.n for record in state.tape] == list(range(1, RECORDS + 1))
    assert (run.name, run.trial_timeout, run.caught_exceptions) == ("patient otter", 1.5, ["TimeoutError"])
    assert run.full_result(2)["ok"]["loss"] == 0.0625


def test_it_says_that_it_is_a_foreign_tape() -> None:
    assert repr(Run.checkout(GOLDEN)) == (
        "<Run patient_otter: 5 trials (3 ok, 2 failed), 1 live, best 0.0625 (trial 2), "
        "a foreign tape (cmlkit), read-only>"
    )


def test_parts_that_are_known_here_can_be_made_and_others_are_named() -> None:
    run = Run.checkout(GOLDEN)
    assert isinstance(run.search, Hyperopt)
    assert isinstance(run.stop, StopMax)
    assert run.stop.short_report(run.state) == "Counted trials: 5/7."
    with pytest.raises(UnknownKind, match="quadratic_eval"):
        _ = run.evaluator
    assert Run.checkout(GOLDEN).get_config()["run"]["evaluator"] == {"quadratic_eval": {}}


def test_status_and_top_show_it() -> None:
    about = describe(Run.checkout(GOLDEN), 1e9)
    assert (about["phase"], about["last_record"], about["seconds_since"]) == ("foreign", None, None)
    text = render_description(about, 1e9)
    assert "A tape of cmlkit" in text
    assert "Counted trials: 5/7." in text
    assert "5 finished, 3 ok, 2 failed, 1 live" in text
    assert [(row["rank"], row["trial"], row["loss"]) for row in best_trials(Run.checkout(GOLDEN).state, 5)] == [
        (1, 2, 0.0625), (2, 0, 0.21)
    ]  # fmt: skip


def test_nothing_writes_to_it(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(GOLDEN, tmp_path / "run_a"))
    with pytest.raises(TapeFormat, match="is a tape of cmlkit, which is read but not gone on with: check it out"):
        Run.restore(folder)
    run = Run.checkout(folder)
    with pytest.raises(TapeFormat, match="tape of cmlkit"):
        run.run()
    with pytest.raises(TapeFormat, match="tape of cmlkit"):
        run.prepare(tmp_path)
    assert [path.name for path in folder.iterdir()] == ["tape.son"]
    assert (folder / "tape.son").read_bytes() == TAPE


def test_what_is_ours_is_not_foreign(tmp_path: Path) -> None:
    write_tape(tmp_path / "tape.son", some_events(3))
    assert not is_foreign(tmp_path / "tape.son")
    assert type(open_tape(tmp_path / "tape.son")) is TapeReader
    assert type(open_tape(GOLDEN / "tape.son")) is ForeignReader
    assert not is_foreign(tmp_path / "none")
    with pytest.raises(NotARun):
        open_tape(tmp_path / "none")
    (tmp_path / "run_b").mkdir()
    write_tape(tmp_path / "run_b" / "tape.son", [])
    with pytest.raises(ReadOnlyRun):
        Run.checkout(tmp_path / "run_b").run()


def test_time_travel_on_a_foreign_tape() -> None:
    state = Run.checkout(GOLDEN, at=3).state
    assert (list(state.trials), list(state.live_trials), len(state.tape)) == ([0], [1], 3)


# -- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('!!float "np.float64(1.3)"', 1.3),
        ("!!float 'np.float64(1e-05)'", 1e-5),
        ('!!float "np.float32(-2)"', -2.0),
        ('!!float "np.float64(inf)"', math.inf),
        ('!!float "np.float64(-inf)"', -math.inf),
        ('{a: [!!float "np.float64(1.5)", !!python/tuple [1, 2]]}', {"a": [1.5, [1, 2]]}),
        ("!!python/tuple\n    - 1\n    - 'a'", [1, "a"]),
        ("'np.float64(1.3)'", "np.float64(1.3)"),
        ('"!!float 1"', "!!float 1"),
        ("1.0e-05", 1e-5),
        ("'yes'", "yes"),
    ],
)
def test_values_are_those_that_the_writer_had(text: str, value: Any) -> None:
    [record], _ = read(HEAD + suggest(0, text))
    assert record.event == Suggest(0, value)
    assert type(record.event.suggestion) is type(value)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text",
    [
        '!!float "np.float64(1.2.3)"', '!!float "np.float64(x)"', '!!float "np.float64(1.3"', "!!python/name:os x",
        "!!python/object/apply:os.system [id]", '!!int "np.int64(1)"', "!!python/tuple {a: 1}x", "{a: 1, a: 2}",
    ],
)  # fmt: skip
def test_other_tags_and_loose_yaml_are_damage(text: str) -> None:
    error = refused(HEAD + suggest(0) + suggest(1, text))
    assert isinstance(error, TapeCorrupt)
    assert error.n == 2
    assert "record 2, line 11: it is no strict YAML" in str(error)


def test_a_success_without_a_finite_loss_is_an_invalid_result() -> None:
    for loss in ("{}", "{loss: .nan}", "{loss: .inf}", "{loss: a}", "{loss: true}", "{loss: null, more: 1}"):
        records, _ = read(HEAD + suggest(0) + submit(0, f"{{ok: {loss}}}"))
        error = records[1].event.result["error"]  # type: ignore[union-attr]
        assert error["error"] == "InvalidResult", loss
        assert "without a finite loss" in error["error_text"]
    assert error["more"] == 1


def test_what_is_no_number_where_one_is_counted_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "tape.son").write_text(HEAD + suggest(0) + submit(0, "{ok: {loss: 1, cost: a, duration: [], var: {}}}"))
    state = Run.checkout(tmp_path).state
    assert state.trials[0] == ["ok", {"loss": 1.0, "suggestion": {"x": 1.5}}]


# -- torn and damaged -----------------------------------------------------------------------------


SMALL = (HEAD + suggest(0) + suggest(1, "[1, '---', a]") + submit(1, "{error: {}}") + submit(0)).encode()


@pytest.mark.parametrize(("tape", "step"), [(SMALL, 1), (TAPE, 61)])
def test_cut_anywhere_the_whole_prefix_is_read(tape: bytes, step: int) -> None:
    whole, _ = read(tape)
    head = tape.index(b"\n===\n") + 5
    ends = [at + 1 for at in range(head, len(tape)) if tape[at : at + 5] == b"\n---\n"]
    for cut in range(head, len(tape), step):
        records, reader = read(tape[:cut])
        count = sum(end < cut for end in ends)  # one hyphen of the terminator says that the record is whole
        assert records == whole[:count], cut
        start = ends[count - 1] + 4 if count else head
        if cut > start:
            assert reader.tail == Tail(start, tape[start:cut])
        elif cut < start:
            assert reader.tail == Tail(cut, b"", b"---\n"[cut - start :])
        else:
            assert reader.tail is None


def test_cut_in_the_metadata_it_is_no_tape() -> None:
    for cut in range(5, TAPE.index(b"\n===\n") + 5):
        assert isinstance(refused(TAPE[:cut]), TapeFormat), cut


def test_a_torn_end_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "tape.son").write_bytes(TAPE[:-30])
    with caplog.at_level(logging.WARNING, "runlib"):
        state = Run.checkout(tmp_path).state
    assert state.n == RECORDS - 1
    assert "ends in the middle of record 11, which is left out" in caplog.text


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("---\n", "neither"),
        ("garbage\n---\n", "neither"),
        ("\0\0\0\n---\n", "no strict YAML"),
        ("suggest:\n  suggestion: {x: 1\n  tid: 1\n---\n", "no strict YAML"),
        ("suggest: {tid: 1}\n---\n", "neither"),
        ("suggest: {tid: 1, suggestion: 1, more: 2}\n---\n", "neither"),
        ("void: {tid: 1}\n---\n", "neither"),
        (suggest(1) .replace("tid: 1", "tid: 'a'"), "whole number"),
        (suggest(0), "suggests trial 0, where trial 1 is next"),
        (suggest(2), "suggests trial 2, where trial 1 is next"),
        (submit(1), "ends trial 1, which is not live"),
        (submit(0, "{}"), "neither"),
        (submit(0, "{ok: {loss: 1}, error: {}}"), "neither"),
        (submit(0, "{ok: 3}"), "ok without an outcome"),
        (submit(0, "{error: {error: [1]}}"), "must be text"),
        (submit(0) + submit(0), "ends trial 0, which is not live"),
    ],
)  # fmt: skip
def test_damage_in_the_middle_names_record_and_line(record: str, reason: str, tmp_path: Path) -> None:
    text = HEAD + suggest(0) + record + suggest(1)
    error = refused(text)
    n = 2 + (record.count("submit:") == 2)
    line = 10 if n == 2 else 14
    assert isinstance(error, TapeCorrupt)
    assert error.n == n
    assert error.offset == len("".join(text.splitlines(keepends=True)[: line - 1]))
    assert reason in str(error)
    noticed = 12 if "{x: 1\n" in record else line  # inside of it
    assert f"is damaged at record {n}, line {noticed}" in str(error)
    (tmp_path / "tape.son").write_text(text)
    with pytest.raises(TapeCorrupt):
        Run.checkout(tmp_path)
    assert Run.checkout(tmp_path, at=n - 1).state.n == n - 1


def test_bytes_that_are_no_text_are_damage() -> None:
    error = refused((HEAD + suggest(0)).encode() + b"suggest:\n  suggestion: \xff\n---\n")
    assert "record 2, line 11: it is no UTF-8 text" in str(error)


@pytest.mark.parametrize(
    "head",
    [
        "run:\n===\n", "run: {}\n===\n", "run: 3\n===\n", "run:\n  search: {a: {}}\n===\n", HEAD[:-1],
        HEAD.replace("===", "  caught_exceptions: 3\n==="),
    ],
)  # fmt: skip
def test_other_metadata_is_no_run(head: str) -> None:
    assert isinstance(refused(head), TapeFormat)


# -- only our own errors --------------------------------------------------------------------------


@settings(max_examples=150)
@given(st.binary(max_size=60), st.integers(0, len(TAPE)), st.integers(0, 60))
def test_a_mutated_tape_raises_only_our_errors(inserted: bytes, at: int, dropped: int) -> None:
    try:
        records, _ = read(TAPE[:at] + inserted + TAPE[at + dropped :])
    except RunlibError:
        return
    assert all(isinstance(record.event, Suggest | Submit) for record in records)


BITS = (
    "suggest:|submit:|\n|  |tid: 0|result:|ok:|{|}|[|]|loss: 1|!!float|- |&a|*a|---\n|===\n|!!python/tuple|>|'|#|: |? "
)
yaml_bits = st.sampled_from([*BITS.split("|"), "|", '"', '"np.float64(1)"', "\\U99999999"])


@settings(max_examples=150)
@given(st.lists(yaml_bits | st.text(max_size=5), max_size=40))
def test_random_yaml_raises_only_our_errors(bits: list[str]) -> None:
    try:
        read((HEAD + "".join(bits)).encode("utf-8", "surrogatepass"))
    except RunlibError:
        return
