"""Writing: the file only grows, by single writes of whole records, and a disk that refuses ends it in order."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runlib.engine import disk
from runlib.errors import TapeError
from runlib.tape.codec import durable_note
from runlib.tape.events import End, Event, Session, Submit, Suggest
from runlib.tape.reader import Position, Tail, TapeReader
from runlib.tape.writer import Sync, TapeWriter, create_tape
from tests.tape.tape_tools import METADATA, line_ends, make_tape, read_all, reopen, some_events, ticking, write_tape


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tape.son"


class WatchedDisk(disk.Disk):
    """Notes what is done, and fails when it is told to.

    Attributes:
        calls: The names of the operations, in order.
        fail: Operation -> an error that it raises from now on.
        room: Bytes that writes may still take; None for no limit.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fail: dict[str, int] = {}
        self.room: int | None = None

    def _note(self, name: str) -> None:
        self.calls.append(name)
        if name in self.fail:
            raise OSError(self.fail[name], os.strerror(self.fail[name]))

    def write(self, fd: int, data: bytes | memoryview) -> int:
        self._note("write")
        if self.room is None:
            return super().write(fd, data)
        if self.room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = super().write(fd, data[: self.room])
        self.room -= taken
        return taken

    def sync(self, fd: int) -> None:
        self._note("sync")
        super().sync(fd)

    def truncate(self, fd: int, size: int) -> None:
        self._note("truncate")
        super().truncate(fd, size)

    def sync_folder(self, path: Path, at: int | None = None) -> None:
        self._note("sync_folder")
        super().sync_folder(path, at)


