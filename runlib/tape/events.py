"""Defines what can happen in a run. Events are frozen and hold only plain data; the codec decides how they are written.

A ``Record`` is an event with its place on the tape. The order is given by ``n``, never by the clock. ``schema.json``
says what the fields may hold, and this is checked when an event is made from data.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from runlib.engine.data.copies import copied
from runlib.engine.data.shape import Shape, reshaped, shape_of
from runlib.errors import TapeFormat
from runlib.tape.schema import check

__all__ = [
    "EDITS",
    "NEWEST",
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
    """States that a writer opened the tape.

    Attributes:
        info: A dict with host, pid, versions, pool, observers, plugins and similar facts. ``program`` is the file of
            ``__main__`` and how it was started. ``fingerprint`` is a hash of what the evaluator does. ``globals`` is
            what the evaluator reads from the script that defines it. ``evaluator`` is the name by which the evaluator
            was found, if the config has another. ``changed`` holds the settings that differ from those of the previous
            session (``stop``, ``trial_timeout``, ``caught_exceptions``, ``retries``). ``recovered`` has a sentence for
            each thing that a writer does not leave in this way (a torn end, lost records). ``clocks`` is the start of
            the session by the wall clock and by a clock that is never set. ``format`` is the format of what it writes,
            if this is newer than the metadata say.
    """

    kind: ClassVar[str] = "session"
    info: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Suggest:
    """States that the search made a suggestion.

    Attributes:
        tid: The number of the trial.
        suggestion: The suggestion, plain data that may have a shape (``runlib.engine.data.shape``).
        memo: The data beside the suggestion that the search needs to recall it; None for nothing.
        heard: The number of results that the search knew, if it gets them in the order of suggestions; None otherwise.
        queued: The number of the ``enqueue`` record that holds this suggestion; None if the search made it.
    """

    kind: ClassVar[str] = "suggest"
    tid: int
    suggestion: Any
    memo: Any = None
    heard: int | None = None
    queued: int | None = None


@dataclass(frozen=True, slots=True)
class Submit:
    """States that a trial ended.

    Attributes:
        tid: The number of the trial.
        result: The returned result, ``{"ok": {...}}`` or ``{"error": {...}}``. Beside it are the keys that runlib adds:
            ``file`` (the place of a large result), ``given_loss``, ``dropped`` and the others in ``schema.json``.
        of: The trial that was evaluated for this result, if this trial was not evaluated itself.
    """

    kind: ClassVar[str] = "submit"
    tid: int
    result: dict[str, Any]
    of: int | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """States that an attempt at a trial failed and another will be made; the trial stays live.

    Attributes:
        tid: The number of the trial.
        attempt: The number of the attempt that failed: 1, 2, ...
        rule: The name of the rule, among the ``retries`` of the run, that allows another attempt.
        error: The error as in a result: ``error``, ``error_text``, ``traceback``.
    """

    kind: ClassVar[str] = "retry"
    tid: int
    attempt: int
    rule: str
    error: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Void:
    """States that the result of a trial and those taken from the same evaluation no longer count; a live trial ends.

    Attributes:
        tid: The number of the trial.
        reason: The reason, for users to read.
        key: The key of the command that asked for it, if one did; a command has an effect once.
    """

    kind: ClassVar[str] = "void"
    tid: int
    reason: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Enqueue:
    """States that a user wants a suggestion to be tried before the search makes its next one.

    Attributes:
        suggestion: The suggestion, plain data that may have a shape.
        key: The key of the command that asked for it, if one did.
    """

    kind: ClassVar[str] = "enqueue"
    suggestion: Any
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Holds a remark of a user; it has no effect, and a reader that does not know it may skip it.

    Attributes:
        text: The remark.
        tid: The number of the trial that it is about; None for the run.
        key: The key of the command that asked for it, if one did.
    """

    kind: ClassVar[str] = "note"
    text: str
    tid: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Stopping:
    """States that a user wants this session to end in order.

    Attributes:
        reason: The reason, for users to read.
        key: The key of the command that asked for it, if one did.
    """

    kind: ClassVar[str] = "stop"
    reason: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class End:
    """States that a session ended in order.

    Attributes:
        reason: The cause: ``stop``, ``duration``, ``exhausted``, ``signal``, ``asked``, ``closed`` (by hand) or
            ``error``.
        text: The cause as a text for users.
    """

    kind: ClassVar[str] = "end"
    reason: str
    text: str = field(default="")


