"""runlib: searches that survive.

A ``Search``, an ``Evaluator`` and a ``Stop`` compose into a ``Run``. A run writes every event to one append-only tape
and can be restored exactly, or checked out read-only, from that tape. Importing this module configures nothing.
"""

from runlib.engine.code import undisturbed

# isort: split

from runlib.engine.component import Component, from_config, to_config
from runlib.engine.data.canonical import compute_hash
from runlib.engine.registry import register
from runlib.errors import (
    ConfigError,
    EvaluationError,
    Failed,
    FolderError,
    FolderExists,
    FolderMoved,
    InvalidResult,
    KindConflict,
    LockStolen,
    MissingExtra,
    NoSuccess,
    NotARun,
    NotTrusted,
    PoolError,
    ReadOnlyRun,
    ReplayMismatch,
    RunlibError,
    RunLocked,
    SearchError,
    SearchExhausted,
    SearchWaiting,
    SpaceError,
    SpaceWarning,
    StopReached,
    TapeCorrupt,
    TapeError,
    TapeFormat,
    TapeReplaced,
    UnknownArgument,
    UnknownKind,
    WorkerLost,
)
from runlib.evaluator.base import Evaluator
from runlib.evaluator.datasets.base import Dataset
from runlib.evaluator.datasets.csv_file import CsvDataset
from runlib.evaluator.datasets.npz_file import NpzDataset
from runlib.evaluator.datasets.split import SplitDataset
from runlib.evaluator.functions.function import FunctionEvaluator
from runlib.evaluator.holdout import HoldoutEvaluator
from runlib.observe.base import Observer
from runlib.observe.log import LogObserver
from runlib.observe.progress import ProgressObserver
from runlib.observe.status import StatusObserver
from runlib.pool.base import Pool
from runlib.pool.processes.pool import ProcessPool
from runlib.pool.serial import SerialPool
from runlib.run.edits.edit import Inbox
from runlib.run.run import Run
from runlib.search.asktell import AskTell
from runlib.search.base import Search
from runlib.search.chain import ChainSearch
from runlib.search.evolution import EvolutionSearch
from runlib.search.fixed import FixedSearch
from runlib.search.grid import GridSearch
from runlib.search.hyperopt.search import Hyperopt
from runlib.search.random import RandomSearch
from runlib.search.sobol import SobolSearch
from runlib.space.dialects.amltk import from_amltk
from runlib.space.dialects.configspace import from_configspace
from runlib.space.dialects.hyperopt import from_hyperopt
from runlib.space.dialects.maggy import from_maggy
from runlib.space.dialects.neps import from_neps
from runlib.space.tree import Space
from runlib.space.typed.alternatives import Categorical, Choice, Constant, Ordinal
from runlib.space.typed.quantities import Float, Integer, LogNormal, Normal
from runlib.stop.all import StopAll
from runlib.stop.any import StopAny
from runlib.stop.base import Stop
from runlib.stop.cost import StopCost
from runlib.stop.duration import StopDuration
from runlib.stop.errors import StopErrors
from runlib.stop.loss import StopLoss
from runlib.stop.max import StopMax
from runlib.stop.no_progress import StopNoProgress

undisturbed.end()

__version__ = "0.1.0"

__all__ = [
    "AskTell",
    "Categorical",
    "ChainSearch",
    "Choice",
    "Component",
    "ConfigError",
    "Constant",
    "CsvDataset",
    "Dataset",
    "EvaluationError",
    "Evaluator",
    "EvolutionSearch",
    "Failed",
    "FixedSearch",
    "Float",
    "FolderError",
    "FolderExists",
    "FolderMoved",
    "FunctionEvaluator",
    "GridSearch",
    "HoldoutEvaluator",
    "Hyperopt",
    "Inbox",
    "Integer",
    "InvalidResult",
    "KindConflict",
    "LockStolen",
    "LogNormal",
    "LogObserver",
    "MissingExtra",
    "NoSuccess",
    "Normal",
    "NotARun",
    "NotTrusted",
    "NpzDataset",
    "Observer",
    "Ordinal",
    "Pool",
    "PoolError",
    "ProcessPool",
    "ProgressObserver",
    "RandomSearch",
    "ReadOnlyRun",
    "ReplayMismatch",
    "Run",
    "RunLocked",
    "RunlibError",
    "Search",
    "SearchError",
    "SearchExhausted",
    "SearchWaiting",
    "SerialPool",
    "SobolSearch",
    "Space",
    "SpaceError",
    "SpaceWarning",
    "SplitDataset",
    "StatusObserver",
    "Stop",
    "StopAll",
    "StopAny",
    "StopCost",
    "StopDuration",
    "StopErrors",
    "StopLoss",
    "StopMax",
    "StopNoProgress",
    "StopReached",
    "TapeCorrupt",
    "TapeError",
    "TapeFormat",
    "TapeReplaced",
    "UnknownArgument",
    "UnknownKind",
    "WorkerLost",
    "compute_hash",
    "from_amltk",
    "from_config",
    "from_configspace",
    "from_hyperopt",
    "from_maggy",
    "from_neps",
    "register",
    "to_config",
]
