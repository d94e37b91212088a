"""Detects that a worker waits for a task although one is unanswered: its answer was lost, and waiting would never end.

A worker reads its line of tasks only between two evaluations, and everything that it sent before has arrived by then.
So an empty message is put behind the tasks. If the worker takes it, the worker is done with these tasks. In this way a
lost answer is found without trusting the worker, for example if stray writes or another reader swallow it.
"""

from __future__ import annotations

from runlib.pool.processes.frames import Kind
from runlib.pool.processes.process import WorkerProcess

__all__ = ["PATIENCE", "Probe"]

PATIENCE = 1.0  # seconds that a task may be unanswered before the first check, and between two checks


class Probe:
    """Detects lost answers of one worker.

    Args:
        process: The process of the worker.
    """

    def __init__(self, process: WorkerProcess) -> None:
        self._process = process
        self._looked = 0.0
        self._behind: object | None = None

    def forget(self) -> None:
        """Forgets the probe, because the messages on the line were taken back."""
        self._behind = None

    def look(self, awaited: object, since: float, now: float) -> object | None:
        """Checks the line, and puts a probe on it if there is none.

        Args:
            awaited: The task or process that was handed over last and is unanswered.
            since: The time of the last task or answer, on the clock of ``now``.
            now: The present time.

        Returns:
            The object that must have been answered by now, or None. Its answer has arrived completely, but may not be
            read yet.
        """
        if now < max(since, self._looked) + PATIENCE:
            return None
        self._looked = now
        if not self._process.took_all():
            return None
        if self._behind is None:
            # A line that was shut takes no probe, and looks as if everything had been taken from it, so it tells
            # nothing. A worker that comes to read such a line finds its end, and ends as well.
            self._behind = awaited if self._process.send_task(Kind.PROBE) else None
            return None
        answered, self._behind = self._behind, None
        return answered
