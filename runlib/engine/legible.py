"""Text for people, made safe to show: the one place that every door goes through.

What stands on a tape, in a config or in the name of a folder may come from anybody. A terminal obeys control
characters, and marks of direction make text read otherwise than it is written. So whatever is shown (on a terminal, in
``status.txt`` and ``log.log``, in warnings) has these spelled out: the C0 and C1 controls but line feed and tab, DEL,
the marks that turn or isolate directions, the separators of lines and paragraphs, invisible tags, and halves of
surrogate pairs.
"""

from __future__ import annotations

import contextlib
import logging
import re
import shlex
from collections.abc import Iterator

__all__ = ["ascii_json", "legible", "legible_json", "legible_line", "logger", "shell_word"]

_CODES = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and line feed, DEL, C1
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # direction
    r"\u2028\u2029\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # separators, invisible marks and tags
    r"\ud800-\udfff"  # halves of surrogate pairs: bytes of a name that are no text
)
_UNSAFE = re.compile(f"[{_CODES}]")
_BREAK = re.compile(r"[\n\t\r]+")


def legible(text: str) -> str:
    """The text, with what a terminal would obey spelled out; lines stay lines."""
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_spelled, text)


def legible_line(text: str) -> str:
    """The same on one line: breaks of a line, and tabs, are a space."""
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_spelled, _BREAK.sub(" ", text))


def _spelled(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def legible_json(text: str) -> str:
    """The same for a text of JSON, in which these stand in strings alone: it says what it said."""
    return _UNSAFE.sub(_escaped, text)


def ascii_json(text: str) -> str:
    """The same text of JSON in ASCII alone."""
    return re.sub(r"[^\x00-\x7f]", _escaped, text)


def _escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def shell_word(word: object) -> str:
    """A word for a shell: as it is if that can be shown, else spelled out in the way that bash and zsh read."""
    text = str(word)
    if legible_line(text) == text:
        return shlex.quote(text)
    data = text.encode("utf-8", "surrogateescape")
    return "$'" + "".join(chr(b) if 0x20 <= b < 0x7F and b not in b"\\'" else f"\\x{b:02x}" for b in data) + "'"


class _Legible(logging.Filter):
    """Makes what a logger says legible, before any handler, of whomever, sees it."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            text = record.getMessage()
        except Exception:  # somebody's wrong call of a logger: its handlers say so
            return True
        record.msg, record.args = legible(text), ()
        if record.exc_info and record.exc_info[0] is not None and not record.exc_text:
            record.exc_text = legible(logging.Formatter().formatException(record.exc_info))
        return True


_FILTER = _Legible()


class _Logger(logging.Logger):
    """Hands each record to all handlers, also where one of them fails: nobody's handler ends a run."""

    def handle(self, record: logging.LogRecord) -> None:
        """Call the handlers of this logger and of those above it, as ``logging`` does."""
        if self.disabled or not self.filter(record):
            return
        handlers: list[logging.Handler | None] = [*_handlers(self)] or [logging.lastResort]
        for handler in handlers:
            if handler is not None and record.levelno >= handler.level:
                # A stream that was closed fails even where logging tells of errors, and others fail as they like.
                with contextlib.suppress(Exception):
                    handler.handle(record)


def _handlers(found: logging.Logger | None) -> Iterator[logging.Handler]:
    while found is not None:
        yield from found.handlers
        found = found.parent if found.propagate else None


def logger(name: str = "runlib") -> logging.Logger:
    """A logger of this package, whose messages are legible and end no run."""
    found = logging.getLogger(name)
    found.addFilter(_FILTER)  # once, however often it is asked for
    if type(found) is logging.Logger:  # it may be older than this module
        found.__class__ = _Logger
    return found


logger()
