"""Reading: what is whole comes back, what is torn is set apart, what is corrupt is refused, nothing is guessed."""

from __future__ import annotations

import io
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from runlib.engine import disk
from runlib.errors import NotARun, TapeCorrupt, TapeError, TapeFormat
from runlib.tape import codec
from runlib.tape.events import Record, Session, Suggest
from runlib.tape.reader import Tail, TapeReader
from runlib.tape.tape import Tape
from runlib.tape.writer import Sync
from tests.tape.tape_tools import METADATA, line_ends, make_tape, read_all, reopen, some_events, write_tape

COUNT = 8
BOTH: list[Sync] = ["always", "never"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tape.son"


class InMemory(TapeReader):
    """Reads bytes as if they stood in a file."""

    def __init__(self, path: Path, data: bytes) -> None:
        self.data = data
        super().__init__(path)

    def _open(self) -> BinaryIO:
        return io.BytesIO(self.data)


class UnsyncedDisk(disk.Disk):
    """A disk that is quick, because nothing is forced down to it."""

    def sync(self, fd: int) -> None:
        pass

    def sync_folder(self, path: Path, at: int | None = None) -> None:
        pass


@pytest.fixture
def _quick() -> Iterator[None]:
    with disk.use(UnsyncedDisk()):
        yield


def put(path: Path, data: bytes) -> None:
    """Make a new file: some file systems sync one that is written over."""
    for old in path.parent.glob(f"{path.name}*"):
        old.unlink()
    path.write_bytes(data)


def judge(path: Path, data: bytes) -> tuple[list[Record], Tail | TapeError | None]:
    """The records that can be read of these bytes, and what is said of the rest."""
    records: list[Record] = []
    try:
        reader = InMemory(path, data)
        for record in reader:
            records.append(record)
    except TapeError as error:
        return records, error
    return records, reader.tail


# -- whole tapes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("sync", BOTH)
def test_what_was_appended_is_read(path: Path, sync: Sync) -> None:
    events = some_events(12)
    write_tape(path, events, sync=sync)
    records, reader = read_all(path)
    assert [record.event for record in records] == events
    assert [record.n for record in records] == list(range(1, 13))
    assert reader.tail is None
    assert reader.metadata == METADATA
    assert reader.position.n == 12
    assert reader.position.offset == path.stat().st_size


def test_a_tape_without_records_is_whole(path: Path) -> None:
    write_tape(path, [])
    records, reader = read_all(path)
    assert (records, reader.tail, reader.position.n) == ([], None, 0)


def test_reading_goes_on_from_a_position(path: Path) -> None:
    writer = make_tape(path, some_events(4))
    _, reader = read_all(path)
    added = [writer.append(event) for event in some_events(9)[4:]]
    writer.commit()
    again = TapeReader(path, reader.position)
    assert list(again) == added
    assert (again.position.n, again.position.h) == (writer.position.n, writer.position.h)
    assert again.tail is None
    writer.close()


def test_a_reader_at_its_end_sees_what_was_added(path: Path) -> None:
    writer = make_tape(path, some_events(3))
    reader = TapeReader(path)
    assert len(list(reader)) == 3
    added = writer.append(some_events(4)[3])
    assert list(reader) == [added]
    writer.close()


def test_the_highest_note_is_known_at_the_end(path: Path) -> None:
    writer = make_tape(path, some_events(4))
    for event in some_events(7)[4:]:
        writer.append(event)
    assert read_all(path)[1].position.durable == 4
    writer.close()


def test_reading_changes_nothing(path: Path) -> None:
    data = write_tape(path, some_events(5)) + b'{"sugg'
    path.write_bytes(data)
    before = os.stat(path)
    read_all(path)
    after = os.stat(path)
    assert path.read_bytes() == data
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)
    assert [item.name for item in path.parent.iterdir()] == ["tape.son"]


def test_a_tape_is_read_anew_each_time(path: Path) -> None:
    writer = make_tape(path, some_events(3))
    tape = Tape(path)
    assert [record.event for record in tape] == some_events(3)
    writer.append(some_events(4)[3])
    assert len(tape) == 4
    assert [record.n for record in tape] == [1, 2, 3, 4]
    assert tape.metadata == METADATA
    assert repr(tape) == f"Tape({str(path)!r})"
    writer.close()


# -- cut off at the end ---------------------------------------------------------------------------


