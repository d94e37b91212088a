"""What can happen in a run. Events are frozen and hold plain data only; how they are written is the codec's business.

A ``Record`` is an event in its place on the tape. Order is ``n``, never the clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from runlib.engine.copies import copied
from runlib.engine.shape import Shape, reshaped, shape_of
from runlib.errors import TapeFormat

__all__ = [
    "EDITS",
    "End",
    "Enqueue",
    "Event",
    "Note",
    "Record",
    "Retry",
    "Session",
    "Stopping",
    "Submit",
    "Suggest",
    "Void",
    "event_from_data",
    "event_to_data",
]


@dataclass(frozen=True, slots=True)
class Session:
    """A writer opened the tape.

    Attributes:
        info: host, pid, versions, pool, observers, plugins and the like; ``program``, the file of ``__main__`` and how
            it was started; ``fingerprint``, a hash of what the evaluator does; ``evaluator``, the name by which it was
            found, where that is not the one in the config; ``changed``, the settings that differ
            from those of the session before (``stop``, ``trial_timeout``, ``caught_exceptions``, ``retries``); and
            ``recovered``, what was not as a writer leaves it (a torn end, lost records), a sentence each.
    """

    kind: ClassVar[str] = "session"
    info: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Suggest:
    """The search made a suggestion.

    Attributes:
        tid: The trial.
        suggestion: Plain data, which may have a shape (``runlib.engine.shape``).
        memo: What the search needs beside it to recall it; None for nothing.
        heard: How many results the search knew, where it is told in the order of suggestions; None otherwise.
        queued: The number of the ``enqueue`` record whose suggestion this is; None for one of the search's own.
    """

    kind: ClassVar[str] = "suggest"
    tid: int
    suggestion: Any
    memo: Any = None
    heard: int | None = None
    queued: int | None = None


@dataclass(frozen=True, slots=True)
class Submit:
    """A trial ended.

    Attributes:
        tid: The trial.
        result: ``{"ok": {...}}`` or ``{"error": {...}}``; beside it ``file``, where a large result lies apart.
        of: The trial whose evaluation this result is, if it was not evaluated itself.
    """

    kind: ClassVar[str] = "submit"
    tid: int
    result: dict[str, Any]
    of: int | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """An attempt at a trial failed, and another will be made; the trial stays live.

    Attributes:
        tid: The trial.
        attempt: The number of the attempt that failed: 1, 2, ...
        rule: The name among the ``retries`` of the run that allows another one.
        error: As in a result: ``error``, ``error_text``, ``traceback``.
    """

    kind: ClassVar[str] = "retry"
    tid: int
    attempt: int
    rule: str
    error: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Void:
    """The result of a trial no longer counts, nor those that were taken from the same evaluation; a live trial ends.

    Attributes:
        tid: The trial.
        reason: For people.
        key: Of the command that asked for it, if one did; a command has an effect once.
    """

    kind: ClassVar[str] = "void"
    tid: int
    reason: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Enqueue:
    """Somebody wants a suggestion to be tried before the search's own.

    Attributes:
        suggestion: Plain data, which may have a shape.
        key: As in ``Void``.
    """

    kind: ClassVar[str] = "enqueue"
    suggestion: Any
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A remark of a person; it has no effect, and a reader that does not know it may skip it.

    Attributes:
        text: For people.
        tid: The trial that it is about; None for the run.
        key: As in ``Void``.
    """

    kind: ClassVar[str] = "note"
    text: str
    tid: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Stopping:
    """Somebody wants this session to end in order.

    Attributes:
        reason: For people.
        key: As in ``Void``.
    """

    kind: ClassVar[str] = "stop"
    reason: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class End:
    """A session ended in order.

    Attributes:
        reason: ``stop``, ``duration``, ``exhausted``, ``signal``, ``asked``, ``closed`` (by hand) or ``error``.
        text: The same for people.
    """

    kind: ClassVar[str] = "end"
    reason: str
    text: str = field(default="")


Event = Session | Suggest | Submit | Retry | Void | Enqueue | Note | Stopping | End
EDITS = (Void, Enqueue, Note, Stopping)  # what people do to a run, rather than the run itself
_KINDS: dict[str, type[Any]] = {
    cls.kind: cls for cls in (Session, Suggest, Submit, Retry, Void, Enqueue, Note, Stopping, End)
}
_FIELDS = {cls: tuple(f.name for f in fields(cls)) for cls in _KINDS.values()}
_OMITTED_IF_NONE = frozenset({"memo", "of", "heard", "queued", "key", "tid"})


@dataclass(frozen=True, slots=True)
class Record:
    """An event in its place.

    Attributes:
        n: Its number on the tape: 1, 2, ...
        t: When it was written: seconds since 1970, of the writer's clock.
        event: What happened; None for a kind that this version does not know and may skip.
    """

    n: int
    t: float
    event: Event | None

    def copy(self) -> Record:
        """The same, sharing no data with it."""
        if self.event is None:
            return self
        parts = {name: copied(getattr(self.event, name)) for name in _FIELDS[type(self.event)]}
        return Record(self.n, self.t, type(self.event)(**parts))