class Clock:
    """A clock that is set."""

    def __init__(self, now: float = 100.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_a_record_is_what_a_reader_of_its_line_sees(path: Path) -> None:
    writer = make_tape(path, [])
    record = writer.append(Suggest(0, {"x": (1, 2), "y": {"$a": 2**70}}, memo=("c",)))
    assert record.event == Suggest(0, {"x": (1, 2), "y": {"$a": 2**70}}, memo=["c"])
    assert read_all(path)[0] == [record]
    writer.close()


def test_a_record_is_not_tied_to_what_it_was_made_of(path: Path) -> None:
    writer = make_tape(path, [])
    suggestion = {"x": [1]}
    record = writer.append(Suggest(0, suggestion))
    suggestion["x"].append(2)
    assert record.event == Suggest(0, {"x": [1]})
    writer.close()


def test_what_is_no_data_is_refused_and_leaves_no_trace(path: Path) -> None:
    writer = make_tape(path, some_events(2))
    before = path.read_bytes()
    bad: list[Any] = [{(1, 2): 3}, object(), {"f": lambda: None}]
    for suggestion in bad:
        with pytest.raises(TypeError):
            writer.append(Suggest(5, suggestion))
    assert path.read_bytes() == before
    writer.append(Suggest(5, 1))
    writer.close()
    assert [record.n for record in read_all(path)[0]] == [1, 2, 3]


def test_an_append_is_one_write_of_a_whole_record(path: Path) -> None:
    with disk.use(WatchedDisk()) as watched:
        assert isinstance(watched, WatchedDisk)
        writer = make_tape(path, [])
        watched.calls.clear()
        for event in some_events(5):
            writer.append(event)
        assert watched.calls == ["write"] * 5
        writer.close()


def test_the_clock_is_noted_and_the_numbers_count(path: Path) -> None:
    clock = Clock(1_700_000_000.123456789)
    writer = TapeWriter(path, create_tape(path, METADATA), clock=clock)
    first = writer.append(Session({}))
    clock.now -= 3600  # a clock that is set back changes no order
    second = writer.append(Session({}))
    writer.close()
    assert (first.n, first.t) == (1, 1_700_000_000.123457)
    assert (second.n, second.t) == (2, 1_699_996_400.123457)
    assert read_all(path)[0] == [first, second]


def test_a_tape_is_not_made_over_another(path: Path) -> None:
    create_tape(path, METADATA)
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        create_tape(path, METADATA)
    assert path.read_bytes() == before


def test_position_is_where_a_reader_goes_on(path: Path) -> None:
    writer = make_tape(path, some_events(3))
    position = writer.position
    assert position == Position(3, path.stat().st_size, position.h, 3, True)
    record = writer.append(Suggest(9, 1))
    assert list(TapeReader(path, position)) == [record]
    writer.close()


# -- durability -----------------------------------------------------------------------------------


def notes(path: Path) -> list[int | None]:
    """The ``d`` of each record."""
    data = path.read_bytes().partition(b"===\n")[2]
    return [durable_note(line) for line in data.split(b"\n---\n")[:-1]]


def test_always_notes_the_last_number_that_was_synced(path: Path) -> None:
    writer = make_tape(path, some_events(2), commit=False)
    writer.commit()
    for event in some_events(5)[2:]:
        writer.append(event)
    writer.commit()
    writer.append(End("stop"))
    writer.close()
    assert notes(path) == [0, 0, 2, 2, 2, 5]


def test_a_later_writer_notes_nothing_that_it_did_not_sync(path: Path) -> None:
    write_tape(path, some_events(3))
    writer, _ = reopen(path)
    writer.append(Session({}))
    writer.commit()
    writer.append(Session({}))
    writer.close()
    assert notes(path) == [0, 1, 2, 0, 4]


@pytest.mark.parametrize("sync", ["interval", "never"])
def test_the_others_note_nothing(path: Path, sync: Sync) -> None:
    write_tape(path, some_events(4), sync=sync)
    assert notes(path) == [None] * 4


def count_syncs(path: Path, sync: Sync, turns: list[float]) -> list[int]:
    """How many syncs there were after an append and a commit at each of these times, and at the end."""
    clock = Clock(turns[0])
    with disk.use(WatchedDisk()) as watched:
        assert isinstance(watched, WatchedDisk)
        writer = TapeWriter(path, create_tape(path, METADATA), sync=sync, clock=clock)
        watched.calls.clear()
        counts = []
        for clock.now in turns:
            writer.append(Session({}))
            writer.commit()
            writer.commit()
            counts.append(watched.calls.count("sync"))
        writer.close()
        return [*counts, watched.calls.count("sync")]


def test_always_syncs_once_per_commit_of_something(path: Path) -> None:
    assert count_syncs(path, "always", [0.0, 0.0, 5.0]) == [1, 2, 3, 3]


def test_interval_syncs_at_most_once_a_second_and_at_the_end(path: Path) -> None:
    assert count_syncs(path, "interval", [0.0, 0.5, 1.0, 1.9, 2.0, 2.5]) == [0, 0, 1, 1, 2, 2, 3]


def test_interval_survives_a_clock_that_is_set_back(path: Path) -> None:
    assert count_syncs(path, "interval", [100.0, 99.0, 99.5]) == [0, 1, 1, 2]


def test_interval_syncs_at_the_end_of_a_clock_that_starts_at_zero(path: Path) -> None:
    assert count_syncs(path, "interval", [0.0]) == [0, 1]


def test_never_never_syncs(path: Path) -> None:
    assert count_syncs(path, "never", [0.0, 5.0]) == [0, 0, 0]


def test_a_commit_of_nothing_does_not_touch_the_disk(path: Path) -> None:
    writer = make_tape(path, some_events(2))
    with disk.use(WatchedDisk()) as watched:
        writer.commit()
        writer.close()
        assert isinstance(watched, WatchedDisk)
        assert watched.calls == []


# -- a disk that refuses --------------------------------------------------------------------------


def test_short_writes_are_completed(path: Path) -> None:
    class ShortDisk(WatchedDisk):
        def write(self, fd: int, data: bytes | memoryview) -> int:
            return super().write(fd, data[:7])

    events = some_events(4)
    with disk.use(ShortDisk()) as short:
        write_tape(path, events)
        assert isinstance(short, ShortDisk)
        assert short.calls.count("write") > 20
    assert [record.event for record in read_all(path)[0]] == events


@pytest.mark.parametrize("room", range(0, 120, 7))
def test_a_full_disk_leaves_a_tape_that_can_be_mended(path: Path, room: int) -> None:
    events = some_events(4)
    with disk.use(WatchedDisk()) as full:
        assert isinstance(full, WatchedDisk)
        writer = make_tape(path, events)
        good = path.read_bytes()
        full.room = room
        with pytest.raises(TapeError, match=r"No space left on device.*record 5.*restore") as caught:
            writer.append(Submit(7, {"ok": {"loss": 1.0, "text": "x" * 200}}))
        assert str(path) in str(caught.value)
        writes = full.calls.count("write")
        with pytest.raises(TapeError, match="no longer written: No space left"):
            writer.append(Suggest(8, 1))
        with pytest.raises(TapeError, match="no longer written"):
            writer.commit()
        assert full.calls.count("write") == writes
        assert writer.position.n == 4
        full.room = None
        writer.close()
    torn = path.read_bytes()[len(good) :]
    assert len(torn) == room
    again, aside = reopen(path)
    assert (aside is not None) == bool(torn)
    assert aside is None or aside.read_bytes() == torn
    again.append(Suggest(8, 1))
    again.close()
    assert [record.event for record in read_all(path)[0]] == [*events, Suggest(8, 1)]


def test_a_sync_that_failed_is_not_tried_again(path: Path) -> None:
    with disk.use(WatchedDisk()) as failing:
        assert isinstance(failing, WatchedDisk)
        writer = make_tape(path, some_events(2))
        writer.append(Suggest(7, 1))
        failing.calls.clear()
        failing.fail["sync"] = errno.EIO
        with pytest.raises(TapeError, match="Input/output error: record 3 may not be durable: suggestion 7") as caught:
            writer.commit()
        assert str(path) in str(caught.value)
        del failing.fail["sync"]  # the next one would say yes, whatever became of the data
        actions: list[Callable[[], object]] = [writer.commit, lambda: writer.append(Suggest(8, 1)), writer.commit]
        for action in actions:
            with pytest.raises(TapeError, match="no longer written: Input/output error"):
                action()
        writer.close()
        assert failing.calls == ["sync"]
    assert writer.position.durable == 2


def test_a_sync_that_fails_at_the_end_is_said_and_the_file_is_given_back(path: Path) -> None:
    with disk.use(WatchedDisk()) as failing:
        assert isinstance(failing, WatchedDisk)
        writer = make_tape(path, [])
        writer.append(Session({}))
        failing.fail["sync"] = errno.EIO
        with pytest.raises(TapeError, match="may not be durable"):
            writer.close()
        with pytest.raises(ValueError, match="closed"):
            _ = writer._file.fd


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([Session({})], "record 3 may not be durable: the session;"),
        (
            [Submit(12, {"ok": {"loss": 1.0}}), Suggest(13, 1), Suggest(14, 1)],
            "records 3 to 5 may not be durable: the result of trial 12, suggestions 13 and 14;",
        ),
        (
            [*(Submit(tid, {"ok": {"loss": 1.0}}) for tid in (3, 1, 2)), End("stop")],
            "records 3 to 6 may not be durable: the results of trials 3, 1 and 2, the end;",
        ),
        (
            [Suggest(tid, 1) for tid in range(30)],
            "records 3 to 32 may not be durable: suggestions 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, "
            "16, 17, 18, 19 and 10 more;",
        ),
    ],
)
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("sync", ["always", "interval"])
def test_a_failed_sync_says_what_may_not_be_durable(
    path: Path, events: list[Event], said: str, code: int, sync: Sync
) -> None:
    clock = Clock()
    with disk.use(WatchedDisk()) as failing:
        assert isinstance(failing, WatchedDisk)
        writer = TapeWriter(path, create_tape(path, METADATA), sync=sync, clock=clock)
        writer.full = lambda error: pytest.fail("a sync is not tried again, whatever its error")
        for event in some_events(2):
            writer.append(event)
        clock.now += 10
        writer.commit()
        for event in events:
            writer.append(event)
        failing.calls.clear()
        failing.fail["sync"] = code
        clock.now += 10
        with pytest.raises(TapeError, match=re.escape(f"{path}: {os.strerror(code)}: {said} restore")):
            writer.commit()
        writer.close()
        assert failing.calls == ["sync"]