@pytest.mark.parametrize("sync", BOTH)
def test_cut_at_every_byte_the_records_before_the_cut_are_read(path: Path, sync: Sync) -> None:
    events = some_events(12)
    data = write_tape(path, events, sync=sync)
    ends = line_ends(data)
    for cut in range(ends[0] + 5, len(data)):
        records, verdict = judge(path, data[:cut])
        whole = sum(end <= cut for end in ends[1:])
        assert [record.event for record in records] == events[:whole], cut
        behind = data[:cut][(ends[whole] if whole else ends[0]) :]
        if behind in (b"\n===\n", b"\n---\n"):
            assert verdict is None
        elif b"\n---\n".startswith(behind):
            assert verdict == Tail(cut, b"", b"\n---\n"[len(behind) :])
        else:
            assert verdict == Tail(ends[whole] + 5, behind[5:])


def test_cut_in_the_metadata_it_is_no_tape(path: Path) -> None:
    data = write_tape(path, some_events(2))
    for cut in range(line_ends(data)[0] + 5):
        records, verdict = judge(path, data[:cut])
        assert records == []
        assert isinstance(verdict, TapeFormat | TapeCorrupt), cut


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("sync", BOTH)
def test_cut_at_every_byte_the_tape_goes_on_and_the_tail_is_kept(path: Path, sync: Sync) -> None:
    events = some_events(6)
    data = write_tape(path, events, sync=sync)
    ends = line_ends(data)
    for cut in range(ends[0] + 5, len(data)):
        aside = path.with_name("tape.son.torn-1")
        put(path, data[:cut])
        writer, moved = reopen(path, sync=sync)
        writer.append(Suggest(100, {"x": cut}))
        writer.close()
        whole = sum(end <= cut for end in ends[1:])
        records, reader = read_all(path)
        assert [record.event for record in records] == [*events[:whole], Suggest(100, {"x": cut})]
        assert reader.tail is None
        assert path.read_bytes().startswith(data[: ends[whole]] + (b"\n---\n" if whole else b"\n===\n"))
        torn = data[ends[whole] + 5 : cut]
        assert moved == (aside if torn else None)
        assert (aside.read_bytes() if torn else b"") == torn
        assert aside.exists() == bool(torn)


# -- damaged somewhere ----------------------------------------------------------------------------


def flips(data: bytes) -> list[tuple[int, bytes]]:
    return [
        (at, data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :]) for at in range(len(data)) for bit in range(8)
    ]


@pytest.mark.parametrize("sync", BOTH)
def test_every_flipped_bit_is_noticed(path: Path, sync: Sync) -> None:
    data = write_tape(path, some_events(COUNT), sync=sync)
    whole, _ = read_all(path)
    ends = line_ends(data)
    for at, damaged in flips(data):
        records, verdict = judge(path, damaged)
        assert verdict is not None, at
        number = sum(end + 5 <= at for end in ends)  # of the record that is hit, its terminator included
        assert records == whole[: len(records)], at
        hit_terminator = at >= ends[number]
        assert len(records) == max(0, number - (not hit_terminator)), at
        if number == 0:
            assert isinstance(verdict, TapeFormat | TapeCorrupt), at
        elif number <= COUNT - 2 or (sync == "never" and not (number == COUNT and hit_terminator)):
            assert isinstance(verdict, TapeCorrupt), at
            assert verdict.n == number + hit_terminator
            assert verdict.offset == (ends[number] if hit_terminator else ends[number - 1] + 5)
        if isinstance(verdict, Tail):
            assert damaged[verdict.keep :] == verdict.torn
        assert isinstance(verdict, Tail) or number < COUNT or (sync == "never" and not hit_terminator), at


@pytest.mark.usefixtures("_quick")
def test_a_flipped_bit_that_looks_torn_can_be_mended(path: Path) -> None:
    data = write_tape(path, some_events(COUNT))
    start = line_ends(data)[COUNT - 1]
    for at, damaged in flips(data)[8 * start :: 3]:
        put(path, damaged)
        before, _ = read_all(path)
        writer, aside = reopen(path)
        writer.append(Suggest(100, 1))
        writer.close()
        assert aside is not None
        assert damaged.endswith(aside.read_bytes())
        records, reader = read_all(path)
        assert records[:-1] == before, at
        assert reader.tail is None


