"""Stores what a search was told, in columns: a row of raw numbers, a loss and a state for each trial.

The columns are arrays without Python objects, so 10,000 trials are restored almost at once and a trial costs only its
numbers. The state decides what the algorithm sees. Rows are never removed, so ``tid`` is the place of a trial for ever.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

from runlib.errors import ReplayMismatch, SearchError

__all__ = ["DONE", "PENDING", "History"]

PENDING, DONE, FAILED, FORGOTTEN, FOREIGN, FOREIGN_DONE = range(6)
SHOWN = (PENDING, DONE)  # The others are hidden, as hyperopt hides a trial in JOB_STATE_ERROR.
OPEN = (PENDING, FORGOTTEN, FOREIGN)  # states in which a result may be submitted


class History:
    """Holds the trials of one search.

    Attributes:
        width: The number of variables.
        rows: The raw numbers of all trials, trial after trial, NaN where inactive.
        losses: The loss of each trial; infinite while there is none.
        states: The state of each trial, one of the constants above.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.rows = array("d")
        self.losses = array("d")
        self.states = bytearray()
        self._foreign = [math.nan] * width

    def __len__(self) -> int:
        return len(self.states)

    def add(self, row: Sequence[float] | None) -> int:
        """Adds a pending trial, which is hidden if it has no row, and returns its ``tid``."""
        self.rows.extend(self._foreign if row is None else row)
        self.losses.append(math.inf)
        self.states.append(FOREIGN if row is None else PENDING)
        return len(self.states) - 1

    def expect(self, tid: int) -> None:
        """Raises an error unless ``tid`` is the next trial.

        Raises:
            ReplayMismatch: It is not the next trial.
        """
        if tid != len(self.states):
            raise ReplayMismatch(f"trial {tid} cannot be recalled: the next one is trial {len(self.states)}")

    def row(self, tid: int) -> Sequence[float]:
        """Returns the raw numbers of a trial."""
        self._check(tid)
        return self.rows[tid * self.width : (tid + 1) * self.width]

    def finish(self, tid: int, loss: float | None) -> None:
        """Sets the loss of trial ``tid``; without a loss the trial failed and is hidden.

        Raises:
            SearchError: There is no such trial, or it has its result.
        """
        state = self._check(tid)
        if state not in OPEN:
            raise SearchError(f"trial {tid} was submitted before; a trial has one result")
        if state == FOREIGN:
            self.states[tid] = FOREIGN_DONE
        elif loss is None:
            self.states[tid] = FAILED
        else:
            self.losses[tid] = loss
            self.states[tid] = DONE

    def hear(self, tid: int, *, error: bool, loss: float | None, worst: float | None = None) -> None:
        """Sets the submitted outcome of trial ``tid``; without a loss, or with NaN, the trial failed.

        A failed trial gets the loss ``worst``, or is hidden if that is None.

        Raises:
            SearchError: There is no such trial, it has its result, or it has neither loss nor error.
        """
        if loss is None and not error:
            raise SearchError(f"trial {tid} was submitted with neither a loss nor an error")
        self.finish(tid, worst if error or loss is None or loss != loss else float(loss))

    def hide(self, tid: int) -> None:
        """Hides trial ``tid`` from the algorithm; a new result would make it count again."""
        state = self._check(tid)
        self.losses[tid] = math.inf
        self.states[tid] = FOREIGN if state in (FOREIGN, FOREIGN_DONE) else FORGOTTEN

    def _check(self, tid: int) -> int:
        if not 0 <= tid < len(self.states):
            raise SearchError(f"there is no trial {tid}; {len(self.states)} were suggested or adopted so far")
        return self.states[tid]
