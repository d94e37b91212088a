"""What attacks share: a pool in which something happens between two trials, and results that lie apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from runlib import Run, StopMax
from runlib.pool.base import Finished, Lost
from runlib.run.folder.large import LIMIT
from tests.fakes import DirectPool, SpySearch, quadratic


class ActingPool(DirectPool):
    """Does something once, right after so many evaluations, before the run hears of the last of them."""

    kind = "pool_acting"

    def __init__(self, action: Callable[[], Any], after: int = 5) -> None:
        super().__init__()
        self.action, self.after, self.count = action, after, 0

    def _get_config(self) -> dict[str, Any]:
        return {}

    def collect(self, timeout: float) -> list[Finished | Lost]:
        found = super().collect(timeout)
        self.count += len(found)
        if self.count == self.after and found:
            self.action()
        return found


def large(x: float) -> dict[str, Any]:
    """Every result lies apart."""
    return {"loss": quadratic(x), "text": "y" * LIMIT}


def with_bytes(x: float) -> dict[str, Any]:
    """Every result has two files of bytes."""
    return {"loss": quadratic(x), "png": b"\x89PNG", "more": [b"more"]}


def prepared(directory: Path, name: str = "x", evaluator: Any = quadratic, count: int = 12, **more: Any) -> Run:
    """A run that writes its status at each turn; its pool is to be given before it runs."""
    context = {"observe_status": {"interval": 0.0}, "observe_log": {"interval": 0.0}}
    return Run(SpySearch(), evaluator, StopMax(count), name=name, pool=DirectPool(), context=context, **more).prepare(
        directory
    )


def under_attack(run: Run, action: Callable[[Path], Any], after: int = 5) -> Run:
    """The run, with something done to its folder after so many evaluations."""
    run.pool = ActingPool(lambda: action(run.work_directory), after)
    return run


def go_on(folder: Path, count: int = 12, evaluator: Any = quadratic) -> Run:
    """The run restored and run to its end."""
    return Run.restore(folder, evaluator=evaluator, pool=DirectPool(), new_stop=StopMax(count)).run()
