"""Runs a worker process: ``python -m runlib.pool.processes.worker STREAM TASKS LIFE``, with three descriptors.

It is the ``__main__`` of the worker only until the worker knows the user's script (see ``payload/script.py``).
"""

from __future__ import annotations

from runlib.pool.processes.worker.serve import serve

__all__: list[str] = []

if __name__ == "__main__":
    serve()
