"""Shows the progress of the run: one redrawn line on a terminal or in a notebook, occasional lines elsewhere.

The text depends only on the state, the info and the rate; other code shows it. It goes to standard error, so that
standard output holds only what the command says. No thread is started, and the cursor stays visible, so that a killed
run leaves the terminal as it was.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import sys
from collections import deque
from collections.abc import Mapping
from typing import Any

from runlib.engine.legible import legible_line
from runlib.engine.printing import tell
from runlib.observe.base import Observer, RunInfo
from runlib.observe.notebook import Notebook, is_notebook
from runlib.observe.status import format_seconds
from runlib.observe.terminal import Terminal, is_terminal, open_terminal
from runlib.state.state import State
from runlib.stop.any import StopAny
from runlib.stop.base import Stop
from runlib.stop.duration import StopDuration
from runlib.tape.events import Record, Submit

__all__ = ["Pace", "ProgressObserver", "is_watched", "render_progress"]

WINDOW = 50  # number of results behind the rate: enough to be steady, few enough to follow a change


class Pace:
    """Measures how fast results arrived lately.

    Args:
        began: The time at which counting begins, on a monotonic clock in seconds.
    """

    def __init__(self, began: float) -> None:
        self._times: deque[float] = deque([began], maxlen=WINDOW + 1)

    def note(self, now: float) -> None:
        """Records that a result arrived."""
        self._times.append(now)

    def rate(self, now: float) -> float:
        """Returns the recent results per second, or 0 before the first one. It falls while none arrives."""
        count, span = len(self._times) - 1, now - self._times[0]
        return count / span if count and span > 0 else 0.0


def render_progress(state: State, info: RunInfo, rate: float) -> str:
    """Returns one line with trials, best loss, rate, errors, running trials and time left, as far as known.

    Args:
        state: The state of the run.
        info: The information about the run.
        rate: The number of results per second.
    """
    total = _total(state, info.stop)
    left = _time_left(state, info, rate)
    parts = [
        info.name,
        f"{len(state.trials)}{'' if total is None else f'/{total}'} trials",
        f"best {state.best.loss:.6g} (trial {state.best.tid})" if state.best else "",
        _format_rate(rate) if rate > 0 else "",
        f"{state.trials.error_count} failed" if state.trials.error_count else "",
        f"{len(info.running)} running",
        f"{format_seconds(info.clock() - info.began)} gone" if left is None else f"{format_seconds(left)} left",
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


def _time_left(state: State, info: RunInfo, rate: float) -> float | None:
    """Returns the seconds until the first limit that can be foreseen, or None if there is none."""
    limits = [_stop_left(info.stop, state)]
    if info.duration is not None:
        limits.append(info.began + info.duration - info.clock())
    if rate > 0:
        limits.append(info.stop.room(state) / rate)
    least = min(limits)
    return max(0.0, least) if math.isfinite(least) else None


def _stop_left(stop: Stop, state: State) -> float:
    if isinstance(stop, StopDuration):
        return stop.duration * 60 - state.runtime
    if isinstance(stop, StopAny):
        return min(_stop_left(inner, state) for inner in stop.stops)
    return math.inf


def is_watched() -> bool:
    """Returns whether a user sees the progress of this process, at a terminal or in a notebook.

    ``RUNLIB_PROGRESS=0`` in the environment means no, and any other value there means yes. Inside a trial, or inside a
    process that a program started for a part of its work, the answer is no: the line belongs to that program.
    """
    said = os.environ.get("RUNLIB_PROGRESS", "")
    if said:
        return said.lower() not in ("0", "no", "off", "false")
    if "RUNLIB_SLOT" in os.environ or multiprocessing.parent_process() is not None:
        return False
    return is_notebook() or is_terminal(sys.stderr)


class ProgressObserver(Observer):
    """Shows the progress of the run on the terminal or below a cell of a notebook.

    Args:
        context: The settings ``interval``, the least time between two drawings in seconds (0.25), and
            ``plain_interval``, the least time between two lines if standard error is no terminal, in seconds (30).
    """

    kind = "observe_progress"
    also_called = ("bar", "progressbar", "progress_bar", "tqdm", "rich")
    default_context = {"interval": 0.25, "plain_interval": 30.0}

    def __init__(self, context: Mapping[str, Any] | None = None) -> None:
        super().__init__(context)
        self._stage: RunInfo | None = None
        self._screen: Terminal | Notebook | None = None
        self._pace = Pace(0.0)
        self._shown = 0.0

    def open(self, info: RunInfo, state: State) -> None:
        """Draws the first line, if this is a terminal or a notebook."""
        self._stage = info
        self._shown = info.clock()
        self._pace = Pace(self._shown)
        self._screen = Notebook() if is_notebook() else open_terminal()
        if self._screen is not None:
            self._show(state, self._shown)

    def observe(self, event: Record, state: State) -> None:
        """Counts a result for the rate."""
        if self._stage is not None and isinstance(event.event, Submit):
            self._pace.note(self._stage.clock())

    def tick(self, state: State) -> None:
        """Draws the line, unless it was drawn less than the interval ago."""
        if self._stage is None:
            return
        now = self._stage.clock()
        if now - self._shown >= self.context["interval" if self._screen is not None else "plain_interval"]:
            self._show(state, now)

    def close(self, state: State) -> None:
        """Removes the line, because the output that follows says more."""
        screen, self._screen, self._stage = self._screen, None, None
        if screen is not None:
            screen.close()

    def _show(self, state: State, now: float) -> None:
        if self._stage is None:
            return
        self._shown = now
        text = render_progress(state, self._stage, self._pace.rate(now))
        if self._screen is None:
            tell(text, sys.stderr)
        else:
            self._screen.show(text, len(state.trials), _total(state, self._stage.stop))
