"""Every intact line of a tape, also behind damaged places: read only, from its bytes.

A line is intact if it continues the chain after the hash of a line that stands before it, or that claims the
number before its own; a damaged line may still hold its hash, so that the chain goes on behind it. Whether a line was
moved, doubled, or written by a second writer at once shows in its number and in the hash that it continues.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from runlib.audit.mending import mend, with_hash
from runlib.engine.canonical import load
from runlib.tape import codec

__all__ = ["Damage", "Line", "Scan", "read_head", "scan"]

SEPARATOR = b"\n---\n"
_END = re.compile(rb', "h": "[0-9a-f]{16}"\}')  # unescaped, it stands nowhere but at the end of a line
_START = re.compile(rb'\{"[a-z_]+":')
_NUMBER = re.compile(rb'"n":(\d{1,18}),"t":')
_PATIENCE = 200  # lines, of which each may take a second
_STARTS = 8  # places in a damaged text where a line may begin


@dataclass(frozen=True, slots=True)
class Line:
    """An intact record.

    Attributes:
        n: Its number.
        offset: Where it begins.
        text: Its bytes, as they were written.
        before: The hash that it continues.
        h: Its own.
        mended: Whether damaged bytes of it were put right.
    """

    n: int
    offset: int
    text: bytes
    before: bytes
    h: bytes
    mended: bool = False

    @property
    def data(self) -> dict[str, Any]:
        """What it says."""
        data: dict[str, Any] = load(self.text)
        return data


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no intact record.

    Attributes:
        n: The number that the record has or must have had; None for a terminator.
        offset: Where they begin.
        end: Where they end.
    """

    n: int | None
    offset: int
    end: int


@dataclass
class Scan:
    """What stands on a tape.

    Attributes:
        metadata: The first line; None if it cannot be read at all.
        head: Whether it was ``intact``, ``mended``, only ``readable`` (and perhaps changed), or ``lost``.
        lines: One chain of records, in the order of their numbers.
        strays: Intact records beside that chain: a second writer was at work.
        doubled: Records that stand there once more.
        damages: Everything else, in the order of the file.
    """

    metadata: dict[str, Any] | None
    head: str
    lines: list[Line] = field(default_factory=list)
    strays: list[Line] = field(default_factory=list)
    doubled: list[Line] = field(default_factory=list)
    damages: list[Damage] = field(default_factory=list)

    @functools.cached_property
    def numbers(self) -> frozenset[int]:
        """Those of all lines."""
        return frozenset(line.n for line in self.lines)

    @property
    def reached(self) -> int:
        """How many records the tape had, as far as it shows by itself."""
        if not self.lines:
            return sum(damage.n is not None for damage in self.damages)
        last = self.lines[-1]
        return last.n + sum(damage.n is not None and damage.offset > last.offset for damage in self.damages)

    @functools.cached_property
    def missing(self) -> list[int]:
        """Numbers below the highest of which there is no trace, not even a damaged one."""
        seen = self.numbers | {damage.n for damage in self.damages}
        last = max(self.numbers, default=0)
        return [n for n in range(1, last) if n not in seen]

    def describe(self, damage: Damage) -> str:
        """What became of these bytes, for people."""
        where = f"bytes {damage.offset} to {damage.end}"
        if damage.n is None:
            return f"{where}: no record, but what stands between two is damaged"
        if damage.n in self.numbers:
            return f"{where}: a damaged copy of record {damage.n}, which stands there whole as well"
        if damage.n - 1 in self.missing:
            return f"{where}: record {damage.n} may be whole, but nothing shows it, as the one before it is missing"
        return f"{where}: record {damage.n} is damaged"

    @property
    def moved(self) -> list[Line]:
        """Records that stand behind one with a higher number."""
        found, highest = [], -1
        for line in self.lines:
            if line.offset < highest:
                found.append(line)
            highest = max(highest, line.offset)
        return found


def read_head(data: bytes, mending: bool = True) -> tuple[Scan, bytes | None, int]:
    """The metadata of a tape, the hash that its first record continues, and where that may begin."""
    match = _END.search(data)
    end = data.find(b"\n===\n")
    if match is not None and (end < 0 or match.end() <= end):
        end = match.end()
    if end < 0:
        return Scan(None, "lost"), None, 0
    line = data[:end]
    h, state = codec.intact(line, b""), "intact"
    if h is None and mending and (mended := mend(line, [b""])) is not None:
        line, state = mended[0], "mended"
        h = line[-18:-2]
    try:
        metadata = load(line)
    except ValueError:
        metadata = None
    start = end + 5 if data[end : end + 5] == b"\n===\n" else end
    if not isinstance(metadata, dict):
        return Scan(None, "lost"), codec.stored_hash(line), start
    return Scan(metadata, state if h else "readable"), h or codec.stored_hash(line), start


def scan(data: bytes, *, mending: bool = True) -> Scan:
    """Find all intact records.

    Args:
        data: The whole tape.
        mending: Put single damaged bytes right.
    """
    found, head, start = read_head(data, mending)
    scanner = _Scanner(found, head, mending)
    for offset, text in _texts(data, start):
        scanner.take(offset, text)
    scanner.finish()
    return found


