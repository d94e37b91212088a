"""A tape of 60 records, cut at every byte and with every bit flipped: what is whole is read, what is not is noticed.

Every case is read from the record before the place of the damage, which is where a reader that comes along the chain
would be; a sample is read from the beginning.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from runlib import Hyperopt, Run, StopMax
from runlib.engine import disk
from runlib.errors import TapeCorrupt, TapeError, TapeFormat
from runlib.tape.events import Record, Suggest
from runlib.tape.reader import Position, Tail, TapeReader
from runlib.tape.writer import TapeWriter
from tests.fakes import DirectPool, story
from tests.tape.tape_tools import line_ends, ticking

RECORDS, TRIALS = 60, 29
SPACE = {"x": ["hp_uniform", "x", -1, 1]}
ADDED = Suggest(1000, {"x": 0.5})


class InMemory(TapeReader):
    """Reads bytes as if they stood in a file."""

    def __init__(self, data: bytes, start: Position | None = None) -> None:
        self.data = data
        super().__init__(Path("tape.son"), start)

    def _open(self) -> BinaryIO:
        return io.BytesIO(self.data)


class UnsyncedDisk(disk.Disk):
    """A disk that is quick, because nothing is forced down to it."""

    def sync(self, fd: int) -> None:
        pass

    def sync_folder(self, path: Path, at: int | None = None) -> None:
        pass


def parabola(x: float) -> float:
    return (x - 0.3) ** 2


class Whole:
    """The tape of a real run, what is in it, and where its reader stood before each record."""

    def __init__(self, folder: Path) -> None:
        run = Run(Hyperopt(SPACE, n_startup_jobs=5), parabola, StopMax(TRIALS), pool=DirectPool()).prepare(folder)
        self.folder = run.run().work_directory
        self.story = story(run.state)
        data = (self.folder / "tape.son").read_bytes()
        reader = InMemory(data)
        self.places, self.records = [reader.position], []
        for record in reader:
            self.records.append(record)
            self.places.append(reader.position)
        del self.records[RECORDS:], self.places[RECORDS + 1 :]
        assert len(self.records) == RECORDS
        self.data = data[: self.places[-1].offset]
        self.lines = line_ends(self.data)

    def before(self, at: int) -> int:
        """The number of records that end, with their terminators, at or before a byte."""
        return max(0, sum(place.offset <= at for place in self.places) - 1)


@pytest.fixture(scope="module")
def whole() -> Iterator[Whole]:
    with in_memory() as folder:
        yield Whole(folder)


def in_memory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)


def judge(data: bytes, start: Position | None) -> tuple[list[Record], Tail | TapeError | None]:
    """The records from ``start`` on that can be read of these bytes, and what is said of the rest."""
    records: list[Record] = []
    try:
        reader = InMemory(data, start)
        for record in reader:
            records.append(record)
    except TapeError as error:
        return records, error
    return records, reader.tail


@pytest.mark.parametrize("from_the_start", [False, True])
def test_cut_at_every_byte_it_is_the_exact_prefix(whole: Whole, from_the_start: bool) -> None:
    first = whole.places[0].offset
    for cut in range(first, len(whole.data), 41 if from_the_start else 1):
        i = whole.before(cut)
        records, verdict = judge(whole.data[:cut], None if from_the_start else whole.places[i])
        lines = sum(end <= cut for end in whole.lines[1:])
        assert records == whole.records[0 if from_the_start else i : lines], cut
        start, end = whole.places[i].offset, whole.lines[lines]
        if cut == start:
            assert verdict is None
        elif lines > i:
            assert verdict == Tail(cut, b"", b"\n---\n"[cut - end :])
        else:
            assert verdict == Tail(start, whole.data[start:cut])


def test_cut_in_the_metadata_it_is_no_tape(whole: Whole) -> None:
    for cut in range(whole.places[0].offset):
        assert isinstance(judge(whole.data[:cut], None)[1], TapeFormat | TapeCorrupt), cut


def test_cut_at_every_byte_it_is_appended_to_and_reopened(whole: Whole) -> None:
    with in_memory() as folder, disk.use(UnsyncedDisk()):
        path, aside = Path(folder) / "tape.son", Path(folder) / "tape.son.torn-1"
        for cut in range(whole.places[0].offset, len(whole.data)):
            aside.unlink(missing_ok=True)
            path.write_bytes(whole.data[:cut])
            i = whole.before(cut)
            reader = TapeReader(path, whole.places[i])
            kept = i + len(list(reader))
            writer = TapeWriter(path, reader.position, clock=ticking())
            if reader.tail is not None:
                writer.mend(reader.tail)
            writer.append(ADDED)
            writer.close()
            again = TapeReader(path, whole.places[kept])
            assert [record.event for record in again] == [ADDED], cut
            assert (again.tail, again.position.n) == (None, kept + 1)
            start = whole.places[kept].offset
            assert path.read_bytes()[:start] == whole.data[:start]
            assert (aside.read_bytes() if aside.exists() else b"") == whole.data[start:cut]


def test_cut_anywhere_a_whole_run_goes_on_as_if_it_had_not_been(whole: Whole, tmp_path: Path) -> None:
    first, last = whole.places[0].offset, len(whole.data)
    cuts = [first + k * (last - first) // 11 for k in range(12)]
    for cut in cuts:
        folder = tmp_path / f"run_cut-{cut}"
        folder.mkdir()
        (folder / "tape.son").write_bytes(whole.data[:cut])
        run = Run.restore(folder, evaluator=parabola, pool=DirectPool())
        kept = sum(end <= cut for end in whole.lines[1:])
        assert run.state.n == kept + 1  # and its session
        run.run()
        assert story(run.state) == whole.story, cut
        assert story(Run.checkout(folder).state) == whole.story
        shutil.rmtree(folder)


def flip(whole: Whole, at: int, bit: int) -> str:
    """Flip one bit and hold what is said of it to the rules; returns which of them it was."""
    data = whole.data
    damaged = data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :]
    i = whole.before(at)
    in_head = at < whole.places[0].offset
    records, verdict = judge(damaged, None if in_head else whole.places[i])
    assert verdict is not None, (at, bit)
    expected: list[Any] = []
    if not in_head and at >= whole.lines[i + 1]:
        expected = [whole.records[i]]  # its terminator was hit
    assert records == expected, (at, bit)
    if isinstance(verdict, Tail):
        assert not in_head
        assert damaged[verdict.keep :] == verdict.torn
        return "torn"
    assert isinstance(verdict, TapeFormat if in_head and isinstance(verdict, TapeFormat) else TapeCorrupt)
    assert in_head or (verdict.n, verdict.offset) == (
        i + 1 + len(expected),
        whole.lines[i + 1] if expected else whole.places[i].offset,
    )
    return "corrupt"


def flips(whole: Whole, places: range) -> Counter[str]:
    return Counter(flip(whole, at, bit) for at in places for bit in range(8))


def test_a_flipped_bit_is_noticed(whole: Whole) -> None:
    """Every bit of every 23rd byte."""
    said = flips(whole, range(0, len(whole.data), 23))
    assert said["corrupt"] > 0.9 * said.total()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_flipped_bit_is_noticed(whole: Whole) -> None:
    said = flips(whole, range(len(whole.data)))
    assert said.total() == 8 * len(whole.data)
    last_durable = whole.places[RECORDS - 3].offset
    assert said["torn"] <= 8 * (len(whole.data) - last_durable)
    print(
        f"\n{said.total():,} bits of {len(whole.data):,} bytes flipped: {said['corrupt']:,} refused as corrupt, "
        f"{said['torn']:,} set aside as torn (of the last records, which nothing says were durable), 0 unnoticed"
    )
