"""Finds every intact line of a tape, also behind damaged places. It only reads the bytes of the tape.

A line is intact if it continues the chain after the hash of a line that stands before it, or of one that claims the
number before its own. A damaged line may still hold its hash, so that the chain goes on behind it. The number of a line
and the hash that it continues show whether it was moved, duplicated, or written by a second writer.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from runlib.audit.mending import Mender, with_hash
from runlib.engine.data.canonical import load
from runlib.tape import codec

__all__ = ["Damage", "Line", "Scan", "missing", "read_head", "scan"]

SEPARATOR = b"\n---\n"
_END = re.compile(rb', "h": "[0-9a-f]{16}"\}')  # unescaped, this stands only at the end of a line
_START = re.compile(rb'\{"[a-z_]+":')
_NUMBER = re.compile(rb'"n":(\d{1,18}),"t":')
_STARTS = 8  # the most places in a damaged text where a line is looked for
_BEFORE = 4  # the most hashes of one record number that are tried


@dataclass(frozen=True, slots=True)
class Line:
    """Holds an intact record.

    Attributes:
        n: The number of the record.
        offset: The position at which the record begins.
        text: The bytes of the record as they were written.
        before: The hash that the record continues.
        h: The hash of the record itself.
        mended: Whether a damaged byte of the record was corrected.
    """

    n: int
    offset: int
    text: bytes
    before: bytes
    h: bytes
    mended: bool = False

    @property
    def data(self) -> dict[str, Any]:
        """Returns the content of the record."""
        data: dict[str, Any] = load(self.text)
        return data


@dataclass(frozen=True, slots=True)
class Damage:
    """Describes bytes that are no intact record.

    Attributes:
        n: The number that the record has or must have had, or None for a terminator.
        offset: The position at which the bytes begin.
        end: The position at which the bytes end.
    """

    n: int | None
    offset: int
    end: int


@dataclass
class Scan:
    """Holds everything that was found on a tape.

    Attributes:
        metadata: The content of the first line, or None if it cannot be read at all.
        head: The condition of the first line: ``intact``, ``mended``, only ``readable`` (and perhaps changed), or
            ``lost``.
        lines: The records of one chain, in the order of their numbers.
        strays: The intact records beside that chain, which a second writer wrote.
        doubled: The records that stand on the tape once more.
        damages: All other bytes, in the order of the file.
        gave_up: Whether there were more damaged lines than there was time to repair.
    """

    metadata: dict[str, Any] | None
    head: str
    lines: list[Line] = field(default_factory=list)
    strays: list[Line] = field(default_factory=list)
    doubled: list[Line] = field(default_factory=list)
    damages: list[Damage] = field(default_factory=list)
    gave_up: bool = False

    @functools.cached_property
    def numbers(self) -> frozenset[int]:
        """Returns the numbers of all lines."""
        return frozenset(line.n for line in self.lines)

    @property
    def reached(self) -> int:
        """Returns how many records the tape had, as far as the tape itself shows."""
        if not self.lines:
            return sum(damage.n is not None for damage in self.damages)
        last = self.lines[-1]
        return last.n + sum(damage.n is not None and damage.offset > last.offset for damage in self.damages)

    @functools.cached_property
    def missing(self) -> list[range]:
        """Returns the ranges of numbers below the highest that left no trace, not even a damaged record, in order."""
        last = max(self.numbers, default=0)
        seen = sorted({0, *self.numbers, *(d.n for d in self.damages if d.n is not None and d.n <= last)})
        return [range(n + 1, after) for n, after in itertools.pairwise(seen) if n + 1 < after]

    @functools.cached_property
    def _ends_of_missing(self) -> frozenset[int]:
        return frozenset(numbers[-1] for numbers in self.missing)

    def describe(self, damage: Damage) -> str:
        """Returns a text for the user that says what happened to these bytes."""
        where = f"bytes {damage.offset} to {damage.end}"
        if damage.n is None:
            return f"{where}: no record, but what stands between two is damaged"
        if damage.n in self.numbers:
            return f"{where}: a damaged copy of record {damage.n}, which stands there whole as well"
        if damage.n - 1 in self._ends_of_missing:
            return f"{where}: record {damage.n} may be whole, but nothing shows it, as the one before it is missing"
        return f"{where}: record {damage.n} is damaged"

    @property
    def moved(self) -> list[Line]:
        """Returns the records that stand before one with a lower number."""
        found, highest = [], -1
        for line in self.lines:
            if line.offset < highest:
                found.append(line)
            highest = max(highest, line.offset)
        return found


def missing(numbers: range) -> str:
    """Returns the text about records that left no trace."""
    first, last = numbers[0], numbers[-1]
    return f"record {first} is missing" if first == last else f"records {first} to {last} are missing"


def read_head(data: bytes, mender: Mender | None = None) -> tuple[Scan, bytes | None, int]:
    """Returns the metadata of a tape, the hash that its first record continues, and the position where that may begin.

    Args:
        data: The bytes of the whole tape.
        mender: The mender that corrects a damaged byte of the metadata, or None to leave them as they are.
    """
    match = _END.search(data)
    end = data.find(b"\n===\n")
    if match is not None and (end < 0 or match.end() <= end):
        end = match.end()
    if end < 0:
        return Scan(None, "lost"), None, 0
    line = data[:end]
    h, state = codec.intact(line, b""), "intact"
    if h is None and mender is not None and (mended := mender.mend(line, [b""])) is not None:
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
    """Finds all intact records.

    Args:
        data: The bytes of the whole tape.
        mending: Whether single damaged bytes are corrected.
    """
    mender = Mender() if mending else None
    found, head, start = read_head(data, mender)
    scanner = _Scanner(found, head, mender)
    for offset, text in _texts(data, start):
        scanner.take(offset, text)
    scanner.finish()
    return found


def _texts(data: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """Yields the offset and bytes of each text that may be a line.

    Texts are separated by terminators. Where a terminator is damaged, they are separated by the ends of lines.
    """
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
    def __init__(self, found: Scan, head: bytes | None, mender: Mender | None) -> None:
        self._found = found
        self._mender = mender
        self._damages: dict[int, Damage] = {}  # by the offset at which they begin
        self._hashes: dict[int, dict[bytes, None]] = {0: {head: None} if head else {}}  # the first few of each number
        self._texts: set[tuple[bytes, bytes]] = set()  # hash before and bytes of intact lines
        self._above: tuple[int, bytes | None] = (0, head)  # number and hash of the preceding text
        self._doubtful: tuple[Damage, list[tuple[bytes, bytes]]] | None = None
        self._lines: dict[int, list[Line]] = {}
        self._refused: list[tuple[Damage, bytes]] = []

    def take(self, offset: int, text: bytes) -> None:
        """Decides whether the next text is intact, can be corrected, or is damaged."""
        if len(text) < 8 and not _START.search(text):
            if text.rstrip(b"\n"):
                self._damages[offset] = Damage(None, offset, offset + len(text))
            return
        line = self._intact(offset, text) or self._after_doubtful(offset, text)
        if line is None and self._mender is not None:
            mended = self._mender.mend(text, self._before(text))
            line = None if mended is None else self._line(offset, *mended, mended=True)
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
        """Returns the line if it shows that only the end of the preceding one is damaged.

        It does so if it continues the hash that belongs to the body of the preceding line.
        """
        damage, guesses = self._doubtful or (None, [])
        for right, before in guesses:
            line = right[-18:-2]
            if damage is not None and codec.intact(text, line) is not None:
                self._damages.pop(damage.offset, None)
                self._accept(self._line(damage.offset, right, before, mended=True), garbage=damage.offset)
                return self._line(offset, text, line)
        return None

    def _line(self, offset: int, text: bytes, before: bytes, mended: bool = False) -> Line | None:
        n = _claimed(text)
        return None if n is None else Line(n, offset, text, before, text[-18:-2], mended)

    def _before(self, text: bytes) -> list[bytes]:
        n, above = _claimed(text), self._above[1]
        claimed = self._hashes.get(n - 1, {}) if n is not None else {}
        return list(dict.fromkeys([*([above] if above else []), *claimed]))

    def _note_hash(self, n: int, h: bytes) -> None:
        """Keeps the hash of a line, but only a few for each number: otherwise the work would grow with their square."""
        known = self._hashes.setdefault(n, {})
        if len(known) < _BEFORE:
            known[h] = None

    def _accept(self, line: Line | None, garbage: int) -> None:
        if line is None:
            return
        if line.offset > garbage:
            self._damages[garbage] = Damage(None, garbage, line.offset)
        self._above = (line.n, line.h)
        self._note_hash(line.n, line.h)
        if (line.before, line.text) in self._texts:
            self._found.doubled.append(line)
        else:
            self._texts.add((line.before, line.text))
            self._lines.setdefault(line.n, []).append(line)

    def _refuse(self, offset: int, text: bytes) -> None:
        n = _claimed(text)
        n = self._above[0] + 1 if n is None else n
        damage = Damage(n, offset, offset + len(text))
        self._damages[offset] = damage
        self._refused.append((damage, text))
        self._doubtful = damage, [(right, b) for b in self._before(text) if _claimed(right := with_hash(text, b))]
        h = codec.stored_hash(text)
        if h is not None:
            self._note_hash(n, h)
        self._above = (n, h)

    def finish(self) -> None:
        """Separates the chain that reaches the highest number from the lines beside it."""
        for damage, text in self._refused:  # some of these stand before the record that they continue
            line = self._intact(damage.offset, text)
            if line is not None and self._damages.get(damage.offset) is damage:
                del self._damages[damage.offset]
                self._accept(line, garbage=damage.offset)
        self._found.damages += self._damages.values()
        self._found.gave_up = self._mender is not None and self._mender.gave_up
        wanted: bytes | None = None
        for n in sorted(self._lines, reverse=True):
            # If no line continues any of them, or that line is lost, the first one in the file is taken.
            same = sorted(self._lines[n], key=lambda line: line.h != wanted)
            chosen = same[0]
            wanted = chosen.before
            self._found.lines.append(chosen)
            self._found.strays += same[1:]
        self._found.lines.reverse()
        self._found.strays.sort(key=lambda line: (line.n, line.offset))


def _variants(text: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields the text, and the text without what may precede the line: a damaged terminator or a torn line."""
    yield 0, text
    for place, match in enumerate(_START.finditer(text)):
        if place == _STARTS:
            return
        if match.start():
            yield match.start(), text[match.start() :]


def _claimed(text: bytes) -> int | None:
    """Returns the number that a line, which may be damaged, claims to have, or None if it has none."""
    found = _NUMBER.findall(text)
    return int(found[-1]) if found else None
