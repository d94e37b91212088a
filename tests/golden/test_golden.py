"""Old tapes are read for ever; see README.md beside this file."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from runlib.engine.canonical import dump, load
from runlib.engine.component import from_config
from runlib.run.folder import RunFolder
from runlib.run.large import is_apart, load_large
from runlib.run.run import Run
from runlib.search.hyperopt import Hyperopt
from runlib.state.replay import replay
from runlib.state.state import State
from runlib.tape.events import Session
from runlib.tape.reader import TapeReader
from runlib.tape.writer import TapeWriter

HERE = Path(__file__).parent
FILES = {
    "format-1/expected.json": "0b5221ec5f9b231e6c5e7984cc1a6af8a309ce21f56fcdfcf486d47e6d059167",
    "format-1/tape.son": "d434a2a003f0d877eb87de291e673488fd89d4975456493971c90b775ac589e8",
    "format-1/trials/4/result.json": "0e8a872db844189899e14f3e137418e45bf94e537967f92fe9e5b638911bfa20",
    "format-1-failures/asktell/tape.son": "837113f75083bed13fdf234173e23a0fce4e043dd65664470d3e7457e628d140",
    "format-1-failures/chain/tape.son": "aa7654d695ec412f3672b79140b0dcf33da63fbe5a7dfd4f0de2d8ed7a75b814",
    "format-1-failures/evolution/tape.son": "5cd5f2f6b671b0e272f07b6a4905911420c4aaa08dac525450549459427d51a1",
    "format-1-failures/hyperopt/tape.son": "4272f155d0c419dc67b648cfe17014825c68bbcb5aadfb8a79c79fb143196164",
}


def fold(tape: Path) -> tuple[State, TapeReader]:
    reader, state = TapeReader(tape), State(path=tape)
    replay(reader, state)
    return state, reader


def portrait(state: State, reader: TapeReader) -> dict[str, Any]:
    """What a tape adds up to, as plain data."""
    return {
        "metadata": reader.metadata,
        "records": state.n,
        "last_time": state.t,
        "bytes": reader.position.offset,
        "trials": {str(tid): entry for tid, entry in state.trials.items()},
        "evals": dict(state.evals),
        "live_trials": {str(tid): suggestion for tid, suggestion in state.live_trials.items()},
        "best": None if state.best is None else [state.best.tid, state.best.loss, state.best.suggestion],
        "top": [list(pair) for pair in state.top],
        "counts": {
            "since_best": state.since_best,
            "errors_in_a_row": state.errors_in_a_row,
            "repeats": state.repeats,
            "by_error": state.count_by_error,
            "ok_trials": state.trials.ok_count,
            "ok_evals": state.evals.ok_count,
        },
        "total_cost": state.total_cost,
        "runtime": round(state.runtime, 6),
        "sessions": state.sessions,
        "changes": state.changes,
        "ended": None if state.ended is None else [state.ended.reason, state.ended.text],
    }


@pytest.fixture(params=sorted(path.parent.name for path in HERE.glob("*/tape.son")))
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a golden folder, without what is expected of it."""
    ignored = shutil.ignore_patterns("expected.json")
    return Path(shutil.copytree(HERE / request.param, tmp_path / request.param, ignore=ignored))


def expected(folder: Path) -> Any:
    return load((HERE / folder.name / "expected.json").read_bytes())


def test_no_golden_file_was_changed() -> None:
    found = {
        path.relative_to(HERE).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in HERE.glob("format-*/**/*")
        if path.is_file()
    }
    assert found == FILES


def test_a_golden_tape_adds_up_to_what_it_did(golden: Path) -> None:
    state, reader = fold(golden / "tape.son")
    assert reader.tail is None
    # As bytes: the order of keys, the type of a number and the sign of a zero count too.
    assert json.loads(dump(portrait(state, reader))) == json.loads(dump(expected(golden)))
    assert dump(portrait(state, reader)["trials"]) == dump(expected(golden)["trials"])


def test_a_golden_run_is_checked_out(golden: Path) -> None:
    run = Run.checkout(golden)
    assert run.best is not None
    assert [run.best.tid, run.best.loss, run.best.suggestion] == expected(golden)["best"]
    assert len(run.state.trials) == len(expected(golden)["trials"])
    assert run.trial_timeout == expected(golden)["changes"]["trial_timeout"]


def test_a_large_result_of_a_golden_run_is_whole(golden: Path) -> None:
    folder = RunFolder.find(golden)
    large = {tid: o["file"] for tid, o in fold(folder.tape)[0].trials.where_state("ok").items() if is_apart(o)}
    assert list(large) == [4]
    result = load_large(large[4], folder)
    assert len(result["ok"]["predictions"]) == 7000
    assert result["ok"]["loss"] == 0.25


def test_the_search_of_a_golden_run_goes_on(golden: Path) -> None:
    reader = TapeReader(golden / "tape.son")
    search = from_config(reader.metadata["run"]["search"])
    assert isinstance(search, Hyperopt)
    state = State(search)
    replay(reader, state)
    tid, suggestion = search.suggest()
    assert tid == len(state.trials) + len(state.live_trials)
    assert suggestion.keys() == state.live_trials[10].keys()


def test_a_golden_tape_goes_on(golden: Path) -> None:
    before = (golden / "tape.son").read_bytes()
    state, reader = fold(golden / "tape.son")
    writer = TapeWriter(golden / "tape.son", reader.position)
    writer.append(Session({"pid": 1}))
    writer.close()
    again, _ = fold(golden / "tape.son")
    assert (golden / "tape.son").read_bytes().startswith(before)
    assert (again.n, again.sessions) == (state.n + 1, state.sessions + 1)
    assert dump(dict(again.evals)) == dump(dict(state.evals))
