"""One call of ``run``: opens the pool, turns the loop, and leaves everything in order, however it ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from runlib.errors import TapeError
from runlib.evaluator.base import Evaluator
from runlib.observe.base import Observer
from runlib.run.finish import write_best
from runlib.run.loop import Cast, Loop, Policy
from runlib.run.signals import Interrupt
from runlib.tape.events import End

__all__ = ["conduct"]

GRACE = 1.0  # seconds that cancelled workers get to end by themselves

log = logging.getLogger("runlib")


def conduct(cast: Cast, policy: Policy, interrupt: Interrupt, evaluator: Evaluator, context: Mapping[str, Any]) -> End:
    """Run until something ends it; the workers are gone and the observers closed when this returns or raises."""
    _tell(cast, lambda observer: observer.open(cast.stage, cast.state))
    loop = Loop(cast, policy, interrupt, time.monotonic)
    grace = 0.0
    try:
        if not cast.stop.done(cast.state):
            cast.pool.open(evaluator, context)
        end = loop.run()
        grace = GRACE
    except BaseException as error:
        _note_error(cast, error)
        raise
    finally:
        cast.pool.close(grace)
        write_best(cast.state, cast.folder)
        cast.stage.running = frozenset()
        _tell(cast, lambda observer: observer.close(cast.state))
    return end


def _note_error(cast: Cast, error: BaseException) -> None:
    log.error("%s: %s", type(error).__name__, error)
    if not isinstance(error, TapeError):
        cast.state.apply(cast.tape.append(End("error", f"{type(error).__name__}: {error}"[:500])))
        cast.tape.commit()


def _tell(cast: Cast, action: Callable[[Observer], None]) -> None:
    for observer in list(cast.observers):
        try:
            action(observer)
        except Exception:
            log.exception("the observer %s failed and is left out from now on", observer.kind)
            cast.observers[:] = [other for other in cast.observers if other is not observer]
