"""A run as it was after any of its records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from runlib import Run, StopMax
from runlib.cli.main import app
from runlib.errors import ConfigError, RunlibError, TapeCorrupt, TapeError
from runlib.state.state import State
from runlib.tape.events import Session, Submit, Suggest
from runlib.tape.reader import TapeReader
from tests.fakes import DirectPool, SpySearch, quadratic


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run = Run(SpySearch(points=4), quadratic, StopMax(6), pool=DirectPool()).prepare(tmp_path).run()
    Run.restore(run.work_directory, evaluator=quadratic, new_stop=StopMax(8), pool=DirectPool()).run()
    return run.work_directory


def portrait(state: State) -> list[object]:
    tables = [list(state.trials.items()), list(state.evals.items()), list(state.live_trials.items())]
    return [state.n, state.t, state.best, state.top, state.changes, state.ended, state.runtime, tables]


def test_at_each_record_it_is_the_fold_of_the_records_up_to_it(folder: Path) -> None:
    state, count = State(path=folder / "tape.son"), 0
    assert portrait(Run.checkout(folder, at=0).state) == portrait(state)
    for record in TapeReader(folder / "tape.son"):
        state.apply(record)
        count += 1
        assert portrait(Run.checkout(folder, at=count).state) == portrait(state)
    assert portrait(Run.checkout(folder).state) == portrait(state)
    assert count > 16


def test_its_tape_ends_there(folder: Path) -> None:
    for at in (0, 1, 5):
        state = Run.checkout(folder, at=at).state
        assert [record.n for record in state.tape] == list(range(1, at + 1))
        assert len(state.tape) == at
        assert state.tape.metadata["run"]["search"] == {
            "search_spy": {"space": None, "seed": 123, "points": 4, "total": None}
        }


def test_its_settings_are_those_of_then(folder: Path) -> None:
    events = [record.event for record in TapeReader(folder / "tape.son")]
    second = [n for n, event in enumerate(events, 1) if isinstance(event, Session)][1]
    assert Run.checkout(folder, at=second - 1).stop.count == 6  # type: ignore[attr-defined]
    assert Run.checkout(folder, at=second).stop.count == 8  # type: ignore[attr-defined]


def test_it_is_read_only_and_changes_nothing(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    run = Run.checkout(folder, at=3)
    assert "read-only" in repr(run)
    with pytest.raises(RunlibError, match="checked out for reading"):
        run.run()
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("at", [-1, 1.0, "2", True])
def test_what_is_no_number_of_a_record_is_refused(folder: Path, at: int) -> None:
    with pytest.raises(ConfigError, match=r"^at: takes the number of a record, or 0 for the beginning, got "):
        Run.checkout(folder, at=at)


def test_beyond_the_end_it_says_where_the_tape_ends(folder: Path) -> None:
    last = Run.checkout(folder).state.n
    with pytest.raises(TapeError, match=rf"ends with record {last}: there is no record {last + 3}") as caught:
        Run.checkout(folder, at=last + 3)
    assert caught.value.n == last + 3


def test_before_the_damage_a_damaged_tape_is_read(folder: Path) -> None:
    tape = folder / "tape.son"
    whole = [record.event for record in TapeReader(tape)]
    data = tape.read_bytes()
    place = data.index(b'{"submit"', len(data) // 3)
    bad = data[:place].count(b"\n---\n") + 1
    tape.write_bytes(data[: place + 12] + b"#" + data[place + 13 :])
    with pytest.raises(TapeCorrupt) as caught:
        Run.checkout(folder)
    assert caught.value.n == bad
    with pytest.raises(TapeCorrupt):
        Run.checkout(folder, at=bad)
    state = Run.checkout(folder, at=bad - 1).state
    assert [record.event for record in state.tape] == whole[: bad - 1]
    counts = [sum(isinstance(event, kind) for event in whole[: bad - 1]) for kind in (Suggest, Submit)]
    assert counts == [len(state.trials) + len(state.live_trials), len(state.trials)]


def test_it_works_while_the_run_goes_on(folder: Path) -> None:
    with Run.restore(folder, evaluator=quadratic, new_stop=StopMax(12), pool=DirectPool()) as run:
        early = Run.checkout(folder, at=4)
        run.run()
        assert len(early.state.tape) == 4
    assert len(Run.checkout(folder).state.trials) == 12


def test_the_command_top_shows_it(folder: Path) -> None:
    at = 5  # session, suggest, submit, suggest, submit
    result = CliRunner().invoke(app, ["top", str(folder), "--at", str(at), "--json"])
    assert result.exit_code == 0
    state = Run.checkout(folder, at=at).state
    assert [row["trial"] for row in json.loads(result.stdout)] == [tid for tid, _ in state.top]
    assert state.top != Run.checkout(folder).state.top
    assert CliRunner().invoke(app, ["top", str(folder), "--at", "9999"]).exit_code == 1
