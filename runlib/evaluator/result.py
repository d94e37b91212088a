"""What an evaluator returned, as the result that stands on the tape.

``{"ok": {"loss": ..., "duration": ..., ...}}`` or ``{"error": {"error": name, "error_text": ...,
"traceback": ...}}``: plain data, made where the evaluation ran, so that nothing else crosses a process.
"""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from runlib.engine.canonical import NotPlain, plain
from runlib.errors import InvalidResult

__all__ = ["error_names", "error_result", "ok_result"]

NUMBERS = ("duration", "var", "cost")


def ok_result(returned: Any, duration: float, objective: str = "loss") -> dict[str, Any]:
    """The result for what an evaluator returned.

    Args:
        returned: A number, or a mapping with the objective.
        duration: The seconds that it took; used unless the evaluator gives its own.
        objective: The key that counts: its value is the ``loss`` of the result. A ``loss`` that the evaluator returned
            beside it is kept as ``given_loss``, beside ``ok``: that holds what was returned and nothing else.

    Raises:
        InvalidResult: No finite loss, or something that is no plain data, with its place and type.
    """
    outcome = dict(returned) if isinstance(returned, Mapping) else {"loss": returned}
    if objective not in outcome:
        what = f"a dict without {objective!r}: its keys are {_short(list(outcome))}"
        if not isinstance(returned, Mapping):
            what = f"{_short(returned)}, and no dict with the objective {objective!r}"
        raise InvalidResult(f"the evaluator returned {what}")
    beside = {} if objective == "loss" or "loss" not in outcome else {"given_loss": outcome["loss"]}
    if objective != "loss":
        outcome = {"loss": outcome[objective], **{key: value for key, value in outcome.items() if key != "loss"}}
    try:
        outcome, beside = plain(outcome, 1), plain(beside, 1)  # one level further in, as they stand in a result
    except NotPlain as error:
        raise InvalidResult(f"the evaluator's result is no plain data: {_place(error)}") from None
    outcome["loss"] = _loss(outcome["loss"])
    for name in NUMBERS:
        _check_number(outcome, name)
    outcome.setdefault("duration", duration)
    return {"ok": outcome, **beside}


def _place(error: NotPlain) -> str:
    return f"{_short(error.path, str)}: {error.reason}" if error.path else error.reason


def _loss(loss: Any) -> float:
    if loss is None:
        raise InvalidResult("the evaluator returned no loss, but None")
    if isinstance(loss, bool) or not isinstance(loss, int | float):
        raise InvalidResult(f"the loss must be a number, got {_short(loss)} of type {type(loss).__name__}")
    value = _float(loss)
    if not math.isfinite(value):
        raise InvalidResult(f"the loss must be finite, got {value}")
    return value


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        raise InvalidResult("the evaluator's result holds an integer too large for a float") from None


def _check_number(outcome: dict[str, Any], name: str) -> None:
    value = outcome.get(name)
    if value is None:
        outcome.pop(name, None)
    elif isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(_float(value)):
        raise InvalidResult(f"{name!r} in the result must be a finite number, got {_short(value)}")
    elif name == "duration" and value < 0:
        raise InvalidResult(f"{name!r} in the result must be seconds from 0 on, got {_short(value)}")


def _short(value: Any, show: Callable[[Any], str] = repr) -> str:
    text = _asked(lambda: show(value), "a value")
    return text if len(text) <= 60 else f"{text[:60]}..."


def error_result(error: BaseException) -> dict[str, Any]:
    """The result for an exception, as text: an exception itself may not survive the way between processes.

    It is somebody's object: whatever its class does when it is asked for its name, its text or its traceback, raising
    ``SystemExit`` included, becomes part of the text.
    """
    text = _asked(lambda: str(error), "its text")
    trace = _asked(lambda: "".join(traceback.format_exception(error)), "its traceback")
    return {"error": {"error": _name(type(error)), "error_text": text, "traceback": trace}}


def error_names(error: BaseException) -> list[str]:
    """The names by which an exception can be caught: those of all its classes."""
    return [_name(cls) for cls in _LINE_OF_DESCENT(type(error)) if cls is not object]


# As the interpreter has them: a metaclass may have attributes of the same names.
_NAME: Callable[[type], Any] = type.__dict__["__name__"].__get__
_LINE_OF_DESCENT: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__


def _name(cls: type) -> str:
    return _clean(_NAME(cls))


def _asked(ask: Callable[[], Any], what: str) -> str:
    """The text that somebody's object answers with; or that it does not."""
    try:
        text = ask()
        return _clean(str.__str__(text)) if isinstance(text, str) else f"({what} is no text)"
    except BaseException as failure:
        return f"({what} cannot be shown: {_name(type(failure))})"


def _clean(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
