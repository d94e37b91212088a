"""A full disk pauses a run, which goes on as if nothing had been; one that fails ends it and says what is lost."""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runlib import Observer, Run, StopMax
from runlib.cli.ending import exit_code
from runlib.engine import disk
from runlib.errors import TapeError
from runlib.pool.base import Finished, Lost, Task
from runlib.run.folder.folder import RunFolder
from runlib.run.folder.large import LIMIT, load_large, set_apart
from runlib.run.loop import ending, pause
from runlib.run.loop.observers import QUIET, ObserverList
from runlib.state.state import State
from runlib.tape.events import End, Record, Suggest
from runlib.tape.reader import TapeReader
from runlib.tape.writer import TapeWriter
from tests.fakes import DirectPool, SpySearch, quadratic, story


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pause, "PATIENCE", 0.0)


class FillingDisk(disk.Disk):
    """A disk that has room for so many more bytes of some files, refuses a number of times, and has room again.

    Attributes:
        names: Parts of the names of the files that are meant.
        room: Bytes that are still taken of them; None for no limit.
        left: How often it refuses then; None for ever.
        refused: How often it did.
    """

    def __init__(self, *names: str) -> None:
        self.names = names
        self.room: int | None = None
        self.left: int | None = None
        self.refused = 0
        self._meant: set[int] = set()

    def open(self, path: Path, flags: int, at: int | None = None) -> int:
        fd = super().open(path, flags, at)
        self._meant.discard(fd)
        if any(name in path.name for name in self.names):
            self._meant.add(fd)
        return fd

    def write(self, fd: int, data: bytes | memoryview) -> int:
        if fd not in self._meant or self.room is None or self.left == 0:
            return super().write(fd, data)
        if self.room == 0:
            self.refused += 1
            if self.left is not None:
                self.left -= 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = super().write(fd, data[: self.room])
        self.room -= taken
        return taken

    def sync(self, fd: int) -> None:
        """Nothing to wait for in a test."""

    def sync_folder(self, path: Path, at: int | None = None) -> None:
        """Likewise."""


def make(tmp_path: Path, *, pool: DirectPool | None = None, search: Any = None, **more: Any) -> Run:
    chosen = SpySearch() if search is None else search
    return Run(chosen, quadratic, StopMax(8), pool=pool or DirectPool(), **more).prepare(tmp_path)


@contextlib.contextmanager
def filling_up(
    tmp_path: Path, room: int, refusals: int | None = 3, *, names: tuple[str, ...] = ("tape.son",), **how: Any
) -> Iterator[tuple[Run, FillingDisk]]:
    """A run that is prepared, on a disk that has room for so many bytes from here on."""
    filling = FillingDisk(*names)
    with disk.use(filling):
        run = make(tmp_path, **how)
        filling.room, filling.left = room, refusals
        yield run, filling


def record_at(folder: Path, n: int) -> int:
    """Where record ``n`` begins on the tape."""
    data = (folder / "tape.son").read_bytes()
    at = data.index(b"===\n") + 4
    for _ in range(n - 1):
        at = data.index(b"\n---\n", at) + 5
    return at


def steps(run: Run) -> list[Any]:
    """What a state knows, but for times and numbers of processes."""
    return [*story(run.state), run.state.ended, run.state.n]