def test_what_an_earlier_writer_made_durable_is_not_doubted(path: Path) -> None:
    write_tape(path, some_events(3))
    writer, _ = reopen(path)
    writer.append(Session({}))
    with disk.use(WatchedDisk()) as failing:
        assert isinstance(failing, WatchedDisk)
        failing.fail["sync"] = errno.EIO
        with pytest.raises(TapeError, match="error: record 4 may not be durable: the session;"):
            writer.commit()
        writer.close()


# -- a disk that is full for a while --------------------------------------------------------------

LATER: list[Event] = [Submit(7, {"ok": {"loss": 1.0, "text": "x" * 40}}), Suggest(8, {"x": 0.5}), End("stop")]


def written_with_room(path: Path, room: int | None, full: Callable[[WatchedDisk], None] | None = None) -> bytes:
    """The tape of some events, the disk having room for so many bytes of the later ones; a clock that stands still."""
    with disk.use(WatchedDisk()) as filling:
        assert isinstance(filling, WatchedDisk)
        writer = TapeWriter(path, create_tape(path, METADATA), clock=Clock())
        writer.append(Session({}))
        writer.full = None if full is None else lambda error: full(filling)
        filling.room = room
        try:
            for event in LATER:
                writer.append(event)
            writer.commit()
        finally:
            writer.close()
        return path.read_bytes()


