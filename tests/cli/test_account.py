"""What is said of a run that was read."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from runlib import Run, StopMax
from runlib.cli.account import describe, render_description
from runlib.cli.best import best_trials, print_best
from runlib.state.state import State
from runlib.tape.events import End, Enqueue, Note, Record, Session, Submit, Suggest, Void
from tests.fakes import DirectPool, SpySearch, quadratic


def make_state(*events: Any) -> State:
    state = State()
    for n, event in enumerate(events, 1):
        state.apply(Record(n, 100.0 + n, event))
    return state


def trial(tid: int, loss: float | None, x: Any = None, **more: Any) -> list[Any]:
    result = {"error": {"error": "Oops"}} if loss is None else {"ok": {"loss": loss, **more}}
    return [Suggest(tid, {"x": tid if x is None else x}), Submit(tid, result)]


def read(folder: Path, info: dict[str, Any] | None, *events: Any) -> Run:
    """A checked-out run of one finished trial, with another end to its tape."""
    with Run(SpySearch(), quadratic, StopMax(1), pool=DirectPool(), name="fox").prepare(folder) as run:
        run.run()
    read = Run.checkout(run.work_directory)
    for event in ([] if info is None else [Session(info)]) + list(events):
        read.state.apply(Record(read.state.n + 1, read.state.t, event))
    return read


def test_best_are_ranked_with_ties_in_order_and_repeats_once() -> None:
    events = trial(0, 2.0) + trial(1, None) + trial(2, 1.0, duration=0.5) + trial(3, 1.0) + trial(4, 1.0, x=2)
    rows = best_trials(make_state(*events), 3)
    assert [(row["rank"], row["trial"], row["loss"]) for row in rows] == [(1, 2, 1.0), (2, 3, 1.0), (3, 0, 2.0)]
    assert rows[0] == {"rank": 1, "trial": 2, "loss": 1.0, "duration": 0.5, "suggestion": {"x": 2}}
    assert len(best_trials(make_state(*events), 1)) == 1


def test_table_does_not_read_markup_and_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    long = "[red]" + "y" * 300
    print_best(make_state(*trial(0, 2.0, x=long), *trial(1, 3.0, x="[/]", duration=0.0012)), 5)
    header, first, second = capsys.readouterr().out.splitlines()
    assert header.split() == ["rank", "loss", "trial", "duration", "suggestion"]
    assert first.split() == ["1", "2", "0", "x:", long]
    assert second.split() == ["2", "3", "1", "0.0012", "s", "x:", "[/]"]


def test_ended_run(tmp_path: Path) -> None:
    run = read(tmp_path, None)
    about = describe(run, run.state.t + 5)
    assert about["phase"] == "ended"
    live = len(run.state.live_trials)
    assert about["trials"] == {"finished": 1, "ok": 1, "failed": 0, "live": live, "void": 0, "enqueued": 0}
    assert "Ended: Counted trials: 1/1. It ran for" in render_description(about, 0.0)


def test_running_run_is_told_with_its_writer_and_the_time_that_goes_on(tmp_path: Path) -> None:
    host = socket.gethostname()
    run = read(tmp_path, {"host": host, "pid": os.getpid()})
    before = run.state.runtime
    about = describe(run, run.state.t + 90)
    assert about["phase"] == "running"
    assert about["runtime"] == pytest.approx(before + 90)
    text = render_description(about, 0.0)
    assert f"by process {os.getpid()} on {host}; the last record is 1 min 30 s old." in text


def test_run_whose_writer_is_gone_was_cut_off(tmp_path: Path) -> None:
    run = read(tmp_path, {"host": socket.gethostname(), "pid": 2**22 + 1})
    about = describe(run, run.state.t)
    assert about["phase"] == "cut off"
    assert "Cut off: process" in render_description(about, 0.0)


def test_writer_on_another_machine_may_be_alive(tmp_path: Path) -> None:
    run = read(tmp_path, {"host": "far-away", "pid": 1})
    about = describe(run, run.state.t)
    assert about["phase"] == "unknown"
    assert "Running, or cut off: process 1 on far-away" in render_description(about, 0.0)


def test_errors_and_an_empty_run(tmp_path: Path) -> None:
    run = read(tmp_path, {}, *trial(7, None), End("error", "Oops: it broke"))
    text = render_description(describe(run, 0.0), 0.0)
    assert "Errors:      Oops: 1." in text
    assert "Ended: Oops: it broke." in text
    with Run(SpySearch(), quadratic, StopMax(1), pool=DirectPool(), name="new").prepare(tmp_path) as fresh:
        text = render_description(describe(Run.checkout(fresh.work_directory), 0.0), 0.0)
    assert "Best: none yet." in text


def test_what_people_did_is_told_in_a_line_each(tmp_path: Path) -> None:
    edits = [Void(0, "the disk\nwas full"), Enqueue({"x": 1}), Note("all\nis well"), Note("odd", 0)]
    run = read(tmp_path, None, *edits, Void(1))
    about = describe(run, 0.0)
    assert about["trials"] == {"finished": 0, "ok": 0, "failed": 0, "live": 0, "void": 2, "enqueued": 1}
    assert about["voided"] == [{"trial": 0, "reason": "the disk\nwas full"}, {"trial": 1, "reason": ""}]
    assert [(note["trial"], note["text"]) for note in about["notes"]] == [(None, "all\nis well"), (0, "odd")]
    lines = render_description(about, 0.0).splitlines()
    assert "Trials:      0 finished, 0 ok, 0 failed, 0 live, 2 void, 1 enqueued." in lines
    assert "Void:        trial 0: the disk was full" in lines
    assert "Void:        trial 1." in lines
    assert "Remark:      all is well" in lines
    assert "Remark:      trial 0: odd" in lines


def test_what_the_last_writer_found_amiss_is_told(tmp_path: Path) -> None:
    said = "the tape ended in the middle of record 4; 9 bytes that were being written are kept in tape.son.torn-1"
    about = describe(read(tmp_path, {"recovered": [said]}), 1.0)
    assert about["recovered"] == [said]
    assert f"\nRecovered:   {said}.\n" in render_description(about, 1.0)
