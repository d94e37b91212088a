"""Implements ``search_asktell``, which uses a user's optimizer, any object with ``ask()`` and ``tell()``.

The config holds a component as it is, and only the class of any other object. Whoever continues a run with such an
object must give one again, and a new search is made with a copy of the original object. Suggestions are recalled by
asking again, so the optimizer must be deterministic: its suggestions must follow from its config and from the order of
its calls. It cannot adopt or forget; a run does this by the history.
"""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from runlib.engine.component import Component, from_config, to_config
from runlib.engine.data.canonical import NotPlain
from runlib.engine.data.copies import Copied
from runlib.engine.data.shape import shaped
from runlib.errors import ConfigError, RunlibError, SearchError, SearchExhausted, SpaceError
from runlib.search.base import Search
from runlib.search.common import checks
from runlib.search.common.history import History
from runlib.search.common.nested import handed_down
from runlib.space.tree import Space

__all__ = ["AskTell"]

OBJECT = "object"  # the kind in the config of an optimizer that is no component
CARRIERS = ("config", "params", "value")  # attributes of an object from ``ask`` with the suggestion


class AskTell(Search):
    """Gets suggestions by ``optimizer.ask()`` and reports results by ``optimizer.tell(key, loss)``.

    ``ask()`` returns one of

    - the suggestion, plain data, which is its own key;
    - a tuple ``(key, suggestion)``, with any key;
    - an object with the suggestion in its attribute ``config``, ``params`` or ``value``; the object is the key;
    - None, if nothing is left.

    If nothing is left, it may also raise ``SearchExhausted`` or ``StopIteration``. It raises ``SearchWaiting`` if it
    needs a result first.

    ``tell(key, loss)`` gets the key as ``ask`` returned it, and a loss. A smaller loss is better, also in a run that
    maximises. If ``tell`` takes ``var``, it gets the variance of the loss. A failed trial is reported by ``fail(key)``
    if the optimizer has it. Otherwise it is told an infinite loss, the worst possible, or nothing without
    ``errors_ok``. An optimizer that cannot handle infinity needs ``fail``, or the run needs a ``loss_on_error``.

    Args:
        optimizer: A component or its config; or any other object, which ``Run.restore(folder, search=...)`` needs
            again.
        space: The search space. An optimizer that is given as a config gets it if it takes one and has none. Every
            suggestion must lie in it.
        seed: The seed, which the optimizer gets in the same way.
        errors_ok: Whether an optimizer without ``fail`` is told an infinite loss for a failed trial.
        context: The context for the optimizer.

    Raises:
        ConfigError: The optimizer lacks ``ask`` or ``tell``, or cannot be made.
        SpaceError: The search space is wrong.
    """

    kind = "search_asktell"
    also_called = ("ask_tell", "ask", "tell", "custom")
    earlier_defaults: ClassVar[Mapping[str, Any]] = {"errors_ok": False}
    space = Copied()
    optimizer = Copied()

    def __init__(
        self,
        optimizer: Any,
        space: Any = None,
        seed: int = 123,
        errors_ok: bool = True,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(context)
        self._space = None if space is None else Space.of(space, "space")
        self.space = None if self._space is None else self._space.data
        self.seed = checks.seed(seed)
        self.errors_ok = checks.flag("errors_ok", errors_ok)
        if isinstance(optimizer, Mapping):  # A restore reads it in this form, with lists for tuples.
            optimizer = checks.data("optimizer", to_config(optimizer))
        self._optimizer: Any = self._made(optimizer)
        self._is_object = self._optimizer is optimizer and not isinstance(optimizer, Component)
        self._original = _copied(optimizer) if self._is_object else None
        self.optimizer = self._config_of(optimizer)
        self._name = getattr(self._optimizer, "kind", None) or type(self._optimizer).__name__
        self._tells_var = _takes_var(self._optimizer.tell)
        self._keys: dict[int, Any] = {}
        self._history = History(0)

    @property
    def was_asked(self) -> bool:
        """Returns whether it made a suggestion."""
        return len(self._history) > 0

    def renewal(self) -> Callable[[], Search]:
        """Returns a function that makes another search, with a copy of the original object if that is no component.

        Raises:
            SearchError: The function is called, but the object cannot be copied.
        """
        if not self._is_object:
            return super().renewal()
        space, seed, errors_ok, context = self.space, self.seed, self.errors_ok, self.given_context

        def renew() -> Search:
            if self._original is None:
                raise SearchError(
                    f"the optimizer {self._name} cannot be copied, so it cannot be made anew; let it be a component, "
                    "which is made of its config"
                )
            return AskTell(_copied(self._original), space, seed, errors_ok, context)

        return renew

    def suggest(self) -> tuple[int, Any]:
        """Returns the next ``(tid, suggestion)``.

        Raises:
            SearchExhausted: The optimizer has nothing left.
            SearchWaiting: The optimizer needs a result first.
            SearchError: The optimizer failed, or its suggestion is not admissible.
        """
        asked = self._call("ask")
        if asked is None:
            raise SearchExhausted(f"{self._name} has nothing left to suggest")
        key, given = _key_and_suggestion(asked)
        suggestion = self._checked(given)
        tid = self._history.add(())
        self._keys[tid] = key
        return tid, suggestion

    def submit(self, tid: int, *, error: bool = False, loss: float | None = None, var: float | None = None) -> None:
        """Tells the optimizer the outcome of trial ``tid``.

        Raises:
            SearchError: There is no such trial, it was submitted before, or it has neither loss nor error; or the
                optimizer failed.
        """
        self._history.hear(tid, error=error, loss=loss)
        key = self._keys.pop(tid)
        if not error and loss is not None and loss == loss:
            self._tell(key, float(loss), var)
        elif self._hears_failures:
            self._call("fail", key)
        elif self.errors_ok:
            self._tell(key, math.inf, None)

    def void(self, tid: int) -> None:
        """Ends trial ``tid`` without a result to learn from; the optimizer learns of it only if it has ``fail(key)``.

        Raises:
            SearchError: There is no such trial, it was submitted before, or the optimizer failed.
        """
        self._history.hear(tid, error=True, loss=None)
        key = self._keys.pop(tid)
        if self._hears_failures:
            self._call("fail", key)

    @property
    def _hears_failures(self) -> bool:
        return callable(getattr(self._optimizer, "fail", None))

    def _tell(self, key: Any, loss: float, var: float | None) -> None:
        self._call("tell", key, loss, **({"var": var} if self._tells_var else {}))

    def _config_of(self, optimizer: Any) -> Any:
        if self._is_object:
            return {OBJECT: {"class": _class_name(optimizer)}}
        return to_config(optimizer) if isinstance(optimizer, Component) else optimizer

    def _made(self, optimizer: Any) -> Any:
        try:
            if _is_optimizer(optimizer):
                return optimizer
            _refuse_object(optimizer)
            _refuse_lacking(optimizer)
            config = handed_down(optimizer, {"space": self.space, "seed": self.seed})
            made = from_config(config, context=self.given_context, family=Component)
            for name in ("ask", "tell"):
                if not callable(getattr(made, name, None)):
                    raise ConfigError(f"{made.kind} has no {name}(); an optimizer has ask() and tell(key, loss)")
        except ConfigError as error:
            raise error.under("optimizer") from error.__cause__
        return made

    def _call(self, name: str, *args: Any, **more: Any) -> Any:
        try:
            return getattr(self._optimizer, name)(*args, **more)
        except RunlibError:
            raise
        except StopIteration as error:
            raise SearchExhausted(f"{self._name} has nothing left to suggest") from error
        except Exception as error:
            raise SearchError(f"{name}() of {self._name} failed: {type(error).__name__}: {error}") from error

    def _checked(self, given: Any) -> Any:
        try:
            suggestion = shaped(given)
            if self._space is not None:
                self._space.validate(suggestion)
                suggestion = self._space.spelled(suggestion)
        except NotPlain as error:
            raise SearchError(f"ask() of {self._name} gave a suggestion that is no plain data: {error}") from error
        except SpaceError as error:
            raise SearchError(f"ask() of {self._name} left the search space: {error}") from error
        return suggestion


def _is_optimizer(given: Any) -> bool:
    """Returns whether a value is an object with ``ask`` and ``tell``, and no component."""
    if isinstance(given, Component | Mapping | str | type):
        return False
    return callable(getattr(given, "ask", None)) and callable(getattr(given, "tell", None))


def _refuse_lacking(given: Any) -> None:
    """Raises an error for an object without ``ask`` or ``tell``, which is no config either."""
    if isinstance(given, Component | Mapping | str):
        return
    name = getattr(given, "__name__", type(given).__name__)
    if isinstance(given, type):
        raise ConfigError(f"takes an object, got the class {name}; write {name}(...)")
    lacking = [f"{method}()" for method in ("ask", "tell") if not callable(getattr(given, method, None))]
    raise ConfigError(f"{name} has no {' and no '.join(lacking)}; an optimizer has ask() and tell(key, loss)")


def _refuse_object(config: Any) -> None:
    """Raises an error for the config of an object that is no component; it only names the class for the user."""
    if not isinstance(config, Mapping) or list(config) != [OBJECT]:
        return
    arguments = config[OBJECT]
    name = arguments.get("class") if isinstance(arguments, Mapping) else None
    bare = str(name).rpartition(":")[2]
    raise ConfigError(
        f"is an object of the class {name}, which cannot be made of a config; give one as it was at first: "
        f"Run.restore(folder, search={bare}(...))"
    )


def _class_name(thing: Any) -> str:
    return f"{type(thing).__module__}:{type(thing).__qualname__}"


def _copied(thing: Any) -> Any:
    """Returns a copy that shares nothing with the object; None if it cannot be copied."""
    try:
        return copy.deepcopy(thing)
    except Exception:  # The object may hold anything.
        return None


def _key_and_suggestion(asked: Any) -> tuple[Any, Any]:
    if isinstance(asked, tuple) and len(asked) == 2:
        return asked
    if not isinstance(asked, str | int | float | list | tuple | dict):
        for name in CARRIERS:
            if hasattr(asked, name):
                return asked, getattr(asked, name)
    return asked, asked


def _takes_var(tell: Any) -> bool:
    try:
        parameters = inspect.signature(tell).parameters.values()
    except (TypeError, ValueError):  # The function is not written in Python.
        return False
    return any(parameter.name == "var" for parameter in parameters)
