"""runlib: searches that survive.

A ``Search``, an ``Evaluator`` and a ``Stop`` compose into a ``Run``, which keeps every event on one append-only tape
and can be restored exactly, or checked out read-only, from it. Nothing is configured by importing this.
"""

from runlib.engine.canonical import compute_hash
from runlib.engine.component import Component, from_config, to_config
from runlib.engine.registry import register
from runlib.errors import (
    ConfigError,
    EvaluationError,
    FolderError,
    FolderExists,
    InvalidResult,
    KindConflict,
    MissingExtra,
    NotARun,
    PoolError,
    ReadOnlyRun,
    ReplayMismatch,
    RunLocked,
    RunlibError,
    SearchError,
    SearchExhausted,
    SearchWaiting,
    SpaceError,
    TapeCorrupt,
    TapeError,
    TapeFormat,
    UnknownKind,
    WorkerLost,
)
from runlib.evaluator.base import Evaluator
from runlib.evaluator.function import FunctionEvaluator
from runlib.observe.base import Observer
from runlib.observe.log import LogObserver
from runlib.observe.status import StatusObserver
from runlib.pool.base import Pool
from runlib.run.run import Run
from runlib.search.base import Search
from runlib.stop.base import Stop

__version__ = "0.1.0"
