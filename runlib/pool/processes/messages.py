"""Reads each message of a worker into its type, and checks every field before it is used.

The evaluator runs in the process of the worker, so no message from there can be trusted. A wrong message is described
to the user. It costs the worker and its trial, but never the run.
"""

from __future__ import annotations

import binascii
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from runlib.engine.data.canonical import load
from runlib.engine.data.plain import MAX_DEPTH, MAX_INT_BITS
from runlib.evaluator.conversion import FILES
from runlib.pool.processes.frames import LIMIT, Kind, Message
from runlib.pool.sizes import describe_bytes

__all__ = ["Nonsense", "Ready", "Result", "Signalled", "Unbuilt", "excess", "excess_of_texts", "read_message"]

CONTAINERS = 2**23  # lists and dicts in one message; each takes far more memory than its text
WRAPPED = 4  # levels of a message around the value that the evaluator returned
BESIDE = frozenset({"dropped", "bytes", "given_loss"})  # keys that may stand beside the returned value
NUMBERS = ("duration", "var", "cost")
ERROR = frozenset({"error", "error_text", "traceback"})
_SHOWN = 60


class Nonsense(Exception):
    """Is raised if a message does not fit its kind. Its text continues a sentence that ends with ``sent``."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Reports that the evaluator is built."""


@dataclass(frozen=True, slots=True)
class Signalled:
    """Reports that the next result may be due to a signal from outside."""


@dataclass(frozen=True, slots=True)
class Unbuilt:
    """Reports that the evaluator cannot be built.

    Attributes:
        reason: The reason, as text for the user.
        traceback: The traceback of the error.
        type: The name of the type that cannot be unpickled, if that is the reason.
    """

    reason: str
    traceback: str
    type: str | None

    @classmethod
    def read(cls, said: Any) -> Unbuilt:
        """Checks the content of a message, and returns it as ``Unbuilt``."""
        _require(isinstance(said, dict) and said.keys() == {"reason", "traceback", "type"}, "no reasons", said)
        _require(type(said["reason"]) is str and type(said["traceback"]) is str, "reasons that are no text", said)
        _require(said["type"] is None or type(said["type"]) is str, "a type without a name", said["type"])
        return cls(**said)


class Result(NamedTuple):
    """Holds the result of a task.

    Attributes:
        number: The number of the task in its slot.
        tid: The number of the trial.
        result: The result, ``{"ok": {...}}`` or ``{"error": {...}}``, in the form for the tape.
        names: The names by which an error can be caught.
    """

    number: int
    tid: int
    result: dict[str, Any]
    names: tuple[str, ...]

    @classmethod
    def read(cls, said: Any) -> Result:
        """Checks the content of a message, and returns it as ``Result``."""
        _require(type(said) is list and len(said) == 4, "no result", said)
        number, tid, result, names = said
        if type(number) is not int or type(tid) is not int:
            raise Nonsense(f"a result of no trial: {_shown(number)}, {_shown(tid)}")
        if names == [] and _is_bare(result):  # by far the most frequent case
            return cls(number, tid, result, ())
        _require(type(names) is list and all(type(name) is str for name in names), "names that are none", names)
        _check_result(result)
        _require(bool(names) == ("error" in result), "names of an error beside none, or none beside one", names)
        return cls(number, tid, result, tuple(names))


def _is_bare(result: Any) -> bool:
    """Returns whether a result consists of a loss and a duration alone."""
    ok = result.get("ok") if type(result) is dict and len(result) == 1 else None
    if type(ok) is not dict or len(ok) != 2:
        return False
    loss, duration = ok.get("loss"), ok.get("duration")
    return type(loss) is float and type(duration) is float and math.isfinite(loss) and math.isfinite(duration)


_READERS: Mapping[int, Callable[[Any], Unbuilt | Result]] = {Kind.UNBUILT: Unbuilt.read, Kind.RESULT: Result.read}


def read_message(message: Message) -> Ready | Signalled | Unbuilt | Result:
    """Returns the message of a worker in its type.

    Raises:
        Nonsense: The message is not valid.
    """
    kind, body = message
    reader = _READERS.get(kind)
    if reader is not None:
        return reader(_load(body))
    if kind == Kind.READY and not body:
        return Ready()
    if kind == Kind.SIGNALLED and not body:
        return Signalled()
    raise Nonsense(f"a message of a kind that there is not: {kind}")


def excess(body: bytes) -> str | None:
    """Returns a text for the user that says why a message is too large to be sent, or None if it is not."""
    if len(body) > LIMIT:
        return f"takes {describe_bytes(len(body))} as text, more than the {describe_bytes(LIMIT)} that it may"
    if len(body) > CONTAINERS and _containers(body) > CONTAINERS:
        return f"holds more than the {CONTAINERS:,} lists and dicts that it may"
    return None


