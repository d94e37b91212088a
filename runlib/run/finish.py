"""What a run leaves at its end: the best suggestions as files, and one line on the terminal.

A pause for want of room on the disk is said there too, as long as it lasts: somebody has to make room.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator

from runlib.engine.yamlfile import write_yaml
from runlib.run.folder import RunFolder
from runlib.run.pause import log as pauses
from runlib.state.state import State

__all__ = ["announce", "summary", "telling_pauses", "write_best"]

BEST = 5


def write_best(state: State, folder: RunFolder) -> None:
    """Write ``suggestion-0.yml`` to ``suggestion-4.yml``, best first, and the refined ones where there are any."""
    for refined, suggestions in (
        (False, state.evals.top_suggestions(BEST)),
        (True, state.evals.top_refined_suggestions(BEST)),
    ):
        names = [folder.suggestion(rank, refined).name for rank in range(BEST)]
        with folder.opened() as directory:
            for name, suggestion in zip(names, suggestions, strict=False):
                directory.replace(name, write_yaml(suggestion).encode())
            for name in names[len(suggestions) :]:  # what a void trial had made the best
                with contextlib.suppress(FileNotFoundError):
                    directory.take_away(name)


def summary(state: State, folder: RunFolder) -> str:
    """One line: how it ended, the best, and how to go on."""
    why = f" ({state.ended.text or state.ended.reason})" if state.ended is not None else ""
    best = f"best loss {state.best.loss:.6g} of trial {state.best.tid}" if state.best else "no trial succeeded"
    return (
        f"{folder.name}: {len(state.trials)} trials{why}; {best}; go on with Run.restore({str(folder.path)!r}) "
        f"or: runlib restore {folder.path}"
    )


def announce(state: State, folder: RunFolder) -> None:
    """Print the summary, if a person is there to read it."""
    if sys.stdout is not None and sys.stdout.isatty():
        print(summary(state, folder))


class _Teller(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            print(record.getMessage(), file=sys.stderr, flush=True)
        except OSError:
            self.handleError(record)


@contextlib.contextmanager
def telling_pauses(wanted: bool) -> Iterator[None]:
    """In here, a person at the terminal is told when the run pauses and goes on, unless logging says so already."""
    if not wanted or sys.stderr is None or not sys.stderr.isatty() or _logging_tells():
        yield
        return
    teller = _Teller()
    pauses.addHandler(teller)
    try:
        yield
    finally:
        pauses.removeHandler(teller)


def _logging_tells() -> bool:
    handlers = [*logging.getLogger().handlers, *logging.getLogger("runlib").handlers]
    return any(isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr for handler in handlers)
