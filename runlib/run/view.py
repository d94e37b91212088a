"""Gives read access to a run: its components, its config and its state.

A component is made only when it is asked for. So a checked-out run can be read without the plugins that it was made
with.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from runlib.engine.code.program import Program
from runlib.engine.code.trust import Trust, current, importing_under
from runlib.engine.component import Component
from runlib.engine.data.copies import Copied
from runlib.engine.earlier import with_earlier_defaults
from runlib.engine.legible import legible_line
from runlib.engine.synonyms import near
from runlib.errors import ConfigError, RunlibError
from runlib.evaluator.base import Evaluator
from runlib.evaluator.component import as_evaluator
from runlib.run.folder.folder import RunFolder
from runlib.run.folder.large import is_apart, load_large
from runlib.run.folder.returned import with_bytes
from runlib.run.loop.unusable import no_success
from runlib.run.settings import DEFAULTS
from runlib.search.base import Search
from runlib.search.common.by_history import ByHistory
from runlib.state.state import Direction, Incumbent, Order, State
from runlib.stop.base import Stop
from runlib.tape.foreign import is_foreign

__all__ = ["RunView"]

C = TypeVar("C", bound=Component)
PARTS = ("search", "evaluator", "stop")
# Says which call of a run takes an argument that was given to another call.
ELSEWHERE = {
    "space": "wrap the space in a search: Run(Hyperopt(space), ...)",
    "seed": "the search has it: Hyperopt(space, seed=...)",
    "method": "the search has it: Hyperopt(space, method=...)",
    "directory": "prepare(directory) makes the folder of the run there",
    "duration": "run(duration) takes the minutes of wall clock",
    "progress": "run(progress=...) takes it",
    "stop": "Run(search, evaluator, stop) and Run.restore(folder, new_stop=...) take it",
    **{
        name: f"Run(..., {name}=...) takes it"
        for name in ("evaluator", "search", "observers", "pool", "name", "trial_timeout", "caught_exceptions")
    },
    **{name: f"Run(..., {name}=...) takes it" for name in ("retries", "objective", "direction", "order", "reuse")},
}


class RunView(Component, abstract=True):
    """Gives access to the parts and the state of a run, without the means to change it.

    Attributes:
        program: The program that writes the run, with the place of its definitions; None before the run has a folder.
        found_by: The name by which a restore finds the evaluator, if it differs from the name in the config.
        begun_in: The working folder of the program that wrote the run before, if this run continues it.
        evaluates_in: The folder in which worker processes start; None for the working folder of this process.
        ended_before: The reason why the last session ended, if this run continues one; None if that session did not
            end.
    """

    _parts: dict[str, Any]
    _folder: RunFolder | None = None
    _state: State | None = None
    _trust: Trust | None = None
    program: Program | None = None
    found_by: str | None = None
    begun_in: str | None = None
    evaluates_in: str | None = None
    ended_before: str | None = None
    readonly: bool
    objective: str
    direction: Direction
    trial_timeout: float | None
    caught_exceptions = Copied()
    retries = Copied()
    reuse: bool
    order: Order
    loss_on_error: float | None
    cost_on_error: float | None
    name: str | None
    description: str | None

    def _set(self, settings: Mapping[str, Any]) -> None:
        for name, default in DEFAULTS.items():
            setattr(self, name, settings.get(name, default))

    @classmethod
    def _where_instead(cls, word: str) -> str:
        meant = near(word, ELSEWHERE, cutoff=0.8)
        return ELSEWHERE[meant[0]] if meant else super()._where_instead(word)

    @property
    def search(self) -> Search:
        """Returns the search."""
        told = None if self._state is None else self._state.search
        return told.inner if isinstance(told, ByHistory) else self._part("search", Search)

    @property
    def evaluator(self) -> Evaluator | None:
        """Returns the evaluator; None for a run that is driven by hand.

        A component that was given and is not an ``Evaluator`` is the attribute ``component`` of the evaluator.
        """
        value = self._parts["evaluator"]
        if value is not None and not isinstance(value, Evaluator):
            with importing_under(self._trust or current()):
                value = self._parts["evaluator"] = wrap(value, self.given_context)
        return None if value is None else cast(Evaluator, value)

    @property
    def stop(self) -> Stop:
        """Returns the stop. Calling it with a reason, ``run.stop(reason)``, makes this run end in order."""
        part = self._part("stop", Stop)
        part._ask = weakref.WeakMethod(self._ask_to_stop)
        return part

    def _ask_to_stop(self, reason: str) -> None:
        raise NotImplementedError(f"{type(self).__qualname__} cannot be stopped")

    def _part(self, name: str, family: type[C]) -> C:
        part = self._parts[name]
        if not isinstance(part, family):
            config = with_earlier_defaults(part) if self.readonly else part
            with importing_under(self._trust or current()):
                part = self._parts[name] = self.build(name, config, family)
        return part

    def _get_config(self) -> dict[str, Any]:
        parts = {name: self._part_config(name) for name in PARTS}
        return {**parts, **{name: getattr(self, name) for name in DEFAULTS}}

    @property
    def arguments(self) -> dict[str, Any]:
        """Returns the config of the run, without its kind."""
        return self._get_config()

    def _part_config(self, name: str) -> Any:
        part = self._parts[name]
        is_data = part is None or (self.readonly and not isinstance(part, Component))
        return part if is_data else getattr(self, name).get_config()

    @property
    def work_directory(self) -> Path:
        """Returns the absolute path of the folder of the run.

        Raises:
            RunlibError: The run has no folder yet.
        """
        return self._require_folder().path

    def _require_folder(self) -> RunFolder:
        if self._folder is None:
            raise RunlibError("this run has no folder yet; call prepare() first")
        return self._folder

    @property
    def state(self) -> State:
        """Returns what is known of the run: ``trials``, ``evals``, ``live_trials``, ``best``, ``tape``.

        Raises:
            RunlibError: The run has no tape yet.
        """
        if self._state is None:
            raise RunlibError("this run has no state yet; call prepare() first")
        return self._state

    @property
    def best(self) -> Incumbent | None:
        """Returns the best successful trial, with ``tid``, ``loss`` and ``suggestion``; None before a trial has ended.

        Raises:
            NoSuccess: Trials have ended and none succeeded; the message lists the commonest errors.
        """
        best, error = self.state.best, no_success(self.state)
        if error is not None:
            raise error
        return best

    @property
    def done(self) -> bool:
        """Returns whether the stop leaves no room for another trial, or the user asked the run to stop."""
        return self.state.stopping is not None or self.stop.done(self.state) or self.stop.room(self.state) <= 0

    def full_result(self, tid: int) -> dict[str, Any]:
        """Returns ``{"ok": {...}}`` or ``{"error": {...}}`` of a finished trial; reads it from its file if it is large.

        The inner dict holds what the evaluator returned, including the bytes that are stored in files. Beside it stand
        the entries that runlib added, such as ``given_loss``, and ``dropped`` if a part of the result could not be
        stored as data.

        Raises:
            KeyError: The trial is not among the finished ones.
            TapeCorrupt: The file is missing or was changed.
        """
        folder, kept = self._require_folder(), self.state.result(tid)
        whole = load_large(kept["file"], folder) if is_apart(kept) else {}
        shown = {key: value for key, value in {**kept, **whole}.items() if key not in ("file", "files")}
        return with_bytes(shown, kept, folder)

    def __repr__(self) -> str:
        if self._state is None or self._folder is None:
            return super().__repr__()
        state, mode = self._state, ", read-only" if self.readonly else ""
        if self.readonly and is_foreign(self._folder.tape):
            mode = ", a foreign tape (cmlkit), read-only"
        best = f"best {state.best.loss:.6g} (trial {state.best.tid})" if state.best else "no success yet"
        trials = f"{len(state.trials)} trials ({state.trials.ok_count} ok, {state.trials.error_count} failed)"
        return f"<Run {legible_line(self._folder.name)}: {trials}, {len(state.live_trials)} live, {best}{mode}>"


def wrap(given: Any, context: Mapping[str, Any] | None) -> Evaluator:
    """Returns the given evaluator as an ``Evaluator``.

    Raises:
        ConfigError: The value is not an evaluator; the message names its place.
    """
    try:
        return as_evaluator(given, context)
    except ConfigError as error:
        raise error.under("evaluator") from error.__cause__
