"""What can happen in a run. Events are frozen and hold plain data only; how they are written is the codec's business.

A ``Record`` is an event in its place on the tape. Order is ``n``, never the clock. What the fields may hold stands in
``schema.json``, and is checked when an event is made of data.
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
    """A writer opened the tape.

    Attributes:
        info: host, pid, versions, pool, observers, plugins and the like; ``program``, the file of ``__main__`` and how
            it was started; ``fingerprint``, a hash of what the evaluator does; ``globals``, what it reads of the
            script that defines it; ``evaluator``, the name by which it was found, where that is not the one in the
            config; ``changed``, the settings that differ from those of the session before (``stop``,
            ``trial_timeout``, ``caught_exceptions``, ``retries``);
            ``recovered``, what was not as a writer leaves it (a torn end, lost records), a sentence each; ``clocks``,
            when it began, by the wall and by a clock that is never set; and ``format``, where what it writes is newer
            than what the metadata say.
    """

    kind: ClassVar[str] = "session"
    info: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Suggest:
    """The search made a suggestion.

    Attributes:
        tid: The trial.
        suggestion: Plain data, which may have a shape (``runlib.engine.data.shape``).
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
        result: ``{"ok": {...}}`` or ``{"error": {...}}``, what was returned; beside it what runlib adds: ``file``,
            where a large result lies apart, ``given_loss``, ``dropped`` and the others in ``schema.json``.
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


NEWEST = 2  # the format of what is written here; see ``codec.FORMATS``

Event = Session | Suggest | Submit | Retry | Void | Enqueue | Note | Stopping | End
EDITS = (Void, Enqueue, Note, Stopping)  # what people do to a run, rather than the run itself
_KINDS: dict[str, type[Any]] = {
    cls.kind: cls for cls in (Session, Suggest, Submit, Retry, Void, Enqueue, Note, Stopping, End)
}
_FIELDS = {cls: tuple(f.name for f in fields(cls)) for cls in _KINDS.values()}
_CHECKS = {kind: check(kind) for kind in _KINDS}
_OMITTED_IF_NONE = frozenset({"memo", "of", "heard", "queued", "key", "tid"})


@dataclass(frozen=True, slots=True)
class Record:
    """An event in its place.

    Attributes:
        n: Its number on the tape: 1, 2, ...
        t: When it was written: seconds since 1970, by the wall clock when its session began and a clock that is never
            set from then on.
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


def event_from_data(kind: str, body: Any, shape: Shape | None = None, *, strict: bool = False) -> Event | None:
    """The event of a kind; None if this version does not know the kind. Fields that it does not know are left out.

    Args:
        kind: Its name.
        body: Its fields, which the event keeps.
        shape: Of its suggestion, where that has one.
        strict: Refuse fields that are not known: of what a person hands over, nothing is left out without a word.

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
    except TypeError as error:  # it has fields that this version does not know
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