def test_a_tape_written_on_a_disk_that_fills_at_any_byte_is_the_same_to_the_byte(path: Path, tmp_path: Path) -> None:
    whole = written_with_room(path, None)
    head = whole.index(b'{"submit"')

    def make_room(filling: WatchedDisk) -> None:
        asked.append(filling.room)
        filling.room = None if len(asked) == 3 else len(asked)  # none, one byte, two, all

    for room in range(len(whole) - head):
        asked: list[int | None] = []
        other = tmp_path / f"{room}.son"
        assert written_with_room(other, room, make_room) == whole
        assert asked == [0, 0, 0] or room > len(whole) - head - 4


def test_who_waits_for_room_decides_how_long(path: Path) -> None:
    class Enough(BaseException):
        """Not an error that could be handled."""

    def give_up(filling: WatchedDisk) -> None:
        asked.append(filling.calls.count("write"))
        if len(asked) == 50:
            raise Enough

    asked: list[int] = []
    with pytest.raises(Enough):
        written_with_room(path, 170, give_up)
    assert len(asked) == 50
    torn = read_all(path)[1].tail
    assert torn is not None
    assert torn.torn.startswith(b'{"suggest"')


@pytest.mark.parametrize("ends_with", [KeyboardInterrupt, TapeError("enough"), OSError(errno.EIO, "as well")])
def test_nothing_follows_half_a_record_however_the_waiting_ends(path: Path, ends_with: Any) -> None:
    def give_up(error: OSError) -> None:
        raise ends_with

    with disk.use(WatchedDisk()) as filling:
        assert isinstance(filling, WatchedDisk)
        writer = make_tape(path, some_events(2))
        writer.full = give_up
        filling.room = 9
        expected = KeyboardInterrupt if ends_with is KeyboardInterrupt else TapeError
        with pytest.raises(expected):
            writer.append(Suggest(8, 1))
        filling.room = None
        with pytest.raises(TapeError, match=r"no longer written: .*, record 3.* could not be appended"):
            writer.append(Suggest(8, 1))
        writer.close()
    records, reader = read_all(path)
    assert len(records) == 2
    assert reader.tail is not None
    assert reader.tail.torn == b'{"suggest'


