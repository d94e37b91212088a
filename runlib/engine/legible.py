"""Makes text safe to show to the user. All text that the package shows goes through this module.

The text on a tape, in a config or in the name of a folder may come from anyone. A terminal obeys control characters,
and direction marks change the order in which text is displayed. All text that is shown (on a terminal, in
``status.txt`` and ``log.log``, in warnings) therefore has such characters replaced by escape sequences: the C0 and C1
controls except line feed and tab, DEL, the marks that change or isolate directions, the separators of lines and
paragraphs, invisible tags, and halves of surrogate pairs.
"""

from __future__ import annotations

import contextlib
import logging
import re
import shlex
from collections.abc import Iterator

__all__ = ["ascii_json", "legible", "legible_json", "legible_line", "logger", "shell_word"]

_CODES = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 except tab and line feed, DEL, C1
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # direction marks
    r"\u2028\u2029\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # separators, invisible marks and tags
    r"\ud800-\udfff"  # halves of surrogate pairs, which stand for bytes of a file name that are not text
)
_UNSAFE = re.compile(f"[{_CODES}]")
_BREAK = re.compile(r"[\n\t\r]+")


def legible(text: str) -> str:
    """Returns the text with unsafe characters as escape sequences. Line breaks stay."""
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_spelled, text)


def legible_line(text: str) -> str:
    """Returns the text on one line with unsafe characters as escape sequences. Line breaks and tabs become a space."""
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_spelled, _BREAK.sub(" ", text))


def _spelled(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def legible_json(text: str) -> str:
    """Escapes unsafe characters in a JSON text, which can only stand in its strings. The JSON keeps its meaning."""
    return _UNSAFE.sub(_escaped, text)


def ascii_json(text: str) -> str:
    """Returns the same JSON text in ASCII alone."""
    return re.sub(r"[^\x00-\x7f]", _escaped, text)


def _escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def shell_word(word: object) -> str:
    """Quotes a word for a shell. If the word cannot be shown, it is escaped in a form that bash and zsh read."""
    text = str(word)
    if legible_line(text) == text:
        return shlex.quote(text)
    data = text.encode("utf-8", "surrogateescape")
    return "$'" + "".join(chr(b) if 0x20 <= b < 0x7F and b not in b"\\'" else f"\\x{b:02x}" for b in data) + "'"


class _Legible(logging.Filter):
    """Makes the messages of a logger legible before any handler gets them."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            text = record.getMessage()
        except Exception:  # The call of the logger was wrong. The handlers will report that.
            return True
        record.msg, record.args = legible(text), ()
        if record.exc_info and record.exc_info[0] is not None and not record.exc_text:
            record.exc_text = legible(logging.Formatter().formatException(record.exc_info))
        return True


_FILTER = _Legible()


class _Logger(logging.Logger):
    """Passes each record to all handlers, even if one of them fails, so that no handler can end a run."""

    def handle(self, record: logging.LogRecord) -> None:
        """Calls the handlers of this logger and of its parents, as ``logging`` does."""
        if self.disabled or not self.filter(record):
            return
        handlers: list[logging.Handler | None] = [*_handlers(self)] or [logging.lastResort]
        for handler in handlers:
            if handler is not None and record.levelno >= handler.level:
                # A closed stream fails even where ``logging`` reports errors, and a user's handler may raise any error.
                with contextlib.suppress(Exception):
                    handler.handle(record)


def _handlers(found: logging.Logger | None) -> Iterator[logging.Handler]:
    while found is not None:
        yield from found.handlers
        found = found.parent if found.propagate else None


def logger(name: str = "runlib") -> logging.Logger:
    """Returns a logger of this package. Its messages are legible, and its handlers cannot end a run."""
    found = logging.getLogger(name)
    found.addFilter(_FILTER)  # ``logging`` adds the filter only once.
    if type(found) is logging.Logger:  # The logger may have been made before this module was imported.
        found.__class__ = _Logger
    return found


logger()