def _texts(data: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """Offset and bytes of what may be a line: between terminators, and where one is damaged between ends of lines."""
    if start == 0:
        return
    for part in data[start:].split(SEPARATOR):
        at = 0
        for match in _END.finditer(part):
            yield start + at, part[at : match.end()]
            at = match.end()
        if at < len(part):
            yield start + at, part[at:]
        start += len(part) + len(SEPARATOR)


class _Scanner:
    def __init__(self, found: Scan, head: bytes | None, mending: bool) -> None:
        self._found = found
        self._patience = _PATIENCE if mending else 0
        self._hashes: dict[int, set[bytes]] = {0: {head} if head else set()}
        self._above: tuple[int, bytes | None] = (0, head)  # number and hash of the text above
        self._doubtful: tuple[Damage, list[tuple[bytes, bytes]]] | None = None
        self._lines: dict[int, list[Line]] = {}
        self._refused: list[tuple[Damage, bytes]] = []

    def take(self, offset: int, text: bytes) -> None:
        """Judge the next text."""
        if len(text) < 8 and not _START.search(text):
            if text.rstrip(b"\n"):
                self._found.damages.append(Damage(None, offset, offset + len(text)))
            return
        line = self._intact(offset, text) or self._after_doubtful(offset, text)
        if line is None and self._patience:
            self._patience -= 1
            line = self._mended(offset, text)
        self._doubtful = None
        if line is not None:
            self._accept(line, garbage=offset)
        else:
            self._refuse(offset, text)

    def _intact(self, offset: int, text: bytes) -> Line | None:
        for at, variant in _variants(text):
            for before in self._before(variant):
                h = codec.intact(variant, before)
                if h is not None:
                    return self._line(offset + at, variant, before)
        return None

    def _after_doubtful(self, offset: int, text: bytes) -> Line | None:
        """A line that shows that the end alone of the one above is damaged: it continues the hash of its body."""
        damage, guesses = self._doubtful or (None, [])
        for right, before in guesses:
            line = right[-18:-2]
            if damage is not None and codec.intact(text, line) is not None:
                self._found.damages.remove(damage)
                self._accept(self._line(damage.offset, right, before, mended=True), garbage=damage.offset)
                return self._line(offset, text, line)
        return None

    def _mended(self, offset: int, text: bytes) -> Line | None:
        mended = mend(text, self._before(text))
        return None if mended is None else self._line(offset, *mended, mended=True)

    def _line(self, offset: int, text: bytes, before: bytes, mended: bool = False) -> Line | None:
        n = _claimed(text)
        return None if n is None else Line(n, offset, text, before, text[-18:-2], mended)

    def _before(self, text: bytes) -> list[bytes]:
        n, above = _claimed(text), self._above[1]
        claimed = self._hashes.get(n - 1, set()) if n is not None else set()
        return list(dict.fromkeys([*([above] if above else []), *sorted(claimed)]))

    def _accept(self, line: Line | None, garbage: int) -> None:
        if line is None:
            return
        if line.offset > garbage:
            self._found.damages.append(Damage(None, garbage, line.offset))
        self._above = (line.n, line.h)
        self._hashes.setdefault(line.n, set()).add(line.h)
        same = self._lines.setdefault(line.n, [])
        if any(other.text == line.text for other in same):
            self._found.doubled.append(line)
        else:
            same.append(line)

    def _refuse(self, offset: int, text: bytes) -> None:
        n = _claimed(text)
        n = self._above[0] + 1 if n is None else n
        damage = Damage(n, offset, offset + len(text))
        self._found.damages.append(damage)
        self._refused.append((damage, text))
        self._doubtful = damage, [(right, b) for b in self._before(text) if _claimed(right := with_hash(text, b))]
        h = codec.stored_hash(text)
        if h is not None:
            self._hashes.setdefault(n, set()).add(h)
        self._above = (n, h)

    def finish(self) -> None:
        """Part the one chain from what stands beside it: it is the one that goes the furthest."""
        for damage, text in self._refused:  # those that stand before the record that they continue
            line = self._intact(damage.offset, text)
            if line is not None and damage in self._found.damages:
                self._found.damages.remove(damage)
                self._accept(line, garbage=damage.offset)
        wanted: bytes | None = None
        for n in sorted(self._lines, reverse=True):
            # Where nothing was written after either, or that is lost, the first in the file is taken.
            same = sorted(self._lines[n], key=lambda line: line.h != wanted)
            chosen = same[0]
            wanted = chosen.before
            self._found.lines.append(chosen)
            self._found.strays += same[1:]
        self._found.lines.reverse()
        self._found.strays.sort(key=lambda line: (line.n, line.offset))


def _variants(text: bytes) -> Iterator[tuple[int, bytes]]:
    """The text, and the text without what may stand before the line in it: a damaged terminator, a torn line."""
    yield 0, text
    for place, match in enumerate(_START.finditer(text)):
        if place == _STARTS:
            return
        if match.start():
            yield match.start(), text[match.start() :]


def _claimed(text: bytes) -> int | None:
    """The number that a line, perhaps a damaged one, claims to have."""
    found = _NUMBER.findall(text)
    return int(found[-1]) if found else None