def test_only_a_full_disk_is_waited_for(path: Path) -> None:
    with disk.use(WatchedDisk()) as failing:
        assert isinstance(failing, WatchedDisk)
        writer = make_tape(path, some_events(2))
        writer.full = lambda error: pytest.fail("this disk is not full")
        failing.fail["write"] = errno.EIO
        with pytest.raises(TapeError, match="Input/output error: record 3, suggestion 8, could not be appended"):
            writer.append(Suggest(8, 1))
        writer.close()


# -- mending --------------------------------------------------------------------------------------


def test_tails_are_kept_one_beside_the_other(path: Path) -> None:
    write_tape(path, some_events(3))
    for k in (1, 2, 3):
        torn = b'{"suggest' + b"x" * k
        with path.open("ab") as file:
            file.write(torn)
        writer, aside = reopen(path)
        writer.close()
        assert aside == path.with_name(f"tape.son.torn-{k}")
        assert aside.read_bytes() == torn
    assert len(read_all(path)[0]) == 3


def test_a_tail_is_durable_elsewhere_before_it_is_cut_off(path: Path) -> None:
    data = write_tape(path, some_events(3))
    path.write_bytes(data + b"{torn")
    with disk.use(WatchedDisk()) as watched:
        assert isinstance(watched, WatchedDisk)
        writer, _ = reopen(path)
        assert watched.calls == ["write", "sync", "sync_folder", "truncate", "sync"]
        writer.close()


@pytest.mark.parametrize("operation", ["write", "sync", "sync_folder", "truncate"])
def test_a_disk_that_refuses_the_mending_loses_nothing(path: Path, operation: str) -> None:
    data = write_tape(path, some_events(3))
    path.write_bytes(data + b"{torn")
    tail = read_all(path)[1].tail
    assert tail == Tail(len(data), b"{torn")
    with disk.use(WatchedDisk()) as failing:
        assert isinstance(failing, WatchedDisk)
        writer = TapeWriter(path, read_all(path)[1].position)
        failing.fail[operation] = errno.ENOSPC
        with pytest.raises(TapeError, match=re.escape(f"{path}: No space left on device")):
            writer.mend(tail)
        with pytest.raises(TapeError, match="no longer written"):
            writer.append(Session({}))
        writer.close()
    kept = [item.read_bytes() for item in path.parent.glob("*.torn-*")]
    assert path.read_bytes() == data + b"{torn" or (kept == [b"{torn"] and path.read_bytes() == data)
    if operation in ("write", "sync"):
        assert kept == []
    again, _ = reopen(path)
    again.close()
    assert path.read_bytes() == data
    assert b"{torn" in [item.read_bytes() for item in path.parent.glob("*.torn-*")]


def test_a_terminator_that_is_missing_is_written(path: Path) -> None:
    data = write_tape(path, some_events(3))
    for cut in range(line_ends(data)[3], len(data)):
        path.write_bytes(data[:cut])
        writer, aside = reopen(path)
        assert aside is None
        assert path.read_bytes() == data
        record = writer.append(Session({}))
        writer.close()
        assert read_all(path)[0][-1] == record


@pytest.mark.parametrize(("sync", "notes"), [("always", [0, 1, 1]), ("interval", [None] * 3), ("never", [None] * 3)])
def test_a_tape_may_begin_with_events_that_are_durable_with_it(
    tmp_path: Path, sync: Sync, notes: list[int | None]
) -> None:
    path = tmp_path / "tape.son"
    session = Session({"host": "h"})
    position = create_tape(path, METADATA, session, sync=sync, clock=ticking())
    assert (position.n, position.offset) == (1, path.stat().st_size)
    writer = TapeWriter(path, position, sync=sync, clock=ticking())
    writer.append(Suggest(0, {"x": 1}))
    writer.append(Suggest(1, {"x": 2}))
    writer.close()
    records, reader = read_all(path)
    assert [record.event for record in records] == [session, Suggest(0, {"x": 1}), Suggest(1, {"x": 2})]
    lines = [line for line in path.read_bytes().splitlines()[2:] if line != b"---"]
    assert [durable_note(line) for line in lines] == notes
    assert reader.tail is None