def blocks(data: bytes) -> tuple[bytes, list[bytes]]:
    head, _, rest = data.partition(b"===\n")
    return head + b"===\n", [block + b"---\n" for block in rest.split(b"---\n")[:-1]]


@pytest.mark.parametrize("sync", BOTH)
def test_swapped_doubled_and_deleted_records_are_noticed(path: Path, sync: Sync) -> None:
    head, records = blocks(write_tape(path, some_events(COUNT), sync=sync))
    whole, _ = read_all(path)
    for i in range(COUNT):
        changed = {
            "doubled": [*records[: i + 1], *records[i:]],
            "deleted": [*records[:i], *records[i + 1 :]],
            "swapped": [*records[:i], *records[i : i + 2][::-1], *records[i + 2 :]],
            "replaced": [*records[:i], records[0] if i else records[1], *records[i + 1 :]],
            "moved to the end": [*records[:i], *records[i + 1 :], records[i]],
        }
        for what, parts in changed.items():
            if parts == records or parts == records[:-1]:
                continue  # nothing changed, or it is the tape as it was one record ago
            got, verdict = judge(path, head + b"".join(parts))
            assert verdict is not None, (what, i)
            assert got == whole[: len(got)], (what, i)
            if i < COUNT - 3 or sync == "never":
                assert isinstance(verdict, TapeCorrupt), (what, i)
                assert verdict.n == len(got) + 1


@pytest.mark.parametrize("sync", BOTH)
def test_records_of_another_tape_do_not_fit(path: Path, sync: Sync) -> None:
    head, records = blocks(write_tape(path, some_events(COUNT), sync=sync))
    other_path = path.with_name("other.son")
    _, others = blocks(write_tape(other_path, [Session({"host": "b"}), *some_events(COUNT)[1:]], sync=sync))
    got, verdict = judge(path, head + b"".join([*records[:3], *others[3:]]))
    assert len(got) == 3
    assert isinstance(verdict, TapeCorrupt)


@pytest.mark.parametrize("terminator", [b"===\n", b"--\n", b"----\n", b"--- \n", b"\n", b"---\r\n"])
def test_a_terminator_that_was_changed_in_the_middle_is_corrupt(path: Path, terminator: bytes) -> None:
    head, records = blocks(write_tape(path, some_events(COUNT)))
    records[2] = records[2][:-4] + terminator
    got, verdict = judge(path, head + b"".join(records))
    assert len(got) == 3  # the record itself is whole
    assert isinstance(verdict, TapeCorrupt)
    assert verdict.n == 4


GARBAGE = [
    b"\0" * 100,
    b"\0" * 50 + b"\n" + b"\0" * 50,
    b"\n",
    b"---\n",
    b"\n---\n",
    b"garbage\n---\n",
    bytes(range(256)),
    bytes(reversed(range(256))),
    b'{"suggest": {"tid": 9\n---\n',
    b"===\n",
]


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_behind_the_last_durable_record_is_torn(path: Path, garbage: bytes) -> None:
    data = write_tape(path, some_events(COUNT))
    records, verdict = judge(path, data + garbage)
    assert len(records) == COUNT
    assert verdict == Tail(len(data), garbage)
    put(path, data + garbage)
    writer, aside = reopen(path)
    writer.close()
    assert aside is not None
    assert aside.read_bytes() == garbage
    assert path.read_bytes() == data


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_over_what_was_not_synced_is_torn(path: Path, garbage: bytes) -> None:
    writer = make_tape(path, some_events(4))
    for event in some_events(7)[4:]:
        writer.append(event)
    writer._sync = "never"  # the power fails before the commit
    writer.close()
    data = path.read_bytes()
    end = line_ends(data)[5] + 5
    records, verdict = judge(path, data[:end] + garbage + data[end + 40 :])
    assert len(records) == 5
    assert verdict == Tail(end, garbage + data[end + 40 :])


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_over_what_was_synced_is_corrupt(path: Path, garbage: bytes) -> None:
    data = write_tape(path, some_events(COUNT))
    end = line_ends(data)[3] + 5
    records, verdict = judge(path, data[:end] + garbage + data[end + 40 :])
    assert len(records) == 3
    assert isinstance(verdict, TapeCorrupt)
    assert (verdict.n, verdict.offset, verdict.path) == (4, end, path)


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("sync", ["never", "interval"])
def test_garbage_is_corrupt_where_nothing_is_noted(path: Path, garbage: bytes, sync: Sync) -> None:
    data = write_tape(path, some_events(COUNT), sync=sync)
    records, verdict = judge(path, data + garbage)
    assert len(records) == COUNT
    assert isinstance(verdict, TapeCorrupt)


