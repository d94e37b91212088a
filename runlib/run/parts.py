"""Makes the parts of a run, describes them for the tape, and compares them with the tape.

Each error names the place of the part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from runlib.engine import registry
from runlib.engine.component import Component, from_config
from runlib.engine.earlier import with_earlier_defaults
from runlib.engine.legible import logger
from runlib.engine.synonyms import near
from runlib.errors import ConfigError
from runlib.evaluator.base import Evaluator
from runlib.evaluator.functions.function import FunctionEvaluator
from runlib.evaluator.functions.reading import Reading
from runlib.observe.base import Observer
from runlib.observe.log import LogObserver
from runlib.observe.status import StatusObserver
from runlib.pool.base import Pool
from runlib.run.metadata import texts
from runlib.run.settings import differences
from runlib.run.view import RunView, wrap
from runlib.search.asktell import AskTell
from runlib.search.base import Search
from runlib.space.accidents import quiet

__all__ = [
    "config_of",
    "function_name",
    "is_same_code",
    "make_observers",
    "make_search",
    "noted",
    "noted_execution",
    "restored_search",
    "same_evaluator",
    "same_search",
    "warn_of_context",
]

log = logger()

Build = Callable[[str, Any, type[Observer]], Observer]


def noted(place: str, component: Component) -> dict[str, Any]:
    """Returns the config of a pool or an observer, as the session records it.

    Raises:
        ConfigError: The component has no config; the message names its place.
    """
    try:
        return component.get_config()
    except ConfigError as error:
        raise error.under(place) from error.__cause__


def noted_execution(
    run: RunView, pool: Pool, observers: Sequence[Observer], changed: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Returns what a session records of how things are computed and of the settings that it changed.

    Raises:
        ConfigError: A pool or an observer has no config; the message names its place.
    """
    names = [] if run.found_by is None else texts([run.found_by])
    read = None if run.evaluator is None else _reading(run.evaluator).noted()
    code = None if run.evaluator is None else run.evaluator.fingerprint_code()
    return {
        "slots": pool.slots(run.context),
        "context": {name: run.context[name] for name in run.default_context},
        "pool": noted("pool", pool),
        "observers": [noted(f"observers.{i}", observer) for i, observer in enumerate(observers)],
        "fingerprint": None if run.evaluator is None else run.evaluator.fingerprint(),
        **({} if code is None else {"code": code}),
        **({} if read is None else {"globals": read}),
        **({} if run.program is None else {"program": run.program.as_data()}),
        **({"evaluator": names[0]} if names else {}),
        **({"changed": dict(changed)} if changed else {}),
    }


def _reading(evaluator: Evaluator) -> Reading:
    """Returns the reader of the script globals that the evaluator uses, also if the script was imported as a module."""
    name = function_name(evaluator.get_config())
    return Reading(evaluator, anywhere=name is not None and name.startswith("__main__:"))


def make_observers(given: Sequence[Any] | None, build: Build, context: Mapping[str, Any] | None) -> list[Observer]:
    """Returns the observers of a run; by default those that write ``status.txt`` and ``log.log``.

    Raises:
        ConfigError: An observer cannot be made; the message names its place.
    """
    if given is None:
        return [StatusObserver(context), LogObserver(context)]
    if isinstance(given, str | Mapping):
        raise ConfigError("takes a list of observers", "observers")
    return [build(f"observers.{i}", item, Observer) for i, item in enumerate(given)]


def restored_search(given: Any, config: Any, context: Mapping[str, Any] | None) -> Search:
    """Returns the search of a continued run: the given one, or one that is made from the config on the tape.

    Raises:
        ConfigError: The search cannot be made, or differs from the one on the tape.
    """
    return make_search(config, context) if given is None else same_search(given, config, context)


def make_search(config: Any, context: Mapping[str, Any] | None) -> Search:
    """Returns the search of a run, made from the config on its tape.

    Raises:
        ConfigError: The search cannot be made; the message names its place.
    """
    return _made(with_earlier_defaults(config), context)


def _made(given: Any, context: Mapping[str, Any] | None) -> Search:
    try:
        with quiet():
            return from_config(given, context=context, family=Search)
    except ConfigError as error:
        raise error.under("search") from error.__cause__


