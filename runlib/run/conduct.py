"""One call of ``run``: opens the pool, turns the loop, and leaves everything in order, however it ends."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from runlib.errors import TapeError
from runlib.evaluator.base import Evaluator
from runlib.pool.base import Pool
from runlib.run.finish import write_best
from runlib.run.loop import Cast, Loop, Policy
from runlib.run.signals import Interrupt
from runlib.tape.events import End

__all__ = ["conduct"]

GRACE = 1.0  # seconds that cancelled workers get to end by themselves

log = logging.getLogger("runlib")


def conduct(cast: Cast, policy: Policy, interrupt: Interrupt, evaluator: Evaluator, context: Mapping[str, Any]) -> End:
    """Run until something ends it; the workers are gone and the observers closed when this returns or raises."""
    loop = Loop(cast, policy, interrupt, time.monotonic)
    with contextlib.ExitStack() as at_the_end:  # all of it is done, whatever of it fails
        at_the_end.callback(_close_observers, cast)
        at_the_end.callback(_leave_best, cast)
        cast.audience.tell(lambda observer: observer.open(cast.stage, cast.state))
        at_the_end.push(_closing(cast.pool, interrupt))
        try:
            if not cast.stop.done(cast.state):
                cast.pool.open(evaluator, context)
            return loop.run()
        except KeyboardInterrupt:
            _note_end(cast, End("signal", "stopped at once by a second SIGINT"))
            raise
        except BaseException as error:
            log.error("%s: %s", type(error).__name__, error)
            if not isinstance(error, TapeError):
                _note_end(cast, End("error", f"{type(error).__name__}: {error}"[:500]))
            raise


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


def _leave_best(cast: Cast) -> None:
    try:
        write_best(cast.state, cast.folder)
    except OSError as error:
        log.error("the best suggestions could not be written: %s", error)


def _close_observers(cast: Cast) -> None:
    cast.stage.running = frozenset()
    cast.audience.dismiss(lambda observer: observer.close(cast.state))


def _note_end(cast: Cast, end: End) -> None:
    """Put the end on the tape, and let the observers hear of all that they have not heard of."""
    try:
        record = cast.tape.append(end)
        cast.state.apply(record)
        cast.tape.commit()
    except TapeError as failure:
        log.error("the end could not be noted: %s", failure)
    else:
        cast.audience.note(record)
        cast.audience.show(cast.state)
