"""Whether a worker waits for a task though one is unanswered: then its answer got lost, and waiting would be for ever.

A worker takes what lies on its line of tasks only between two evaluations, and what it sent before has arrived by
then. So a message that says nothing, put behind the tasks, shows by being taken that these were done with. Stray
writes that swallow an answer, or somebody who reads the line, are found so without the worker's word.
"""

from __future__ import annotations

from runlib.pool.frames import Kind
from runlib.pool.process import WorkerProcess

__all__ = ["PATIENCE", "Probe"]

PATIENCE = 1.0  # seconds that a task may be unanswered before anything is asked, and between two looks


class Probe:
    """Of one worker.

    Args:
        process: The worker.
    """

    def __init__(self, process: WorkerProcess) -> None:
        self._process = process
        self._looked = 0.0
        self._behind: object | None = None

    def forget(self) -> None:
        """What was on the line was taken back, the probe as well."""
        self._behind = None

    def look(self, awaited: object, since: float, now: float) -> object | None:
        """Look at the line, and put a probe on it if there is none.

        Args:
            awaited: What was handed over last and is unanswered.
            since: When something was handed over or answered last, on the clock of ``now``.
            now: The time.

        Returns:
            What must have been answered by now: all of its answer has arrived, and may have to be read yet.
        """
        if now < max(since, self._looked) + PATIENCE:
            return None
        self._looked = now
        if not self._process.took_all():
            return None
        if self._behind is None:
            # A line that was shut takes no probe, and looks as if all had been taken from it: it tells nothing. A
            # worker that comes to read it finds its end, and ends as well.
            self._behind = awaited if self._process.send_task(Kind.PROBE) else None
            return None
        answered, self._behind = self._behind, None
        return answered