def same_search(given: Any, config: Any, context: Mapping[str, Any] | None) -> Search:
    """Returns the search given to a restore, as it was before its first suggestion, if its config is that of the run.

    Args:
        given: A search, its config, or the optimizer of an ``AskTell``.
        config: The config of the search of the run.
        context: The context that is handed to a search that is made.

    Raises:
        ConfigError: The config is another one; the message says where they differ.
    """
    config = with_earlier_defaults(config)
    arguments = config.get(AskTell.kind) if isinstance(config, Mapping) else None
    if isinstance(arguments, Mapping) and not isinstance(given, Component | Mapping | str):
        given = AskTell(**{**arguments, "optimizer": given}, context=context)
    search = _made(given, context)
    found = list(differences(config, search.get_config()))
    if found:
        raise ConfigError(f"is another search than that of the run: {'; '.join(found)}", "search")
    is_new = isinstance(search, AskTell) and not search.was_asked
    return search if is_new else search.renewal()()


def config_of(name: str, given: Any, family: type[Component]) -> dict[str, Any] | None:
    """Returns the config of a part that is given as an object or as a config; None for None.

    Raises:
        ConfigError: The part cannot be made; the message names its place.
    """
    if given is None:
        return None
    try:
        return from_config(given, family=family).get_config()
    except ConfigError as error:
        raise error.under(name) from error.__cause__


def same_evaluator(
    given: Any, config: Any, context: Mapping[str, Any] | None, noted: Mapping[str, Any], folder: Path
) -> Evaluator:
    """Returns the evaluator given to a restore, under its name on the tape, if it is the evaluator of the run.

    A function counts as the same if it has the same name, whatever module it was imported from, or the same source.

    Args:
        given: An evaluator, a function, or its name.
        config: The config of the evaluator of the run.
        context: The context that is handed to an evaluator that is made.
        noted: The data that the last session of the run recorded.
        folder: The folder of the run.

    Raises:
        ConfigError: The evaluator is another one; the message says where they differ.
    """
    evaluator = given if isinstance(given, Evaluator) else wrap(given, context)
    if config is None:
        raise ConfigError("this run is driven by hand, by suggest() and submit(): it has none", "evaluator")
    name = function_name(config)
    if (
        name is not None
        and isinstance(evaluator, FunctionEvaluator)
        and (is_same_code(evaluator, noted) or _bare(name) == _bare(evaluator.name))
    ):
        return evaluator.known_as(name)
    found = list(differences(config, evaluator.get_config()))
    if found:
        raise ConfigError(
            f"is another evaluator than that of the run {folder}: {'; '.join(found)}; give a function of the same name "
            "or with the same source, leave the evaluator out, or let another one have a run of its own: "
            "Run(search, evaluator, stop)",
            "evaluator",
        )
    return evaluator


def is_same_code(evaluator: Evaluator, noted: Mapping[str, Any]) -> bool:
    """Returns whether an evaluator has the fingerprint, or the code, of the evaluator that a session recorded."""
    pairs = ((noted.get("fingerprint"), evaluator.fingerprint()), (noted.get("code"), evaluator.fingerprint_code()))
    return any(then is not None and then == now for then, now in pairs)


def function_name(config: Any) -> str | None:
    """Returns the name of the function in the config of an evaluator; None if the evaluator is not a function."""
    arguments = config.get(FunctionEvaluator.kind) if isinstance(config, Mapping) else None
    name = arguments.get("function") if isinstance(arguments, Mapping) else None
    return name if isinstance(name, str) else None


def _bare(name: str) -> str:
    """Returns a function name without its modules, also inside a partial, and without ``<>`` around a name."""
    bare = re.sub(r"[^\s<>:]*:", "", name)
    return re.sub(r"<([\w.]+)>", r"\1", bare)


def _context_keys(classes: list[type]) -> set[str]:
    """Returns the keys of a context that belong to one of the classes, and their kinds."""
    keys = {key for cls in classes for key in getattr(cls, "default_context", {})}
    return keys | {getattr(cls, "kind", "") for cls in classes}


def warn_of_context(context: Mapping[str, Any]) -> None:
    """Logs a warning for each key of a context that no known component takes; most likely it is misspelt.

    This is not an error, because a component may read a key of its context without having a default for it.
    """
    if set(context) <= _context_keys(registry.loaded_classes()):
        return
    known = _context_keys(registry.classes(Component))
    for key in context:
        if key not in known:
            meant = near(str(key), sorted(known))
            hint = f"; did you mean {meant[0]!r}?" if meant else ""
            log.warning("context.%s: nothing here is known to take it%s", str(key)[:80], hint)
