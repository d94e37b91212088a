"""Makes the result that is put on the tape from what an evaluator returned.

A result is ``{"ok": {"loss": ..., "duration": ..., ...}}`` or ``{"error": {"error": name, "error_text": ...,
"traceback": ...}}``. It is plain data and is made where the evaluation ran, so nothing else is sent between processes.
Beside ``ok`` there may be ``dropped``, the values that could not be data, and ``bytes``, which the run puts into files
of the trial.

The keys of hyperopt are accepted: a ``status`` of ``"fail"`` is a failed trial, and ``loss_variance`` is ``var``. A
status that hyperopt does not know is data like any other.
"""

from __future__ import annotations

import base64
import enum
import inspect
import math
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from runlib.engine.code.classes import class_name, line_of_descent
from runlib.engine.data.canonical import NotPlain
from runlib.errors import Failed, InvalidResult
from runlib.evaluator.conversion import Conversion, close_awaitable

__all__ = ["error_names", "error_result", "ok_result"]

NUMBERS = ("duration", "var", "cost")
_FAILED = frozenset({"fail", "failed", "failure", "error"})
_USUAL = frozenset({float, int, dict})
_UNFINISHED = frozenset({"new", "running", "suspended"})


def ok_result(returned: Any, duration: float, objective: str = "loss") -> dict[str, Any]:
    """Returns the result for what an evaluator returned.

    Args:
        returned: A number, or a mapping with the objective.
        duration: The seconds that it took; used unless the evaluator gives its own.
        objective: The key that counts; its value is the ``loss`` of the result. A ``loss`` that the evaluator returned
            beside it is kept as ``given_loss`` beside ``ok``, because ``ok`` holds only what was returned.

    Raises:
        InvalidResult: There is no finite loss, a number is none (with its place and type), or the result cannot be
            read.
        Failed: The status says that the trial failed.
    """
    try:
        return _read(returned, duration, objective)
    except (Failed, InvalidResult):
        raise
    except BaseException as error:  # A user's class may raise anything when it is read, even SystemExit.
        said = f"{class_name(type(error))}: {_text(error)}"
        raise InvalidResult(f"the evaluator's result could not be read: {said}") from None


def _read(returned: Any, duration: float, objective: str) -> dict[str, Any]:
    if type(returned) not in _USUAL:
        _refuse_unfinished(returned)
    given = _with_known_keys(returned) if isinstance(returned, Mapping) else {"loss": returned}
    if objective not in given:
        raise InvalidResult(f"the evaluator returned {_without(objective, returned, given)}")
    own = {"loss": _loss(given[objective], objective), "duration": duration}
    if len(given) == 1 and objective == "loss":
        return {"ok": own}
    own.update((name, value) for name in NUMBERS if (value := _number(given.pop(name, None), name)) is not None)
    conversion = Conversion()
    rest = conversion.mapping({key: value for key, value in given.items() if key != "loss"})
    beside = {} if objective == "loss" or "loss" not in given else _given_loss(given["loss"], conversion)
    # These keys only have such a text, such as members of an Enum.
    for name in {"loss", *NUMBERS} & rest.keys():
        conversion.drop((name,), "its key is no text, but becomes that of a number which a result may have")
        del rest[name]
    return {"ok": {**own, **rest}, **beside, **_noted(conversion)}


def _given_loss(value: Any, conversion: Conversion) -> dict[str, Any]:
    """Returns the entry beside ``ok`` for a ``loss`` that was returned beside another objective."""
    files = len(conversion.files)
    found = conversion.mapping({"loss": value})
    if len(conversion.files) > files:  # Bytes are placed only within ``ok``.
        del conversion.files[files:]
        conversion.drop(("loss",), "bytes are kept under every other key, but not under this one")
        return {}
    return {"given_loss": found["loss"]} if found else {}


def _noted(conversion: Conversion) -> dict[str, Any]:
    if not conversion.files and not conversion.dropped:
        return {}
    files = [[list(place), base64.b64encode(data).decode()] for place, data in conversion.files]
    return {
        **({"dropped": conversion.dropped} if conversion.dropped else {}),
        **({"bytes": files} if files else {}),
    }


def _refuse_unfinished(returned: Any) -> None:
    """Raises an error for an awaitable or a generator that the check of the function missed; it is no result."""
    if inspect.isawaitable(returned) or inspect.isasyncgen(returned) or inspect.isgenerator(returned):
        close_awaitable(returned)
        raise InvalidResult(
            f"the evaluator returned a {class_name(type(returned))}, and no result: it is not awaited or asked here; "
            "let the function be a plain one, which may call asyncio.run(...) itself"
        )