class TestFullTape:
    @pytest.mark.slow
    @pytest.mark.parametrize("workers", [1, 3])
    def test_the_tape_is_that_of_a_free_disk_wherever_it_fills(
        self, tmp_path: Path, workers: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        context, quiet = {"max_workers": workers}, {"observers": []}
        whole = make(tmp_path, context=context, **quiet).run()
        expected = steps(whole)
        begin, end = record_at(whole.work_directory, 5), record_at(whole.work_directory, 9)
        head = record_at(whole.work_directory, 2)
        for room in range(begin - head, end - head):
            caplog.clear()
            with filling_up(tmp_path, room, context=context, **quiet) as (run, filling):
                run.run()
            assert filling.refused == 3
            assert [record.getMessage().partition(": ")[2][:25] for record in caplog.records] == [
                "No space left on device: ",
                "there is room again: the ",
            ]
            assert steps(run) == expected
            assert steps(Run.checkout(run.work_directory)) == expected

    @pytest.mark.parametrize("repeats", [None, 3])
    def test_each_record_may_be_the_one(self, tmp_path: Path, repeats: int | None) -> None:
        whole = make(tmp_path, search=SpySearch(points=repeats)).run()
        for n in range(3, whole.state.n + 1):
            room = record_at(whole.work_directory, n) + 30 - record_at(whole.work_directory, 2)
            with filling_up(tmp_path, room, n, search=SpySearch(points=repeats)) as (run, filling):
                run.run()
            assert filling.refused == n
            assert steps(run) == steps(whole)

    def test_what_arrives_meanwhile_comes_after_the_turn_that_was_interrupted(self, tmp_path: Path) -> None:
        def order(waiting: list[Task]) -> list[Task]:
            turns.append([task.tid for task in waiting])
            return waiting[::-1][: 2 if len(turns) == 1 else 1]

        turns: list[list[int]] = []
        context = {"max_workers": 4}
        whole = make(tmp_path, context=context).run()
        room = record_at(whole.work_directory, 6) + 10 - record_at(whole.work_directory, 2)  # in the first result
        with filling_up(tmp_path, room, 2, pool=DirectPool(order), context=context) as (run, filling):
            run.run()
        assert filling.refused == 2
        results = [event.tid for event in story(run.state) if event.kind == "submit"]
        assert results[:2] == [3, 2]  # of the first turn
        assert results[2:4] == [1, 0]  # of the pause, which asked twice
        assert turns[:3] == [[0, 1, 2, 3], [0, 1], [0]]

    def test_each_pause_is_said_in_the_log_once(self, tmp_path: Path) -> None:
        with filling_up(tmp_path, 900, 40) as (run, _):
            run.run()
        log = (run.work_directory / "log.log").read_text()
        assert log.count("the run pauses") == log.count("there is room again") == 1
        assert log.index("the run pauses") < log.index("there is room again") < log.index("ended: Counted")

    def test_every_observer_hears_all_of_it(self, tmp_path: Path) -> None:
        class Listener(Observer):
            kind = "observe_listening"

            def observe(self, event: Record, state: State) -> None:
                heard.append(event.n)

        heard: list[int] = []
        with filling_up(tmp_path, 900, observers=[Listener()]) as (run, _):
            run.run()
        assert heard == list(range(1, run.state.n + 1))


class SignallingPool(DirectPool):
    """Somebody ends the run at the third look during a pause."""

    kind = "pool_signalling"
    signals: tuple[int, ...] = (signal.SIGINT,)
    looks = 0

    def collect(self, timeout: float) -> list[Finished | Lost]:
        found = super().collect(timeout)
        if found:
            return found
        self.looks += 1
        for signum in self.signals if self.looks == 3 else ():
            signal.raise_signal(signum)
        return found


class TestEndWhileFull:
    def stop_at(self, tmp_path: Path, room: int, pool: DirectPool, **more: Any) -> tuple[Run, TapeError]:
        with (
            filling_up(tmp_path, room, None, pool=pool, **more) as (run, _),
            pytest.raises(TapeError) as caught,
        ):
            run.run()
        return run, caught.value

    def test_a_signal_ends_it_and_says_what_is_not_on_the_tape(self, tmp_path: Path) -> None:
        context = {"max_workers": 4}
        whole = make(tmp_path, context=context).run()
        room = record_at(whole.work_directory, 6) + 10 - record_at(whole.work_directory, 2)  # in the first result
        run, error = self.stop_at(tmp_path, room, SignallingPool(), context=context)
        tape = run.work_directory / "tape.son"
        assert str(error) == (
            f"{tape}: No space left on device, and SIGINT does not wait for room: the results of trials 0, 1, 2 and 3 "
            "could not be written, and a restore evaluates them again; make room, then restore the run"
        )
        assert exit_code(error) == 1
        assert list(run.state.trials) == []
        restored = Run.restore(run.work_directory, evaluator=quadratic, pool=DirectPool()).run()
        assert story(restored.state) == story(whole.state)

    def test_where_all_is_on_the_tape_that_is_said(self, tmp_path: Path) -> None:
        run, error = self.stop_at(tmp_path, 60, SignallingPool())
        assert ", and SIGINT does not wait for room: all that finished is on the tape; make room" in str(error)
        assert story(Run.restore(run.work_directory, evaluator=quadratic, pool=DirectPool()).run().state)

    def test_one_result_is_one(self, tmp_path: Path) -> None:
        whole = make(tmp_path).run()
        room = record_at(whole.work_directory, 3) + 10 - record_at(whole.work_directory, 2)
        _, error = self.stop_at(tmp_path, room, SignallingPool())
        assert "room: the result of trial 0 could not be written, and a restore evaluates it again;" in str(error)

    def test_a_second_sigint_does_not_wait_and_leaves_a_tape_to_go_on_from(self, tmp_path: Path) -> None:
        pool = SignallingPool()
        pool.signals = (signal.SIGINT, signal.SIGINT)
        whole = make(tmp_path).run()
        with filling_up(tmp_path, 700, None, pool=pool) as (run, filling), pytest.raises(KeyboardInterrupt):
            run.run()
        assert filling.refused == 3  # nothing more was tried once it was over
        restored = Run.restore(run.work_directory, evaluator=quadratic, pool=DirectPool()).run()
        assert story(restored.state) == story(whole.state)

    def test_the_end_of_the_duration_ends_it(self, tmp_path: Path) -> None:
        said = "and the end of its duration does not wait for room: the result of trial"
        with filling_up(tmp_path, 700, None) as (run, _), pytest.raises(TapeError, match=said):
            run.run(duration=0.2 / 60)

    def test_a_run_that_fails_does_not_wait_to_note_its_end(self, tmp_path: Path) -> None:
        class FailingSearch(SpySearch):
            kind = "search_failing"

            def suggest(self) -> tuple[int, Any]:
                if self.suggested == 4:
                    filling.room = 20
                    raise ZeroDivisionError("of its own")
                return super().suggest()

        with (
            filling_up(tmp_path, 10**6, None, search=FailingSearch()) as (run, filling),
            pytest.raises(ZeroDivisionError),
        ):
            run.run()
        assert filling.refused == 1
        log = (run.work_directory / "log.log").read_text()
        assert "the end could not be noted: " in log


class TestLargeResults:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> RunFolder:
        made, lock, _ = RunFolder.create(tmp_path, "x", {"run": {}, "format": "runlib-tape/1"})
        lock.release()
        return made

    @pytest.fixture
    def tape(self, folder: RunFolder) -> Iterator[TapeWriter]:
        writer = TapeWriter(folder.tape, TapeReader(folder.tape).position)
        self.waited: list[OSError] = []
        writer.full = self.waited.append
        yield writer
        writer.close()

    def test_the_whole_file_is_tried_again(self, folder: RunFolder, tape: TapeWriter) -> None:
        result = {"ok": {"loss": 0.25, "text": "x" * LIMIT}}
        for room in (0, 1, LIMIT // 2):
            self.waited.clear()
            filling = FillingDisk("result.json")
            filling.room, filling.left = room, 2
            with disk.use(filling):
                short = set_apart(result, 3, folder, tape)
            assert len(self.waited) == 2
            assert load_large(short["file"], folder) == result
            assert [path.name for path in folder.trial(3).iterdir()] == ["result.json"]

    def test_a_folder_that_finds_no_room_is_tried_again(self, folder: RunFolder, tape: TapeWriter) -> None:
        class NoFolders(disk.Disk):
            refusals = 2

            def mkdir(self, path: Path, at: int | None = None) -> None:
                if self.refusals:
                    self.refusals -= 1
                    raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
                super().mkdir(path, at)

        with disk.use(NoFolders()):
            set_apart({"ok": {"loss": 0.25, "text": "x" * LIMIT}}, 3, folder, tape)
        assert [error.errno for error in self.waited] == [errno.EDQUOT] * 2

    @pytest.mark.parametrize("operation", ["sync", "sync_folder"])
    @pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
    def test_a_failed_sync_is_not_tried_again(
        self, folder: RunFolder, tape: TapeWriter, operation: str, code: int
    ) -> None:
        class Failing(disk.Disk):
            calls = 0

        def fail(*_: object) -> None:
            Failing.calls += 1
            raise OSError(code, os.strerror(code))

        setattr(Failing, operation, fail)
        said = rf"result\.json could not be written: {os.strerror(code)}: the result of trial 3 is not on the tape"
        with disk.use(Failing()), pytest.raises(TapeError, match=said) as caught:
            set_apart({"ok": {"loss": 0.25, "text": "x" * LIMIT}}, 3, folder, tape)
        assert Failing.calls == 1
        assert self.waited == []
        assert exit_code(caught.value) == 1

    def test_before_each_try_it_is_made_sure_that_the_run_is_still_ours(
        self, folder: RunFolder, tape: TapeWriter
    ) -> None:
        def taken_over(error: OSError) -> None:
            folder.tape.write_bytes(folder.tape.read_bytes() + b"of another")

        tape.full = taken_over
        filling = FillingDisk("result.json")
        filling.room, filling.left = 0, 1
        with disk.use(filling), pytest.raises(TapeError, match="another process wrote to it"):
            set_apart({"ok": {"loss": 0.25, "text": "x" * LIMIT}}, 3, folder, tape)
        assert list(folder.trial(3).iterdir()) == []

    def test_a_run_pauses_for_them_and_goes_on(self, tmp_path: Path) -> None:
        def bulky(x: float) -> dict[str, Any]:
            return {"loss": quadratic(x), "text": f"{x}" * LIMIT}

        def make_bulky() -> Run:
            return Run(SpySearch(), bulky, StopMax(4), pool=DirectPool()).prepare(tmp_path)

        whole, run, filling = make_bulky().run(), make_bulky(), FillingDisk("result.json")
        filling.room, filling.left = 25 * LIMIT, 5
        with disk.use(filling):
            run.run()
        assert filling.refused == 5
        assert steps(run) == steps(whole)
        assert [run.full_result(tid) for tid in range(4)] == [whole.full_result(tid) for tid in range(4)]
        log = (run.work_directory / "log.log").read_text()
        assert log.count("the run pauses") == log.count("there is room again") == 1


class TestFailingSync:
    def test_it_ends_the_run_and_says_what_may_not_be_durable(self, tmp_path: Path) -> None:
        class Failing(disk.Disk):
            syncs = 0

            def sync(self, fd: int) -> None:
                self.syncs += 1
                if self.syncs == 3:
                    raise OSError(errno.EIO, os.strerror(errno.EIO))

        shown: list[int] = []

        class Listener(Observer):
            kind = "observe_what_is_shown"

            def observe(self, event: Record, state: State) -> None:
                shown.append(event.n)

        run = make(tmp_path, observers=[Listener(), "observe_log"])
        said = r"Input/output error: records 5 to 6 may not be durable: the result of trial 1, suggestion 2; restore"
        with disk.use(Failing()) as failing, pytest.raises(TapeError, match=said) as caught:
            run.run()
        assert isinstance(failing, Failing)
        assert failing.syncs == 3
        assert exit_code(caught.value) == 1
        assert shown == [1, 2, 3, 4]
        assert (
            "records 5 to 6 may not be durable: the result of trial 1" in (run.work_directory / "log.log").read_text()
        )


# -- observers ------------------------------------------------------------------------------------


class Writing(Observer):
    """Writes a line for each event, with a disk that is full at times."""

    kind = "observe_writing"

    def __init__(self, context: Any = None) -> None:
        super().__init__(context)
        self.error: Exception | None = None
        self.heard: list[int] = []
        self.ticks = 0

    def _get_config(self) -> dict[str, Any]:
        return {}

    def observe(self, event: Record, state: State) -> None:
        self.heard.append(event.n)
        if self.error is not None:
            raise self.error

    def tick(self, state: State) -> None:
        self.ticks += 1


def show(observers: ObserverList, *numbers: int) -> None:
    for n in numbers:
        observers.note(Record(n, 1.0, Suggest(n, 0)))
    observers.show(State())


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_an_observer_that_finds_the_disk_full_is_kept(caplog: pytest.LogCaptureFixture, code: int) -> None:
    now = [100.0]
    observer = Writing()
    observers = ObserverList([observer], clock=lambda: now[0])
    observer.error = OSError(code, os.strerror(code))
    for n in range(1, 100, 3):
        show(observers, n, n + 1, n + 2)
        now[0] += 0.5
    assert observer.heard == list(range(1, 100))
    assert observer.ticks == 33
    said = f"the observer observe_writing could not write, and will try again: {os.strerror(code)}"
    assert [record.getMessage() for record in caplog.records] == [said]
    observer.error = None
    show(observers, 100)
    now[0] += QUIET
    observer.error = OSError(code, os.strerror(code))
    show(observers, 101)
    assert [record.getMessage() for record in caplog.records] == [said] * 2


def test_an_observer_that_fails_otherwise_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    observer = Writing()
    observers = ObserverList([observer])
    observer.error = OSError(errno.EIO, os.strerror(errno.EIO))
    show(observers, 1, 2)
    show(observers, 3)
    assert observer.heard == [1]
    assert "is left out from now on" in caplog.text


def test_status_and_log_are_written_again_when_there_is_room(tmp_path: Path) -> None:
    intervals = {"observe_status": {"interval": 0.0}, "observe_log": {"interval": 0.0}}
    whole = make(tmp_path, context=intervals).run()
    with filling_up(tmp_path, 900, 7, names=("status.txt", "log.log"), context=intervals) as (run, filling):
        run.run()
    assert filling.refused == 7
    assert "Ended: Counted trials: 8/8." in (run.work_directory / "status.txt").read_text()
    lines, expected = ((r.work_directory / "log.log").read_text().splitlines() for r in (run, whole))
    said = [line for line in lines if "could not write, and will try again: No space left" in line]
    assert 1 <= len(said) <= 2  # one for each of them that was refused
    assert [line[20:] for line in lines if line not in said] == [line[20:] for line in expected]


# -- the terminal ---------------------------------------------------------------------------------


class Terminal(io.StringIO):
    """Somebody reads it."""

    def isatty(self) -> bool:
        return True


def test_a_person_at_the_terminal_of_a_script_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with filling_up(tmp_path, 900) as (run, _):
        run.run()
    paused, resumed = terminal.getvalue().splitlines()
    assert paused == (
        f"{run.work_directory}: No space left on device: the run pauses, keeping what finishes in memory, and goes on "
        "by itself when there is room"
    )
    assert resumed.startswith(f"{run.work_directory}: there is room again: the run goes on after a pause of 0.")
    assert pause.log.handlers == []


def test_nobody_is_told_where_nobody_reads_or_another_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with filling_up(tmp_path, 900) as (run, _):
        run.run()
    assert capsys.readouterr().err == ""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with filling_up(tmp_path, 900) as (run, _):
        run.announces = False
        run.run()
    assert terminal.getvalue() == ""
    own = logging.StreamHandler(terminal)
    logging.getLogger("runlib").addHandler(own)
    try:
        with ending.telling_on_terminal(True):
            pause.warn("once")
    finally:
        logging.getLogger("runlib").removeHandler(own)
    assert terminal.getvalue() == "once\n"


def test_a_terminal_that_is_a_file_on_the_full_disk_ends_no_run(tmp_path: Path) -> None:
    class Full(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    handler = Full(logging.WARNING)
    logging.getLogger("runlib").addHandler(handler)
    try:
        with filling_up(tmp_path, 900) as (run, _):
            run.run()
    finally:
        logging.getLogger("runlib").removeHandler(handler)
    assert run.state.ended == End("stop", "Counted trials: 8/8.")


def test_waiting_does_not_keep_the_processor_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(pause, "PATIENCE", 0.5)
    arrivals = pause.Arrivals(
        tmp_path, DirectPool(), pause.Interrupt(), set(), lambda: 700.0 - now[0], lambda: now[0], sleep
    )
    arrivals.wait_for_room(OSError(errno.ENOSPC, "full"))
    assert slept == [0.5]
    now[0] = 699.75
    arrivals.wait_for_room(OSError(errno.ENOSPC, "full"))
    assert slept == [0.5, 0.25]  # not beyond the end of the duration


def test_what_a_pause_brings_is_of_the_next_turn(tmp_path: Path) -> None:
    first, second, third = (Finished(tid, {"ok": {"loss": 1.0}}) for tid in range(3))
    pool = DirectPool(said=[first])
    arrivals = pause.Arrivals(tmp_path, pool, pause.Interrupt(), {0, 1, 2}, lambda: 1.0, lambda: 0.0)
    turn = arrivals.turn(0.0)
    assert next(turn) is first
    for message in (second, third):
        pool.said = [message]
        arrivals.wait_for_room(OSError(errno.ENOSPC, "full"))
    assert list(turn) == []
    pool.said = [Lost(0, "not asked for as long as something waits")]
    assert list(arrivals.turn(0.0)) == [second, third]
    assert list(arrivals.turn(0.0)) == [Lost(0, "not asked for as long as something waits")]