NEWEST = 2  # the format of new tapes; see ``codec.FORMATS``

Event = Session | Suggest | Submit | Retry | Void | Enqueue | Note | Stopping | End
EDITS = (Void, Enqueue, Note, Stopping)  # events that users cause, and not the run itself
_KINDS: dict[str, type[Any]] = {
    cls.kind: cls for cls in (Session, Suggest, Submit, Retry, Void, Enqueue, Note, Stopping, End)
}
_FIELDS = {cls: tuple(f.name for f in fields(cls)) for cls in _KINDS.values()}
_CHECKS = {kind: check(kind) for kind in _KINDS}
_OMITTED_IF_NONE = frozenset({"memo", "of", "heard", "queued", "key", "tid"})


@dataclass(frozen=True, slots=True)
class Record:
    """Holds an event together with its place on the tape.

    Attributes:
        n: The number of the record on the tape: 1, 2, ...
        t: The time of writing, in seconds since 1970. It is the start of the session by the wall clock plus the seconds
            since then by a clock that is never set.
        event: The event; None for a kind that this version does not know and may skip.
    """

    n: int
    t: float
    event: Event | None

    def copy(self) -> Record:
        """Returns an equal record that shares no data with this one."""
        if self.event is None:
            return self
        parts = {name: copied(getattr(self.event, name)) for name in _FIELDS[type(self.event)]}
        return Record(self.n, self.t, type(self.event)(**parts))


def event_to_data(event: Event) -> dict[str, Any]:
    """Returns ``{kind: {fields}}`` without the optional fields that are None.

    If the suggestion has a shape, it is stored as ``shape`` beside the kind, where older readers skip it.
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


def event_from_data(kind: str, body: Any, shape: Shape | None = None, *, strict: bool = False) -> Event | None:
    """Returns the event of a kind, without unknown fields; None if this version does not know the kind.

    Args:
        kind: The name of the kind.
        body: The fields, which the event keeps.
        shape: The shape of its suggestion, if it has one.
        strict: Whether to refuse unknown fields, so that nothing of a user's input is dropped silently.

    Raises:
        TapeFormat: The fields are not those of the kind, or have values that the schema of the tape does not allow.
    """
    cls = _KINDS.get(kind)
    if cls is None:
        return None
    fault = _CHECKS[kind](body)
    if fault is not None:
        raise TapeFormat(f"a {kind!r} record has other values than the schema of the tape allows: {fault}")
    if cls is Session:
        return _session(body)
    if shape is not None:
        body = _with_shape(kind, body, shape)
    try:
        event: Event = cls(**body)
    except TypeError as error:  # The body has fields that this version does not know.
        if strict:
            raise TapeFormat(f"a {kind!r} record has other fields than {', '.join(_FIELDS[cls])}: {error}") from None
        event = cls(**{key: body[key] for key in _FIELDS[cls] if key in body})
    return event


def _session(info: dict[str, Any]) -> Session:
    if info.get("format", 1) > NEWEST:
        raise TapeFormat(f"a newer runlib went on with this tape, in format {info['format']}; use that")
    return Session(info)


def _with_shape(kind: str, body: Any, shape: Any) -> Any:
    try:
        return {**body, "suggestion": reshaped(body["suggestion"], shape)}
    except (LookupError, TypeError, ValueError) as error:
        raise TapeFormat(f"a {kind!r} record has another shape than this format: {error}") from error
