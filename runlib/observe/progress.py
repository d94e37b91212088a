"""How far the run is: on a terminal one line that is redrawn, elsewhere a plain line now and then.

The text is a pure function of state, stage and pace; showing it is apart. It goes to standard error, so that standard
output stays what the command has to say. No thread is started, and the cursor stays visible: a killed run leaves the
terminal as it was, but for one unfinished line.
"""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Mapping
from typing import Any

from runlib.engine.extras import load
from runlib.engine.legible import legible_line
from runlib.observe.base import Observer, Stage
from runlib.observe.status import format_seconds
from runlib.state.state import State
from runlib.stop.any import StopAny
from runlib.stop.base import Stop
from runlib.stop.duration import StopDuration
from runlib.tape.events import Record, Submit

__all__ = ["Pace", "ProgressObserver", "render_progress"]

WINDOW = 50  # results that the rate is taken from: enough to be steady, few enough to follow a change


class Pace:
    """How fast results arrive lately.

    Args:
        began: When counting begins, on a monotonic clock in seconds.
    """

    def __init__(self, began: float) -> None:
        self._times: deque[float] = deque([began], maxlen=WINDOW + 1)

    def note(self, now: float) -> None:
        """A result arrived."""
        self._times.append(now)

    def rate(self, now: float) -> float:
        """Results per second over the last ones, 0 before the first; it falls while none arrives."""
        count, span = len(self._times) - 1, now - self._times[0]
        return count / span if count and span > 0 else 0.0


def render_progress(state: State, stage: Stage, rate: float) -> str:
    """One line: trials, best, rate, errors, running, time left; what is not known is left out.

    Args:
        state: Of the run.
        stage: Of the run.
        rate: Results per second.
    """
    total = _total(state, stage.stop)
    left = _time_left(state, stage, rate)
    parts = [
        stage.name,
        f"{len(state.trials)}{'' if total is None else f'/{total}'} trials",
        f"best {state.best.loss:.6g} (trial {state.best.tid})" if state.best else "",
        _format_rate(rate) if rate > 0 else "",
        f"{state.trials.error_count} failed" if state.trials.error_count else "",
        f"{len(stage.running)} running",
        f"{format_seconds(stage.clock() - stage.began)} gone" if left is None else f"{format_seconds(left)} left",
    ]
    return legible_line("  ".join(part for part in parts if part))


def _total(state: State, stop: Stop) -> int | None:
    room = stop.room(state)
    return len(state.trials) + int(room) if math.isfinite(room) else None


def _format_rate(rate: float) -> str:
    for unit, factor in (("s", 1), ("min", 60)):
        if rate * factor >= 1:
            return f"{rate * factor:.3g}/{unit}"
    return f"{rate * 3600:.3g}/h"


def _time_left(state: State, stage: Stage, rate: float) -> float | None:
    """Seconds until the first limit that can be foreseen; None if there is none."""
    limits = [_stop_left(stage.stop, state)]
    if stage.duration is not None:
        limits.append(stage.began + stage.duration - stage.clock())
    if rate > 0:
        limits.append(stage.stop.room(state) / rate)
    least = min(limits)
    return max(0.0, least) if math.isfinite(least) else None


def _stop_left(stop: Stop, state: State) -> float:
    if isinstance(stop, StopDuration):
        return stop.duration * 60 - state.runtime
    if isinstance(stop, StopAny):
        return min(_stop_left(inner, state) for inner in stop.stops)
    return math.inf


class ProgressObserver(Observer):
    """Shows on the terminal how far the run is.

    Args:
        context: ``interval``: the least time between two drawings, in seconds (0.25); ``plain_interval``: between two
            lines where standard error is no terminal (30).
    """

    kind = "observe_progress"
    default_context = {"interval": 0.25, "plain_interval": 30.0}

    def __init__(self, context: Mapping[str, Any] | None = None) -> None:
        super().__init__(context)
        self._stage: Stage | None = None
        self._live: Any = None
        self._pace = Pace(0.0)
        self._shown = 0.0

    def open(self, stage: Stage, state: State) -> None:
        """Draw the first line, if this is a terminal."""
        self._stage = stage
        self._shown = stage.clock()
        self._pace = Pace(self._shown)
        self._live = _open_live()
        if self._live is not None:
            self._show(state, self._shown)

    def observe(self, event: Record, state: State) -> None:
        """Count a result for the rate."""
        if self._stage is not None and isinstance(event.event, Submit):
            self._pace.note(self._stage.clock())

    def tick(self, state: State) -> None:
        """Draw, unless that was done just now."""
        if self._stage is None:
            return
        now = self._stage.clock()
        if now - self._shown >= self.context["interval" if self._live is not None else "plain_interval"]:
            self._show(state, now)

    def close(self, state: State) -> None:
        """Clear the line: what follows says more."""
        live, self._live, self._stage = self._live, None, None
        if live is not None:
            live.stop()

    def _show(self, state: State, now: float) -> None:
        if self._stage is None:
            return
        self._shown = now
        text = render_progress(state, self._stage, self._pace.rate(now))
        if self._live is None:
            print(text, file=sys.stderr, flush=True)
        else:
            self._live.update(_drawn(text, len(state.trials), _total(state, self._stage.stop)), refresh=True)


def _drawn(text: str, done: int, total: int | None) -> Any:
    """The text as one line that is never wider than the terminal, with a bar before it if there is an end."""
    line = load("rich.text").Text(text, no_wrap=True, overflow="ellipsis")
    if not total:
        return line
    grid = load("rich.table").Table.grid(padding=(0, 1))
    grid.add_row(load("rich.progress_bar").ProgressBar(total=total, completed=done, width=20), line)
    return grid


def _open_live() -> Any:
    """A line that can be redrawn; None where standard error is no terminal, or one that cannot move its cursor."""
    if sys.stderr is None or not sys.stderr.isatty():
        return None
    console = load("rich.console").Console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        return None
    # Standard output is left alone if it goes to a file: what is printed there must not end up on the terminal.
    both = sys.stdout is not None and sys.stdout.isatty()
    live = load("rich.live").Live(console=console, transient=True, auto_refresh=False, redirect_stdout=both)
    live.start()
    console.show_cursor(True)
    return live
