"""runlib: searches that survive.

A ``Search``, an ``Evaluator`` and a ``Stop`` compose into a ``Run``. A run writes every event to one append-only tape
and can be restored exactly, or checked out read-only, from that tape. Importing this module configures nothing, and
imports what stands behind a name when the name is first used.
"""

from runlib.engine.code import undisturbed

# isort: split

from typing import TYPE_CHECKING, Any

from runlib.engine.announced import announce
from runlib.engine.extras import load

if TYPE_CHECKING:
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

_NAMES = {
    "runlib.engine.component": ("Component", "from_config", "to_config"),
    "runlib.engine.data.canonical": ("compute_hash",),
    "runlib.engine.registry": ("register",),
    "runlib.errors": (
        "ConfigError",
        "EvaluationError",
        "Failed",
        "FolderError",
        "FolderExists",
        "FolderMoved",
        "InvalidResult",
        "KindConflict",
        "LockStolen",
        "MissingExtra",
        "NoSuccess",
        "NotARun",
        "NotTrusted",
        "PoolError",
        "ReadOnlyRun",
        "ReplayMismatch",
        "RunlibError",
        "RunLocked",
        "SearchError",
        "SearchExhausted",
        "SearchWaiting",
        "SpaceError",
        "SpaceWarning",
        "StopReached",
        "TapeCorrupt",
        "TapeError",
        "TapeFormat",
        "TapeReplaced",
        "UnknownArgument",
        "UnknownKind",
        "WorkerLost",
    ),
    "runlib.evaluator.base": ("Evaluator",),
    "runlib.evaluator.datasets.base": ("Dataset",),
    "runlib.evaluator.datasets.csv_file": ("CsvDataset",),
    "runlib.evaluator.datasets.npz_file": ("NpzDataset",),
    "runlib.evaluator.datasets.split": ("SplitDataset",),
    "runlib.evaluator.functions.function": ("FunctionEvaluator",),
    "runlib.evaluator.holdout": ("HoldoutEvaluator",),
    "runlib.observe.base": ("Observer",),
    "runlib.observe.log": ("LogObserver",),
    "runlib.observe.progress": ("ProgressObserver",),
    "runlib.observe.status": ("StatusObserver",),
    "runlib.pool.base": ("Pool",),
    "runlib.pool.processes.pool": ("ProcessPool",),
    "runlib.pool.serial": ("SerialPool",),
    "runlib.run.edits.edit": ("Inbox",),
    "runlib.run.run": ("Run",),
    "runlib.search.asktell": ("AskTell",),
    "runlib.search.base": ("Search",),
    "runlib.search.chain": ("ChainSearch",),
    "runlib.search.evolution": ("EvolutionSearch",),
    "runlib.search.fixed": ("FixedSearch",),
    "runlib.search.grid": ("GridSearch",),
    "runlib.search.hyperopt.search": ("Hyperopt",),
    "runlib.search.random": ("RandomSearch",),
    "runlib.search.sobol": ("SobolSearch",),
    "runlib.space.dialects.amltk": ("from_amltk",),
    "runlib.space.dialects.configspace": ("from_configspace",),
    "runlib.space.dialects.hyperopt": ("from_hyperopt",),
    "runlib.space.dialects.maggy": ("from_maggy",),
    "runlib.space.dialects.neps": ("from_neps",),
    "runlib.space.tree": ("Space",),
    "runlib.space.typed.alternatives": ("Categorical", "Choice", "Constant", "Ordinal"),
    "runlib.space.typed.quantities": ("Float", "Integer", "LogNormal", "Normal"),
    "runlib.stop.all": ("StopAll",),
    "runlib.stop.any": ("StopAny",),
    "runlib.stop.base": ("Stop",),
    "runlib.stop.cost": ("StopCost",),
    "runlib.stop.duration": ("StopDuration",),
    "runlib.stop.errors": ("StopErrors",),
    "runlib.stop.loss": ("StopLoss",),
    "runlib.stop.max": ("StopMax",),
    "runlib.stop.no_progress": ("StopNoProgress",),
}

_KINDS = {
    "data_csv": "CsvDataset",
    "data_npz": "NpzDataset",
    "data_split": "SplitDataset",
    "eval_function": "FunctionEvaluator",
    "eval_holdout": "HoldoutEvaluator",
    "observe_log": "LogObserver",
    "observe_progress": "ProgressObserver",
    "observe_status": "StatusObserver",
    "pool_processes": "ProcessPool",
    "pool_serial": "SerialPool",
    "run": "Run",
    "search_asktell": "AskTell",
    "search_chain": "ChainSearch",
    "search_evolution": "EvolutionSearch",
    "search_fixed": "FixedSearch",
    "search_grid": "GridSearch",
    "search_hyperopt": "Hyperopt",
    "search_random": "RandomSearch",
    "search_sobol": "SobolSearch",
    "stop_all": "StopAll",
    "stop_any": "StopAny",
    "stop_cost": "StopCost",
    "stop_duration": "StopDuration",
    "stop_errors": "StopErrors",
    "stop_loss": "StopLoss",
    "stop_max": "StopMax",
    "stop_no_progress": "StopNoProgress",
}

_MODULES = {name: module for module, names in _NAMES.items() for name in names}

_ROOMS = (
    "audit", "cli", "engine", "errors", "evaluator", "observe", "pool", "run", "search", "space", "state", "stop",
    "tape",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    """Returns a public name, or a folder of this package, and imports its module at the first use."""
    if name not in _MODULES and name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    begun = undisturbed.begin()
    try:
        module = load(_MODULES.get(name, f"{__name__}.{name}"))
    finally:
        if begun:
            undisturbed.end()
    found = globals()[name] = getattr(module, name) if name in _MODULES else module
    return found


def __dir__() -> list[str]:
    """Returns the names of this module, those that are not imported yet included."""
    return sorted({*globals(), *__all__})


announce({kind: (_MODULES[name], name) for kind, name in _KINDS.items()})
undisturbed.end()
