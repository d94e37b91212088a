"""Performs one call of ``run``: opens the pool, runs the loop, and leaves everything in order at any end."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runlib.engine.legible import logger
from runlib.errors import LockStolen, TapeError
from runlib.evaluator.base import Evaluator
from runlib.observe.base import Observer, RunInfo
from runlib.observe.status import StatusObserver
from runlib.pool.base import Pool
from runlib.run.folder.folder import RunFolder
from runlib.run.folder.opening import Opened
from runlib.run.loop.ending import write_best
from runlib.run.loop.loop import Loop, Policy, RunParts
from runlib.run.loop.observers import ObserverList
from runlib.run.loop.signals import Interrupt
from runlib.run.view import RunView
from runlib.tape.events import End

__all__ = ["make_parts", "make_policy", "run_session"]

GRACE = 1.0  # seconds that cancelled workers get to end by themselves

log = logger()


def run_session(
    parts: RunParts, policy: Policy, interrupt: Interrupt, evaluator: Evaluator, context: Mapping[str, Any]
) -> End:
    """Runs until something ends the run; when this returns or raises, the workers are gone and the observers closed."""
    captures = bool(context.get("capture_output") or parts.pool.context.get("capture_output"))
    loop = Loop(parts, policy, interrupt, time.monotonic, lambda: parts.pool.open(evaluator, context), captures)
    with contextlib.ExitStack() as at_the_end:  # every step is done, even if another fails
        at_the_end.callback(_leave, parts)
        parts.observers.tell(lambda observer: observer.open(parts.info, parts.state))
        at_the_end.push(_closing(parts.pool, interrupt))
        try:
            return loop.run()
        except KeyboardInterrupt:
            _note_end(parts, End("signal", "stopped at once by a second SIGINT"))
            raise
        except LockStolen as error:
            stolen = error.losing(loop.running)
            log.error("%s", stolen)
            raise stolen from None
        except BaseException as error:
            log.error("%s: %s", type(error).__name__, error)
            if not isinstance(error, TapeError):
                _note_end(parts, End("error", f"{type(error).__name__}: {error}"[:500]))
            raise


def make_parts(
    run: RunView, pool: Pool, observers: Sequence[Observer], opened: Opened, seconds: float | None
) -> RunParts:
    """Returns the parts for one call of ``run`` that begins now."""
    directory = opened.lock.directory
    folder = RunFolder(run.work_directory, directory)
    slots = pool.slots(run.context)
    timing: dict[str, Any] = {"began": time.monotonic(), "duration": seconds}
    info = RunInfo(folder.path, folder.name, run.stop, slots, directory=directory, **timing)
    listeners = ObserverList(observers, opened.unseen)
    search = run.state.search or run.search
    return RunParts(search, run.stop, pool, run.state, opened.tape, folder, observers=listeners, info=info)


def make_policy(run: RunView, slots: int, seconds: float | None) -> Policy:
    """Returns the rules by which the trials of a run are run for ``seconds`` seconds from now on; None for no limit."""
    return Policy(
        trial_timeout=run.trial_timeout,
        caught_exceptions=frozenset(run.caught_exceptions),
        retries=run.retries,
        reuse=run.reuse,
        capacity=slots + run.context["ahead"],
        began=time.monotonic(),
        duration=seconds,
        shutdown=0.0 if seconds is None else min(run.context["shutdown_duration"], seconds / 10),
    )


def _closing(pool: Pool, interrupt: Interrupt) -> Callable[[type[BaseException] | None, object, object], None]:
    """Returns a function that closes the pool.

    It gives busy workers a moment if the run ended in order, and no time after an error or a second SIGINT.
    """

    def close(error: type[BaseException] | None, *_: object) -> None:
        if error is not None or interrupt.insisted:
            pool.close(0.0)
            return
        try:
            with interrupt.waiting():
                pool.close(GRACE)
        except BaseException:
            pool.close(0.0)
            raise

    return close


def _leave(parts: RunParts) -> None:
    """Puts the folder in order at any end; a folder that another process took over is left alone."""
    stolen = _is_stolen(parts)
    with contextlib.ExitStack() as both:
        both.callback(_close_observers, parts, stolen)
        if not stolen:
            both.callback(_leave_best, parts)


def _is_stolen(parts: RunParts) -> bool:
    try:
        parts.tape.check()
    except LockStolen:
        return True
    except TapeError:  # an error of the disk, which was logged
        return False
    return False


def _leave_best(parts: RunParts) -> None:
    try:
        write_best(parts.state, parts.folder)
    except OSError as error:
        log.error("the best suggestions could not be written: %s", error)


def _close_observers(parts: RunParts, stolen: bool) -> None:
    parts.info.running = frozenset()
    # The status belongs to the other writer. The log only grows, and says what happened to this writer.
    parts.observers.dismiss(lambda o: None if stolen and isinstance(o, StatusObserver) else o.close(parts.state))


def _note_end(parts: RunParts, end: End) -> None:
    """Puts the end on the tape, and tells the observers of all records that they have not seen."""
    parts.tape.full = None  # the error is reported at once, without waiting for free space
    try:
        record = parts.tape.append(end)
        parts.state.apply(record)
        parts.tape.commit()
    except TapeError as failure:
        log.error("the end could not be noted: %s", failure)
    else:
        parts.observers.note(record)
        parts.observers.show(parts.state)
