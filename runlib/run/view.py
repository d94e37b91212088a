"""The reading side of a run: its components, its config, and what is known of it.

Components are made when they are asked for, so that a checked-out run needs none of the plugins that it was made with.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from runlib.engine.component import Component
from runlib.engine.legible import legible_line
from runlib.errors import ConfigError, RunlibError
from runlib.evaluator.base import Evaluator
from runlib.evaluator.function import FunctionEvaluator
from runlib.run.folder import RunFolder
from runlib.run.large import is_apart, load_large
from runlib.run.settings import DEFAULTS
from runlib.search.base import Search
from runlib.search.by_history import ByHistory
from runlib.state.state import Direction, Incumbent, Order, State
from runlib.stop.base import Stop
from runlib.tape.foreign import is_foreign

__all__ = ["RunView"]

C = TypeVar("C", bound=Component)
PARTS = ("search", "evaluator", "stop")


class RunView(Component, abstract=True):
    """What a run is and knows, without the means to change it."""

    _parts: dict[str, Any]
    _folder: RunFolder | None = None
    _state: State | None = None
    readonly: bool
    objective: str
    direction: Direction
    trial_timeout: float | None
    caught_exceptions: list[str]
    retries: dict[str, int]
    reuse: bool
    order: Order
    name: str | None
    description: str | None

    def _set(self, settings: Mapping[str, Any]) -> None:
        for name, default in DEFAULTS.items():
            setattr(self, name, settings.get(name, default))

    @property
    def search(self) -> Search:
        """The search."""
        told = None if self._state is None else self._state.search
        return told.inner if isinstance(told, ByHistory) else self._part("search", Search)

    @property
    def evaluator(self) -> Evaluator | None:
        """The evaluator; None for a run that is driven by hand."""
        value = self._parts["evaluator"]
        if value is None:
            return None
        is_class = isinstance(value, type) and issubclass(value, Component)  # meant was an object of it
        if not isinstance(value, Component) and not is_class and (callable(value) or _is_name(value)):
            self._parts["evaluator"] = wrap(value, self.given_context)
        return self._part("evaluator", Evaluator)

    @property
    def stop(self) -> Stop:
        """The stop; called with a reason, ``run.stop(reason)``, it lets this run end in order."""
        part = self._part("stop", Stop)
        part._ask = weakref.WeakMethod(self._ask_to_stop)
        return part

    def _ask_to_stop(self, reason: str) -> None:
        raise NotImplementedError(f"{type(self).__qualname__} cannot be stopped")

    def _part(self, name: str, family: type[C]) -> C:
        part = self._parts[name]
        if not isinstance(part, family):
            part = self._parts[name] = self.build(name, part, family)
        return part

    def _get_config(self) -> dict[str, Any]:
        parts = {name: self._part_config(name) for name in PARTS}
        return {**parts, **{name: getattr(self, name) for name in DEFAULTS}}

    def _part_config(self, name: str) -> Any:
        part = self._parts[name]
        is_data = part is None or (self.readonly and not isinstance(part, Component))
        return part if is_data else getattr(self, name).get_config()

    @property
    def work_directory(self) -> Path:
        """The folder of the run, absolute.

        Raises:
            RunlibError: It has none yet.
        """
        return self._require_folder().path

    def _require_folder(self) -> RunFolder:
        if self._folder is None:
            raise RunlibError("this run has no folder yet; call prepare() first")
        return self._folder

    @property
    def state(self) -> State:
        """What is known of the run: ``trials``, ``evals``, ``live_trials``, ``best``, ``tape``.

        Raises:
            RunlibError: It has no tape yet.
        """
        if self._state is None:
            raise RunlibError("this run has no state yet; call prepare() first")
        return self._state

    @property
    def best(self) -> Incumbent | None:
        """The best ok trial, with ``tid``, ``loss`` and ``suggestion``; None before the first."""
        return self.state.best

    @property
    def done(self) -> bool:
        """Whether the stop leaves no room for another trial, or somebody asked the run to stop."""
        return self.state.stopping is not None or self.stop.done(self.state) or self.stop.room(self.state) <= 0

    def full_result(self, tid: int) -> dict[str, Any]:
        """``{"ok": {...}}`` or ``{"error": {...}}`` of a finished trial, read from its file if it is a large one.

        In it is what the evaluator returned; beside it what runlib added, such as ``given_loss``.

        Raises:
            KeyError: The trial is not among the finished.
            TapeCorrupt: Its file is missing or was changed.
        """
        result = self.state.result(tid)
        return load_large(result["file"], self._require_folder()) if is_apart(result) else result

    def __repr__(self) -> str:
        if self._state is None or self._folder is None:
            return super().__repr__()
        state, mode = self._state, ", read-only" if self.readonly else ""
        if self.readonly and is_foreign(self._folder.tape):
            mode = ", a foreign tape (cmlkit), read-only"
        best = f"best {state.best.loss:.6g} (trial {state.best.tid})" if state.best else "no success yet"
        trials = f"{len(state.trials)} trials ({state.trials.ok_count} ok, {state.trials.error_count} failed)"
        return f"<Run {legible_line(self._folder.name)}: {trials}, {len(state.live_trials)} live, {best}{mode}>"


def _is_name(value: Any) -> bool:
    """Whether it is ``module:name``, and not a kind."""
    return isinstance(value, str) and ":" in value


def wrap(function: Any, context: Mapping[str, Any] | None) -> Evaluator:
    """A function, or its name ``module:name``, as an evaluator."""
    try:
        return FunctionEvaluator(function, context=context)
    except ConfigError as error:
        raise error.under("evaluator") from error.__cause__