def test_an_intact_record_behind_an_inserted_one_says_that_nothing_is_promised(path: Path) -> None:
    head, records = blocks(write_tape(path, some_events(1), sync="never"))
    _, others = blocks(write_tape(path.with_name("other.son"), [Session({"host": "b"}), Session({})]))
    for inserted in (b"garbage\n---\n", others[1]):
        _, verdict = judge(path, head + inserted + b"".join(records))
        assert isinstance(verdict, TapeCorrupt)


def test_the_highest_note_counts_wherever_it_stands(path: Path) -> None:
    chained(path, [{**SUGGEST, "n": n, "d": d} for n, d in ((1, 3), (2, 0))])
    data = path.read_bytes()
    assert isinstance(judge(path, data + b"garbage\n")[1], TapeCorrupt)  # the third was durable
    chained(path, [{**SUGGEST, "n": n, "d": d} for n, d in ((1, 2), (2, 0))])
    data = path.read_bytes()
    assert judge(path, data + b"garbage\n")[1] == Tail(len(data), b"garbage\n")


def test_the_last_writer_decides_what_is_promised(path: Path) -> None:
    write_tape(path, some_events(3), sync="always")
    writer, _ = reopen(path, sync="never")
    writer.append(Session({}))
    writer.close()
    _, verdict = judge(path, path.read_bytes() + b"garbage\n---\n")
    assert isinstance(verdict, TapeCorrupt)
    writer, _ = reopen(path, sync="always")
    writer.append(Session({}))
    writer.close()
    _, verdict = judge(path, path.read_bytes() + b"garbage\n---\n")
    assert isinstance(verdict, Tail)


def test_the_error_says_number_offset_expectation_and_what_can_be_done(path: Path) -> None:
    data = write_tape(path, some_events(COUNT))
    at = line_ends(data)[2] + 5
    _, verdict = judge(path, data[: at + 10] + b"X" + data[at + 11 :])
    text = str(verdict)
    assert f"{path} is damaged at record 3, byte {at}: expected record 3" in text
    assert "checked out" in text


def test_what_lies_before_the_damage_can_be_read(path: Path) -> None:
    data = write_tape(path, some_events(COUNT))
    at = line_ends(data)[5] + 8
    path.write_bytes(data[:at] + b"X" + data[at + 1 :])
    reader = iter(TapeReader(path))
    assert [next(reader).n for _ in range(5)] == [1, 2, 3, 4, 5]
    with pytest.raises(TapeCorrupt):
        next(reader)


# -- other formats and other files ----------------------------------------------------------------


def chained(path: Path, objects: list[dict[str, object]], metadata: dict[str, object] | None = None) -> None:
    line, h = codec.encode_line(metadata or METADATA, b"")
    data = line + b"\n===\n"
    for item in objects:
        line, h = codec.encode_line(item, h)
        data += line + b"\n---\n"
    path.write_bytes(data)


SUGGEST = {"suggest": {"tid": 0, "suggestion": 1}, "n": 2, "t": 1.0}


def test_an_unknown_kind_is_skipped_if_it_says_so(path: Path) -> None:
    chained(path, [{"future": {"a": 1}, "n": 1, "t": 1.0, "skip": True}, SUGGEST])
    records, reader = read_all(path)
    assert [(record.n, record.event) for record in records] == [(1, None), (2, Suggest(0, 1))]
    assert reader.tail is None


def test_an_unknown_kind_is_refused_with_its_place(path: Path) -> None:
    chained(path, [{"future": {"a": 1}, "n": 1, "t": 1.0}, SUGGEST])
    with pytest.raises(TapeFormat, match=r"record 1 at byte \d+: .*'future'") as caught:
        read_all(path)
    assert (caught.value.n, caught.value.path) == (1, path)
    assert str(path) in str(caught.value)


def test_a_last_record_of_an_unknown_kind_is_refused_without_its_terminator_too(path: Path) -> None:
    chained(path, [{"future": {"a": 1}, "n": 1, "t": 1.0}])
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(TapeFormat, match="'future'"):
        read_all(path)


