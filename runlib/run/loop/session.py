"""One call of ``run``: opens the pool, turns the loop, and leaves everything in order, however it ends."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runlib.engine.legible import logger
from runlib.errors import LockStolen, TapeError
from runlib.evaluator.base import Evaluator
from runlib.observe.base import Observer, Stage
from runlib.observe.status import StatusObserver
from runlib.pool.base import Pool
from runlib.run.folder.folder import RunFolder
from runlib.run.folder.opening import Opened
from runlib.run.loop.ending import write_best
from runlib.run.loop.loop import Cast, Loop, Policy
from runlib.run.loop.observers import Audience
from runlib.run.loop.signals import Interrupt
from runlib.run.view import RunView
from runlib.tape.events import End

__all__ = ["conduct", "make_cast", "make_policy"]

GRACE = 1.0  # seconds that cancelled workers get to end by themselves

log = logger()


def conduct(cast: Cast, policy: Policy, interrupt: Interrupt, evaluator: Evaluator, context: Mapping[str, Any]) -> End:
    """Run until something ends it; the workers are gone and the observers closed when this returns or raises."""
    captures = bool(context.get("capture_output") or cast.pool.context.get("capture_output"))
    loop = Loop(cast, policy, interrupt, time.monotonic, lambda: cast.pool.open(evaluator, context), captures)
    with contextlib.ExitStack() as at_the_end:  # all of it is done, whatever of it fails
        at_the_end.callback(_leave, cast)
        cast.audience.tell(lambda observer: observer.open(cast.stage, cast.state))
        at_the_end.push(_closing(cast.pool, interrupt))
        try:
            return loop.run()
        except KeyboardInterrupt:
            _note_end(cast, End("signal", "stopped at once by a second SIGINT"))
            raise
        except LockStolen as error:
            stolen = error.losing(loop.running)
            log.error("%s", stolen)
            raise stolen from None
        except BaseException as error:
            log.error("%s: %s", type(error).__name__, error)
            if not isinstance(error, TapeError):
                _note_end(cast, End("error", f"{type(error).__name__}: {error}"[:500]))
            raise


def make_cast(run: RunView, pool: Pool, observers: Sequence[Observer], opened: Opened, seconds: float | None) -> Cast:
    """Who takes part in one call of ``run``, from now on."""
    directory = opened.lock.directory
    folder = RunFolder(run.work_directory, directory)
    slots = pool.slots(run.context)
    timing: dict[str, Any] = {"began": time.monotonic(), "duration": seconds}
    stage = Stage(folder.path, folder.name, run.stop, slots, directory=directory, **timing)
    audience = Audience(observers, opened.unseen)
    search = run.state.search or run.search
    return Cast(search, run.stop, pool, run.state, opened.tape, folder, audience=audience, stage=stage)


def make_policy(run: RunView, slots: int, seconds: float | None) -> Policy:
    """How the trials of a run are run, for so many seconds, from now on."""
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
    """Workers that are still busy get a moment if the run ended in order; none if not, or if somebody is impatient."""

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


def _leave(cast: Cast) -> None:
    """Put the folder in order at the end, whatever the end was; one that another took over is left alone."""
    stolen = _is_stolen(cast)
    with contextlib.ExitStack() as both:
        both.callback(_close_observers, cast, stolen)
        if not stolen:
            both.callback(_leave_best, cast)


def _is_stolen(cast: Cast) -> bool:
    try:
        cast.tape.check()
    except LockStolen:
        return True
    except TapeError:  # the disk; that was said
        return False
    return False


def _leave_best(cast: Cast) -> None:
    try:
        write_best(cast.state, cast.folder)
    except OSError as error:
        log.error("the best suggestions could not be written: %s", error)


def _close_observers(cast: Cast, stolen: bool) -> None:
    cast.stage.running = frozenset()
    # The status is the other writer's; the log only grows, and says what became of this one.
    cast.audience.dismiss(lambda o: None if stolen and isinstance(o, StatusObserver) else o.close(cast.state))


def _note_end(cast: Cast, end: End) -> None:
    """Put the end on the tape, and let the observers hear of all that they have not heard of."""
    cast.tape.full = None  # what went wrong is said at once, also where this would have to wait for room
    try:
        record = cast.tape.append(end)
        cast.state.apply(record)
        cast.tape.commit()
    except TapeError as failure:
        log.error("the end could not be noted: %s", failure)
    else:
        cast.audience.note(record)
        cast.audience.show(cast.state)