def event_to_data(event: Event) -> dict[str, Any]:
    """``{kind: {fields}}``, fields that are None being left out where that is what they mean.

    Beside the kind stands ``shape`` if the suggestion has one: older readers skip it there.
    """
    if isinstance(event, Session):
        return {event.kind: event.info}
    body = {}
    for name in _FIELDS[type(event)]:
        value = getattr(event, name)
        if value is not None or name not in _OMITTED_IF_NONE:
            body[name] = value
    data: dict[str, Any] = {event.kind: body}
    if "suggestion" in body and (shape := shape_of(body["suggestion"])) is not None:
        data["shape"] = shape
    return data


def event_from_data(kind: str, body: Any, shape: Shape | None = None) -> Event | None:
    """The event of a kind; None if this version does not know the kind.

    Args:
        kind: Its name.
        body: Its fields, which the event keeps.
        shape: Of its suggestion, where that has one.

    Raises:
        TapeFormat: The fields are not those of the kind, or hold what a state cannot add up.
    """
    cls = _KINDS.get(kind)
    if cls is None:
        return None
    if shape is not None:
        body = _with_shape(kind, body, shape)
    try:
        event: Event = Session(body) if cls is Session else cls(**body)
    except TypeError as error:
        raise TapeFormat(f"a {kind!r} record has other fields than this format: {error}") from error
    wrong = _CHECKS[cls](event)
    if wrong is not None:
        raise TapeFormat(f"a {kind!r} record has other values than this format: {wrong}")
    return event


def _with_shape(kind: str, body: Any, shape: Any) -> Any:
    try:
        return {**body, "suggestion": reshaped(body["suggestion"], shape)}
    except (LookupError, TypeError, ValueError) as error:
        raise TapeFormat(f"a {kind!r} record has another shape than this format: {error}") from error


def _check_session(event: Session) -> str | None:
    if not isinstance(event.info, dict) or not isinstance(event.info.get("changed", {}), dict):
        return "it is no dict, or 'changed' in it is none"
    recovered = event.info.get("recovered", [])
    fits = isinstance(recovered, list) and all(isinstance(said, str) for said in recovered)
    return None if fits else "'recovered' is a list of texts"


def _check_suggest(event: Suggest) -> str | None:
    if type(event.tid) is not int or (event.heard is not None and type(event.heard) is not int):
        return "'tid' and 'heard' are whole numbers"
    return None if event.queued is None or type(event.queued) is int else "'queued' is a whole number"


def _check_submit(event: Submit) -> str | None:
    result, outcome = event.result, None
    if type(event.tid) is not int or (event.of is not None and type(event.of) is not int):
        return "'tid' and 'of' are whole numbers"
    if isinstance(result, dict):
        outcome = result.get("ok", result.get("error", {}))
    if not isinstance(outcome, dict):
        return "'result' holds a dict under 'ok' or 'error'"
    if "ok" in result and not (type(outcome.get("loss")) in _NUMBERS and type(outcome.get("cost", 0)) in _NUMBERS):
        return "'loss' and 'cost' are numbers"
    return None if isinstance(outcome.get("error", ""), str) or "ok" in result else "the name of an error is text"


def _check_retry(event: Retry) -> str | None:
    if type(event.tid) is not int or type(event.attempt) is not int:
        return "'tid' and 'attempt' are whole numbers"
    fits = isinstance(event.error, dict) and isinstance(event.rule, str)
    return None if fits else "'error' is a dict, and 'rule' a name"


def _check_void(event: Void) -> str | None:
    if type(event.tid) is not int:
        return "'tid' is a whole number"
    return _check_texts(event.reason, event.key)


def _check_note(event: Note) -> str | None:
    if event.tid is not None and type(event.tid) is not int:
        return "'tid' is a whole number"
    return _check_texts(event.text, event.key)


def _check_texts(text: Any, key: Any) -> str | None:
    fits = isinstance(text, str) and (key is None or isinstance(key, str))
    return None if fits else "what people say, and the keys of commands, are text"


def _check_end(event: End) -> str | None:
    return None if isinstance(event.reason, str) and isinstance(event.text, str) else "'reason' and 'text' are text"


_NUMBERS = frozenset({int, float})
_CHECKS: dict[type[Any], Callable[[Any], str | None]] = {
    Session: _check_session,
    Suggest: _check_suggest,
    Submit: _check_submit,
    Retry: _check_retry,
    Void: _check_void,
    Enqueue: lambda event: _check_texts("", event.key),
    Note: _check_note,
    Stopping: lambda event: _check_texts(event.reason, event.key),
    End: _check_end,
}