def _with_known_keys(returned: Mapping[Any, Any]) -> dict[Any, Any]:
    """Returns what was returned, with the keys that runlib knows.

    Raises:
        Failed: The status says that the trial failed.
        InvalidResult: The status says that the trial has not ended.
    """
    given = dict(returned)
    status = _status(given["status"]) if "status" in given else ""
    if status in _FAILED:
        raise Failed(_why(given))
    if status in _UNFINISHED:
        raise InvalidResult(f"the evaluator returned the status {status!r}: a trial that has ended is 'ok' or 'fail'")
    if "loss_variance" in given and "var" not in given:
        given["var"] = given.pop("loss_variance")
    return given


def _status(value: Any) -> str:
    if isinstance(value, enum.Enum):
        value = value.value if isinstance(value.value, str) else value.name
    return value.strip().lower() if isinstance(value, str) else ""


def _why(given: dict[Any, Any]) -> str:
    """Returns what the evaluator says beside its status, which may be the reason."""
    said = [f"{key}: {_short(value)}" for key, value in given.items() if key != "status"]
    status = f"the evaluator returned the status {_short(given['status'])}"
    return "; ".join([status, *said[:10]])


def _without(objective: str, returned: Any, given: dict[Any, Any]) -> str:
    if isinstance(returned, Mapping):
        return f"a dict without {objective!r}: its keys are {_short(list(given))}"
    return f"{_short(returned)}, and no dict with the objective {objective!r}"


def _loss(value: Any, objective: str) -> float:
    what = "the loss" if objective == "loss" else f"the objective {objective!r}"
    if value is None:
        raise InvalidResult(f"the evaluator returned no {what.removeprefix('the ')}, but None")
    found = _one(value, objective)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise InvalidResult(f"{what} must be a number, got {_described(value, found)}")
    number = _float(found)
    if not math.isfinite(number):
        raise InvalidResult(f"{what} must be finite, got {number}")
    return number


def _one(value: Any, name: str) -> Any:
    """Returns a value as data; for an array with a single element, that element.

    Raises:
        InvalidResult: The value is no data.
    """
    if type(value) is float or type(value) is int:
        return value
    close_awaitable(value)
    try:
        found = Conversion().value(value, (name,))
    except NotPlain as error:
        raise InvalidResult(f"the evaluator's result is no plain data: {name}: {error.reason}") from None
    while isinstance(found, list) and len(found) == 1 and not isinstance(value, list | tuple):
        found = found[0]
    return found


def _described(value: Any, found: Any) -> str:
    kind, shape = class_name(type(value)), getattr(value, "shape", None)
    if isinstance(found, list) and isinstance(shape, tuple):
        return f"an array of shape {_short(shape)} and of type {kind}"
    shown = found if isinstance(found, bool) else value
    return f"{_short(shown)} of type {class_name(type(shown))}"


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        raise InvalidResult("the evaluator's result holds an integer too large for a float") from None


def _number(value: Any, name: str) -> int | float | None:
    if value is None:
        return None
    found = _one(value, name)
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(_float(found)):
        raise InvalidResult(f"{name!r} in the result must be a finite number, got {_short(found)}")
    if name == "duration" and found < 0:
        raise InvalidResult(f"{name!r} in the result must be seconds from 0 on, got {_short(found)}")
    return found


def _short(value: Any, show: Callable[[Any], str] = repr) -> str:
    text = _asked(lambda: show(value), "a value")
    return text if len(text) <= 60 else f"{text[:60]}..."


def error_result(error: BaseException) -> dict[str, Any]:
    """Returns the result for an exception as text.

    The exception itself may not survive the way between processes. Its class may do anything when it is asked for its
    name, its text or its traceback, and may even raise ``SystemExit``. This becomes part of the text.
    """
    trace = _asked(lambda: "".join(traceback.format_exception(error)), "its traceback")
    return {"error": {"error": class_name(type(error)), "error_text": _text(error), "traceback": trace}}


def _text(error: BaseException) -> str:
    return _asked(lambda: str(error), "its text")


def error_names(error: BaseException) -> list[str]:
    """Returns the names by which an exception can be caught: those of all its classes."""
    return [class_name(cls) for cls in line_of_descent(type(error)) if cls is not object]


def _asked(ask: Callable[[], Any], what: str) -> str:
    """Returns the text that ``ask`` returns, or a text that says that it failed."""
    try:
        text = ask()
        return _clean(str.__str__(text)) if isinstance(text, str) else f"({what} is no text)"
    except BaseException as failure:
        return f"({what} cannot be shown: {class_name(type(failure))})"


def _clean(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
