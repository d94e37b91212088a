"""What a worker tells its manager: each message is read into its type, and every field is checked before it is used.

The evaluator runs in the worker's process, so nothing that comes from there can be believed: what is wrong in it is
said, and costs the worker its life and its trial, never the run.
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

CONTAINERS = 2**23  # lists and dicts in one message: each takes many times the memory that its text does
WRAPPED = 4  # levels of a message that are not of what the evaluator returned
BESIDE = frozenset({"dropped", "bytes", "given_loss"})  # what may stand beside what the evaluator returned
NUMBERS = ("duration", "var", "cost")
ERROR = frozenset({"error", "error_text", "traceback"})
_SHOWN = 60


class Nonsense(Exception):
    """A message is not what its kind says; the text goes on after ``sent``."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The evaluator is built."""


@dataclass(frozen=True, slots=True)
class Signalled:
    """The next result may come of a signal that somebody sent."""


@dataclass(frozen=True, slots=True)
class Unbuilt:
    """The evaluator cannot be built.

    Attributes:
        reason: Why, for people.
        traceback: Where.
        type: The name of the type that cannot be unpickled, if that is the reason.
    """

    reason: str
    traceback: str
    type: str | None

    @classmethod
    def read(cls, said: Any) -> Unbuilt:
        """Check what was said of it."""
        _require(isinstance(said, dict) and said.keys() == {"reason", "traceback", "type"}, "no reasons", said)
        _require(type(said["reason"]) is str and type(said["traceback"]) is str, "reasons that are no text", said)
        _require(said["type"] is None or type(said["type"]) is str, "a type without a name", said["type"])
        return cls(**said)


class Result(NamedTuple):
    """What came of a task.

    Attributes:
        number: Of the task in its slot.
        tid: The trial.
        result: ``{"ok": {...}}`` or ``{"error": {...}}``, as it may go on a tape.
        names: By which an error can be caught.
    """

    number: int
    tid: int
    result: dict[str, Any]
    names: tuple[str, ...]

    @classmethod
    def read(cls, said: Any) -> Result:
        """Check what was said of it."""
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
    """Whether it is a loss and a duration, and nothing else."""
    ok = result.get("ok") if type(result) is dict and len(result) == 1 else None
    if type(ok) is not dict or len(ok) != 2:
        return False
    loss, duration = ok.get("loss"), ok.get("duration")
    return type(loss) is float and type(duration) is float and math.isfinite(loss) and math.isfinite(duration)


_READERS: Mapping[int, Callable[[Any], Unbuilt | Result]] = {Kind.UNBUILT: Unbuilt.read, Kind.RESULT: Result.read}


def read_message(message: Message) -> Ready | Signalled | Unbuilt | Result:
    """What a worker said.

    Raises:
        Nonsense: It is not what a worker says.
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
    """Why a message is too large to be sent, for people; None if it is not."""
    if len(body) > LIMIT:
        return f"takes {describe_bytes(len(body))} as text, more than the {describe_bytes(LIMIT)} that it may"
    if len(body) > CONTAINERS and _containers(body) > CONTAINERS:
        return f"holds more than the {CONTAINERS:,} lists and dicts that it may"
    return None


def excess_of_texts(result: dict[str, Any]) -> str | None:
    """The same of a result that is not a message yet, as far as its longest parts show: each copy takes memory."""
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
    """Nothing is nested deeper, and no integer is longer, than a tape can hold."""
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
    """The beginning of it, in letters that every terminal takes."""
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
    """Whether this leads to an empty text, which stands where bytes were."""
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
