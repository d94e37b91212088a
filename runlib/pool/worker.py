"""The program of a worker process: ``python -m runlib.pool.worker STREAM TASKS LIFE``, three descriptors.

It is next to empty because it is the ``__main__`` of the worker, where the classes of the user's own ``__main__``
are put as well: nothing here may stand in their way.
"""

from __future__ import annotations

from runlib.pool.serve import serve

__all__: list[str] = []

if __name__ == "__main__":
    serve()