def excess_of_texts(result: dict[str, Any]) -> str | None:
    """Returns a text that says why the texts of a result are too large to be sent, or None if they are not.

    It is called before the result becomes a message, because each copy takes memory.
    """
    texts = [value for value in result.get("ok", {}).values() if type(value) is str]
    if sum(map(len, [*texts, *(text for _, text in result.get("bytes", ()))])) <= LIMIT:
        return None
    return f"takes more than the {describe_bytes(LIMIT)} as text that it may"


def _containers(body: bytes) -> int:
    return body.count(b"[") + body.count(b"{")


def _load(body: bytes) -> Any:
    if (why := excess(body)) is not None:
        raise Nonsense(f"a message that {why}")
    try:
        said = load(body)
    except ValueError:
        raise Nonsense(f"what is no JSON: {_shown(body)}") from None
    except MemoryError:
        raise Nonsense(f"a message of {describe_bytes(len(body))}, for which the manager has no memory") from None
    if (len(body) > MAX_DEPTH and _containers(body) > MAX_DEPTH) or b'"$int"' in body:
        _check_inner(said)
    return said


def _check_inner(value: Any) -> None:
    """Raises ``Nonsense`` if a value is nested deeper, or has a longer integer, than a tape can hold."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH + WRAPPED + 1):
        if any(type(item) is int and item.bit_length() > MAX_INT_BITS for item in level):
            raise Nonsense(f"an integer of more than {MAX_INT_BITS} bits")
        level = [item for outer in level if isinstance(outer, dict | list) for item in _items(outer)]
        if not level:
            return
    raise Nonsense(f"what is nested deeper than {MAX_DEPTH} levels")


def _items(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _require(right: bool, what: str, value: Any) -> None:
    if not right:
        raise Nonsense(f"{what}: {_shown(value)}")


def _shown(value: Any) -> str:
    """Returns the beginning of a value in characters that every terminal accepts."""
    if isinstance(value, dict | list):
        return f"a {type(value).__name__} of {len(value)}"
    text = ascii(value[:_SHOWN] if isinstance(value, str | bytes) else value)
    return text if len(text) <= 2 * _SHOWN else f"{text[: 2 * _SHOWN]}..."


def _check_result(result: Any) -> None:
    _require(isinstance(result, dict), "a result that is no dict", result)
    [*states] = result.keys() & {"ok", "error"}
    _require(len(states) == 1, "a result that is neither ok nor an error", list(result))
    _require(isinstance(result[states[0]], dict), f"a result whose {states[0]!r} is no dict", result[states[0]])
    if states == ["error"]:
        _check_error(result)
    else:
        _check_ok(result)


def _check_error(result: dict[str, Any]) -> None:
    error = result["error"]
    _require(len(result) == 1 and error.keys() == ERROR, "an error with other fields", list(error))
    _require(all(type(value) is str for value in error.values()), "an error that is no text", list(error.values()))


def _check_ok(result: dict[str, Any]) -> None:
    ok = result["ok"]
    _require(result.keys() - {"ok"} <= BESIDE, "a result with other fields", list(result))
    _require(type(ok.get("loss")) is float and math.isfinite(ok["loss"]), "a loss that is no number", ok.get("loss"))
    _require(type(ok.get("duration")) in (int, float), "a result without its duration", ok.get("duration"))
    for name in NUMBERS:
        _require(name not in ok or _is_number(ok[name]), f"a {name} that is no number", ok.get(name))
    if "dropped" in result:
        _check_dropped(result["dropped"])
    if "bytes" in result:
        _check_bytes(result["bytes"], ok)


def _is_number(value: Any) -> bool:
    try:
        return type(value) in (int, float) and math.isfinite(value)
    except OverflowError:
        return False


def _check_dropped(dropped: Any) -> None:
    _require(isinstance(dropped, dict), "names of what was left out that are no dict", dropped)
    _require(all(type(why) is str for why in dropped.values()), "a reason for what was left out that is no text", "")


def _check_bytes(files: Any, ok: dict[str, Any]) -> None:
    _require(isinstance(files, list) and len(files) <= FILES, f"bytes that are no list of at most {FILES}", files)
    for file in files:
        _require(isinstance(file, list) and len(file) == 2, "bytes without their place", file)
        place, text = file
        _require(isinstance(place, list) and _is_place(place, ok), "bytes of a place that there is not", place)
        _require(isinstance(text, str) and _is_base64(text), "bytes that are not written as such", text)


def _is_place(place: list[Any], ok: Any) -> bool:
    """Returns whether a path leads to an empty text, which stands where bytes were."""
    for key in place:
        known = ok if isinstance(ok, dict) else range(len(ok)) if isinstance(ok, list) else ()
        if type(key) not in (str, int) or key not in known:
            return False
        ok = ok[key]
    return bool(place) and ok == ""


def _is_base64(text: str) -> bool:
    try:
        binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return False
    return True
