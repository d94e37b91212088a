"""Runs of a version that hid failures from the search go on as they began; see README.md beside this file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from runlib.engine import registry
from runlib.run.run import Run
from runlib.search.common.by_history import ByHistory
from runlib.stop.max import StopMax
from tests.golden.cliff import Cliff, Walker

HERE = Path(__file__).parent / "format-1-failures"
NAMES = ("asktell", "chain", "evolution", "hyperopt")


@pytest.fixture(params=NAMES)
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a golden folder."""
    for cls in (Cliff, Walker):
        registry.register(cls)
    return Path(shutil.copytree(HERE / request.param, tmp_path / f"run_{request.param}"))


def asked_again(folder: Path) -> Run:
    """The run, restored after its search made every suggestion again."""
    return Run.restore(folder, verify=True, new_stop=StopMax(50), pool="pool_serial")


def tried(run: Run) -> list[tuple[int, str, object]]:
    return [(tid, kind, outcome["suggestion"]) for tid, (kind, outcome) in run.state.trials.items()]


def test_the_search_makes_the_same_suggestions(golden: Path) -> None:
    with asked_again(golden) as run:
        assert run.state.trials.error_count > 0
        assert len(run.state.voided) >= 2
        assert len(run.state.trials) == 40


def test_it_goes_on_in_the_old_way(golden: Path) -> None:
    run = asked_again(golden).run()
    assert len(run.state.trials) == 50
    with asked_again(golden) as again:
        assert len(again.state.trials) == 50


def test_a_fork_goes_on_in_the_old_way(golden: Path, tmp_path: Path) -> None:
    fork = Run.fork(golden, directory=tmp_path / "forks", stop=StopMax(50), pool="pool_serial").run()
    other = asked_again(golden).run()
    assert tried(fork) == tried(other)


def test_what_is_looked_at_says_so() -> None:
    for name in ("evolution", "hyperopt"):
        assert Run.checkout(HERE / name).search.errors_ok is False
    assert Run.checkout(HERE / "asktell").search.errors_ok is False
    [first, second] = Run.checkout(HERE / "chain").search._parts
    assert isinstance(second, ByHistory)
    assert (first.errors_ok, second.inner.errors_ok) == (False, False)