def test_an_unknown_kind_behind_damage_does_not_hide_the_damage(path: Path) -> None:
    chained(path, [{**SUGGEST, "n": n, "d": n - 1} for n in (1, 2)] + [{"future": 1, "n": 3, "t": 1.0, "d": 2}])
    path.write_bytes(path.read_bytes().replace(b'"n":1', b'"n":7', 1))
    with pytest.raises(TapeCorrupt):
        read_all(path)


def test_a_record_with_another_number_is_corrupt(path: Path) -> None:
    chained(path, [{**SUGGEST, "n": 2}])
    with pytest.raises(TapeCorrupt, match="numbered 1"):
        read_all(path)


@pytest.mark.parametrize("n", [0, -1, "1", 1.0, True, 2**60])
def test_a_record_with_no_number_is_refused_with_its_place(path: Path, n: object) -> None:
    chained(path, [{**SUGGEST, "n": n}])
    with pytest.raises(TapeFormat, match=r"record 1 at byte \d+: .*: n: must be a whole number from 1"):
        read_all(path)


@pytest.mark.parametrize("name", ["runlib-tape/0", "runlib-tape/3", "runlib-tape/10", "other", 1, None])
def test_another_format_is_refused(path: Path, name: object) -> None:
    chained(path, [], {**METADATA, "format": name})
    with pytest.raises(TapeFormat, match=re.escape(f"{path} is of the format {name!r}")) as caught:
        TapeReader(path)
    assert "newer runlib" in str(caught.value)


FOREIGN = {
    "empty": b"",
    "a line feed": b"\n",
    "text": b"hello\n===\nworld\n---\n",
    "yaml tape of cmlkit": b"run:\n  search:\n    hyperopt: {}\n===\nsuggest:\n  tid: 0\n---\n",
    "json without a format": b'{"run": {}}\n===\n',
    "a list": b'["format"]\n===\n',
    "a number": b"7\n",
    "null": b"null\n",
    "text as json": b'"runlib-tape/1"\n',
    "binary": bytes(range(256)) * 10,
    "a pickle": b"\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94.",
    "deep nesting": b"[" * 100_000,
}


@pytest.mark.parametrize("data", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_file_is_no_tape(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(TapeFormat) as caught:
        TapeReader(path)
    assert str(caught.value).startswith(f"{path} is no tape of runlib")
    assert "\n" not in str(caught.value)
    assert caught.value.path == path


def test_a_folder_or_nothing_is_no_run(path: Path) -> None:
    with pytest.raises(NotARun, match=re.escape(f"{path.parent} is no run: there is no tape.son in it")):
        TapeReader(path)
    path.mkdir()
    with pytest.raises(NotARun, match=re.escape(f"{path} cannot be read: Is a directory")):
        TapeReader(path)


# -- while another process writes -----------------------------------------------------------------


class HalfVisible(TapeReader):
    """At the first look, an append is visible in part only."""

    def __init__(self, path: Path, visible: int) -> None:
        super().__init__(path)
        self.visible: int | None = visible

    def _open(self) -> BinaryIO:
        visible, self.visible = getattr(self, "visible", None), None
        return super()._open() if visible is None else io.BytesIO(self.path.read_bytes()[:visible])


@pytest.mark.parametrize("sync", BOTH)
def test_an_append_that_is_visible_in_part_is_looked_at_once_more(path: Path, sync: Sync) -> None:
    data = write_tape(path, some_events(6), sync=sync)
    for visible in range(line_ends(data)[3], line_ends(data)[4] + 5):
        reader = HalfVisible(path, visible)
        assert [record.event for record in reader] == some_events(6)
        assert reader.tail is None


@pytest.mark.parametrize("sync", BOTH)
def test_reading_while_single_bytes_are_written(path: Path, sync: Sync) -> None:
    events = some_events(20)
    data = write_tape(path, events, sync=sync)
    start = line_ends(data)[0] + 5
    path.write_bytes(data[:start])
    done = threading.Event()

    def drip() -> None:
        with path.open("ab", buffering=0) as file:
            for at in range(start, len(data)):
                file.write(data[at : at + 1])
        done.set()

    thread = threading.Thread(target=drip)
    thread.start()
    looks = 0
    while not done.is_set() or looks < 2:
        got = [record.event for record in TapeReader(path)]
        assert got == events[: len(got)]
        looks += 1
    thread.join()
    assert [record.event for record in TapeReader(path)] == events
