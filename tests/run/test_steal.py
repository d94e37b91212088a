"""A run that another process takes over: the old writer writes nothing more, and the new one goes on."""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runlib import LockStolen, Run, RunLocked, StopMax, TapeError
from runlib.audit.repair import repair
from runlib.audit.verify import verify
from runlib.engine import disk
from runlib.pool.base import Finished, Lost
from runlib.tape import mounts
from runlib.tape.events import Submit, Suggest
from runlib.tape.reader import TapeReader
from runlib.tape.writer import TapeWriter, create_tape
from tests.fakes import DirectPool, SpySearch, quadratic, story

HERE = f"process {os.getpid()} on {socket.gethostname()} since"


@dataclass
class Interrupted:
    """An evaluator during whose n-th evaluation something happens."""

    at: int
    action: Callable[[], Any]
    bulk: int = 0
    count: int = 0
    result: Any = None

    def __call__(self, x: float) -> dict[str, Any]:
        self.count += 1
        if self.count == self.at:
            self.result = self.action()
        return {"loss": quadratic(x), "bulk": str(self.count) * self.bulk}


def make(tmp_path: Path, evaluator: Any, **changes: Any) -> Run:
    """A run of six trials, with the usual observers."""
    arguments: dict[str, Any] = {"pool": DirectPool(), "context": {"max_workers": 1}, **changes}
    return Run(SpySearch(), evaluator, StopMax(6), name="x", **arguments).prepare(tmp_path)


def restored(run: Run, evaluator: Any = quadratic, **changes: Any) -> Run:
    return Run.restore(run.work_directory, evaluator=run.evaluator, pool=DirectPool(), **changes)


def contents(folder: Path, but: tuple[str, ...] = ("log.log",)) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in but)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def whole_story(tmp_path: Path) -> list[Any]:
    return plain_story(make(tmp_path / "whole", quadratic).run())


def plain_story(run: Run) -> list[Any]:
    """Who had which loss, without durations."""
    return [
        (event.tid, event.result["ok"]["loss"] if isinstance(event, Submit) else event.suggestion)
        for event in story(run.state)
    ]


# -- one process that is stolen from --------------------------------------------------------------


@pytest.mark.parametrize("sync", ["always", "interval", "never"])
def test_who_was_stolen_from_stops_before_it_writes_and_the_thief_finishes(tmp_path: Path, sync: str) -> None:
    kept: dict[str, bytes] = {}

    def steal() -> None:
        other = restored(run, steal_lock=True).run()
        assert len(other.state.trials) == 6
        kept.update(contents(run.work_directory))

    evaluator = Interrupted(3, steal)
    run = make(tmp_path, evaluator, context={"max_workers": 1, "sync": sync})
    with pytest.raises(LockStolen) as caught:
        run.run()
    assert "results of trial 2 not yet on the tape are not written" in str(caught.value)
    assert caught.value.tids == (2,)
    assert contents(run.work_directory) == kept
    report = verify(run.work_directory, replay=True)
    assert (report.verdict, report.findings) == ("intact", ())
    assert plain_story(Run.checkout(run.work_directory)) == whole_story(tmp_path)


def test_the_old_writer_names_the_new_one_and_says_so_in_the_log(tmp_path: Path) -> None:
    evaluator = Interrupted(2, lambda: restored(run, steal_lock=True))
    run = make(tmp_path, evaluator)
    with pytest.raises(LockStolen, match=f"was taken over by {HERE}"):
        run.run()
    assert f"was taken over by {HERE}" in (run.work_directory / "log.log").read_text()
    handlers = logging.getLogger("runlib").handlers
    assert not [handler for handler in handlers if type(handler).__module__.startswith("runlib.observe")]
    evaluator.result.run()
    assert verify(run.work_directory, replay=True).verdict == "intact"


def test_a_writer_that_waits_hears_of_it_before_it_shows_anything(tmp_path: Path) -> None:
    """Nothing comes from the pool, so nothing is to be appended or synced."""

    class Stealing(DirectPool):
        def collect(self, timeout: float) -> list[Finished | Lost]:
            if not stolen:
                other = restored(run, steal_lock=True)
                stolen.append(other)
                other.run()
                kept.update(contents(run.work_directory))
            return []

    stolen: list[Run] = []
    kept: dict[str, bytes] = {}
    observers: list[Any] = [{"observe_status": {}}, {"observe_log": {}}]
    run = make(tmp_path, quadratic, pool=Stealing(), observers=observers, context={"max_workers": 1, "interval": 0.0})
    with pytest.raises(LockStolen, match="results of trial 0 not yet on the tape"):
        run.run()
    assert contents(run.work_directory) == kept


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), RuntimeError("a mistake")])
def test_a_writer_that_ends_otherwise_leaves_the_folder_of_another_alone(
    tmp_path: Path, failure: BaseException
) -> None:
    class Failing(DirectPool):
        def collect(self, timeout: float) -> list[Finished | Lost]:
            if self.started[-1] < 2:
                return super().collect(timeout)
            restored(run, steal_lock=True).run()
            kept.update(contents(run.work_directory))
            raise failure

    kept: dict[str, bytes] = {}
    run = make(tmp_path, quadratic, pool=Failing())
    with pytest.raises(type(failure)):
        run.run()
    assert contents(run.work_directory) == kept
    assert verify(run.work_directory, replay=True).verdict == "intact"


def test_one_that_was_stolen_from_can_go_on_once_the_thief_is_done(tmp_path: Path) -> None:
    evaluator = Interrupted(3, lambda: restored(run, steal_lock=True))
    run = make(tmp_path, evaluator)
    with pytest.raises(LockStolen):
        run.run()
    thief = evaluator.result
    with pytest.raises(RunLocked):
        run.run()
    thief.close()
    run.run()
    assert plain_story(run) == whole_story(tmp_path)
    assert verify(run.work_directory, replay=True).verdict == "intact"


def test_a_run_that_is_closed_after_it_was_stolen_writes_nothing(tmp_path: Path) -> None:
    run = make(tmp_path, quadratic, context={"max_workers": 1, "sync": "interval"})
    thief = restored(run, steal_lock=True)
    before = contents(run.work_directory)
    run.close()
    assert contents(run.work_directory) == before
    thief.run()
    assert verify(run.work_directory, replay=True).verdict == "intact"


def test_a_large_result_of_the_old_writer_is_not_put_in_the_place_of_the_new_ones(tmp_path: Path) -> None:
    kept: dict[str, bytes] = {}

    def steal() -> None:
        restored(run, steal_lock=True).run()
        kept.update(contents(run.work_directory))

    evaluator = Interrupted(3, steal, bulk=100_000)
    run = make(tmp_path, evaluator)
    with pytest.raises(LockStolen):
        run.run()
    assert contents(run.work_directory) == kept
    assert verify(run.work_directory).verdict == "intact"


def test_stealing_a_run_that_nobody_has_is_restoring_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = make(tmp_path, quadratic)
    run.close()
    restored(run, steal_lock=True).run()
    assert "taken from" not in caplog.text
    assert plain_story(Run.checkout(run.work_directory)) == whole_story(tmp_path)


# -- copies and other machines --------------------------------------------------------------------


def test_a_copy_made_during_a_run_goes_its_own_way_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy = tmp_path / "copy"
    run = make(tmp_path, Interrupted(3, lambda: shutil.copytree(run.work_directory, copy)))
    run.run()
    caplog.clear()
    other = Run.restore(copy, evaluator=run.evaluator, pool=DirectPool())
    [said] = [message for message in caplog.messages if "separate ways" in message]
    assert str(copy) in said
    assert HERE in said
    other.run()
    for folder in (copy, run.work_directory):
        assert verify(folder, replay=True).verdict == "intact"
        assert plain_story(Run.checkout(folder)) == whole_story(tmp_path)
        shutil.rmtree(tmp_path / "whole")


def test_a_writer_on_another_machine_is_stolen_from_on_a_network_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The lock is free as seen from here, which on such a disk need not say anything."""
    lock = tmp_path / "run_x" / "run.lock"
    run = make(tmp_path, Interrupted(3, lambda: lock.read_text()))
    run.run()
    left = json.loads(run.evaluator.function.result)  # type: ignore[attr-defined]
    lock.write_text(json.dumps({**left, "host": "far.away", "pid": 7}))
    (tmp_path / "mounts").write_text(f"1 0 0:1 / / rw - ext4 /dev/a rw\n2 1 0:2 / {tmp_path} rw - nfs4 s:/x rw\n")
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "mounts")
    with pytest.raises(RunLocked, match=r"process 7 on far\.away since .*--steal-lock"):
        restored(run, new_stop=StopMax(8))
    restored(run, new_stop=StopMax(8), steal_lock=True).run()
    assert "was taken from process 7 on far.away" in caplog.text
    assert len(Run.checkout(run.work_directory).state.trials) == 8
    assert lock.read_bytes() == b""


# -- what remains ---------------------------------------------------------------------------------


class Between(disk.Disk):
    """Does something between the look at the lock and the write that follows it."""

    def __init__(self, path: Path, action: Callable[[], None]) -> None:
        self.path, self.action = path, action

    def write(self, fd: int, data: bytes | memoryview) -> int:
        if bytes(data[:1]) == b"{" and os.path.samestat(os.fstat(fd), self.path.stat()):
            action, self.action = self.action, lambda: None
            action()
        return super().write(fd, data)


def finished(tid: int, loss: float) -> Submit:
    return Submit(tid, {"ok": {"loss": loss, "duration": 0.1}})


def test_a_writer_stops_at_what_another_wrote_and_nothing_that_it_told_is_lost(tmp_path: Path) -> None:
    """Suspended in the moment between look and write, the old writer appends a record behind that of the new one."""
    thief: list[Run] = []
    told: list[int] = []

    def steal() -> None:
        thief.append(restored(run, steal_lock=True))
        told.append(thief[0].state.n)

    def suspended() -> None:
        hooked.action = steal

    run = make(tmp_path, Interrupted(3, suspended), observers=[])
    hooked = Between(run.work_directory / "tape.son", lambda: None)
    with disk.use(hooked), pytest.raises(LockStolen):
        run.run()
    with pytest.raises(TapeError, match="another process wrote to it"):
        thief[0].run()
    report = verify(run.work_directory)
    assert report.verdict == "torn"
    again = restored(run)  # what the old writer left, and told nobody of, is put aside
    assert (run.work_directory / "tape.son.torn-1").read_bytes().startswith(b'{"submit"')
    assert again.state.n == told[0] + 1  # the session of the restore
    again.run()
    assert verify(run.work_directory, replay=True).verdict == "intact"
    assert plain_story(again) == whole_story(tmp_path)


def test_what_two_wrote_at_once_is_named_by_verify_and_the_chain_that_went_on_is_saved(tmp_path: Path) -> None:
    """As on a network disk that remembers the size of a file: neither writer sees what the other wrote."""
    run = make(tmp_path, quadratic, observers=[]).run()
    tape = run.work_directory / "tape.son"
    records = list(TapeReader(tape))
    place = next(record.n for record in records if isinstance(record.event, Submit) and record.event.tid == 2)
    reader = TapeReader(tape)
    for record in reader:
        if record.n == place - 1:
            break
    here = reader.position
    old = tmp_path / "old.son"
    old.write_bytes(tape.read_bytes()[: here.offset])
    writer = TapeWriter(old, here)  # of the same run, with a result of its own
    writer.append(finished(2, 77.0))
    writer.close()
    stray = old.read_bytes()[here.offset :]
    next(iter(reader))
    expected = plain_story(run)
    behind = reader.position.offset
    data = tape.read_bytes()
    tape.write_bytes(data[:behind] + stray + data[behind:])

    report = verify(run.work_directory)
    assert report.verdict == "damaged"
    named = [finding for finding in report.findings if "two processes wrote at once" in finding.text]
    assert [(finding.n, finding.offset) for finding in named] == [(place, behind)]
    saved = repair(run.work_directory, tmp_path / "run_saved")
    assert [finding.offset for finding in saved.dropped] == [behind]
    assert verify(tmp_path / "run_saved", replay=True).verdict == "intact"
    assert plain_story(Run.checkout(tmp_path / "run_saved")) == expected


def written(path: Path, guard: Callable[[], None] | None = None) -> TapeWriter:
    metadata = {"run": {"search": {}}, "format": "runlib-tape/1"}
    return TapeWriter(path, create_tape(path, metadata), guard=guard)


def test_a_writer_asks_before_it_appends_and_before_it_syncs(tmp_path: Path) -> None:
    def guard() -> None:
        asked.append((tmp_path / "tape.son").stat().st_size)
        if len(asked) == refused_at:
            raise LockStolen("gone")

    asked: list[int] = []
    refused_at = 3
    writer = written(tmp_path / "tape.son", guard)
    empty = (tmp_path / "tape.son").stat().st_size
    writer.append(Suggest(0, {"x": 1.0}))
    assert asked == [empty]
    writer.commit()
    full = (tmp_path / "tape.son").stat().st_size
    assert asked == [empty, full]
    with pytest.raises(LockStolen, match="gone"):
        writer.append(finished(0, 1.0))
    for use in (writer.check, writer.commit, lambda: writer.append(finished(0, 1.0))):
        with pytest.raises(LockStolen, match="gone"):
            use()
    writer.close()
    assert (tmp_path / "tape.son").stat().st_size == full
    assert len(asked) == 3


class HalfFull(disk.Disk):
    """Has no room for the second half of one write."""

    def __init__(self) -> None:
        self.count = 0

    def write(self, fd: int, data: bytes | memoryview) -> int:
        self.count += 1
        if self.count == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(fd, data[: len(data) // 2] if self.count == 1 else data)


def test_half_a_record_is_not_gone_on_with_if_the_run_was_taken_over_while_the_disk_was_full(tmp_path: Path) -> None:
    def guard() -> None:
        if waited:
            raise LockStolen("gone")

    waited: list[OSError] = []
    writer = written(tmp_path / "tape.son", guard)
    writer.full = waited.append
    before = (tmp_path / "tape.son").stat().st_size
    with disk.use(HalfFull()), pytest.raises(LockStolen, match="gone"):
        writer.append(Suggest(0, {"x": 1.0}))
    assert len(waited) == 1
    half = (tmp_path / "tape.son").read_bytes()[before:]
    assert half.startswith(b'{"suggest"')
    assert b"\n" not in half
    writer.close()


@pytest.mark.parametrize("change", [b"{", b""])
def test_a_writer_stops_if_the_tape_has_not_the_size_that_it_gave_it(tmp_path: Path, change: bytes) -> None:
    path = tmp_path / "tape.son"
    writer = written(path)
    writer.append(Suggest(0, {"x": 1.0}))
    writer.commit()
    data = path.read_bytes() + change if change else path.read_bytes()[:-1]
    path.write_bytes(data)
    with pytest.raises(TapeError, match=r"has \d+ bytes where \d+ were expected, so another process wrote"):
        writer.append(finished(0, 1.0))
    writer.close()
    assert path.read_bytes() == data


def test_a_torn_end_is_not_cut_off_that_somebody_is_writing(tmp_path: Path) -> None:
    path = tmp_path / "tape.son"
    written(path).close()
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"suggest"')
    reader = TapeReader(path)
    list(reader)
    assert reader.tail is not None
    writer = TapeWriter(path, reader.position)
    path.write_bytes(whole + b'{"suggest": {"tid"')
    with pytest.raises(TapeError, match="another process wrote to it"):
        writer.mend(reader.tail)
    writer.close()
    assert path.read_bytes() == whole + b'{"suggest": {"tid"'


# -- processes ------------------------------------------------------------------------------------

PLUGIN = '''
from runlib import Search


class Steps(Search):
    """Quick to import."""

    kind = "search_steps"

    def __init__(self, space=None, seed=123):
        self.space, self.seed, self.made = space, seed, 0

    def suggest(self):
        self.made += 1
        return self.made - 1, {"x": (self.made * 7 % 10) / 10}

    def submit(self, tid, *, error=False, loss=None, var=None):
        pass


def loss(x):
    with open("told", "wb", buffering=0) as told:
        told.write(b".")
    with open("gate", "rb", buffering=0) as gate:
        gate.read(1)
    return (x - 0.3) ** 2
'''

CONFIG = """
plugins: [steps.py]
run:
  search: {{search_steps: {{}}}}
  evaluator: {{eval_function: {{function: "steps.py:loss"}}}}
  stop: {{stop_max: {{count: 5}}}}
  name: x
pool: {pool}
context: {{max_workers: 1}}
"""


@dataclass
class Gate:
    """Lets evaluations through one by one."""

    folder: Path

    def __post_init__(self) -> None:
        for name in ("told", "gate"):
            os.mkfifo(self.folder / name)
        self.told = os.open(self.folder / "told", os.O_RDWR)
        self.gate = os.open(self.folder / "gate", os.O_RDWR)

    def wait(self) -> None:
        """An evaluation has begun."""
        os.read(self.told, 1)

    def open(self, count: int = 1) -> None:
        os.write(self.gate, b"." * count)

    def close(self) -> None:
        os.close(self.told)
        os.close(self.gate)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path)
    yield gate
    gate.close()


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    """What is in it at the end is killed, if it still runs."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def runlib(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-m", "runlib", *arguments], cwd=folder, **pipes)


def suspended_in_trial_2(project: Path, gate: Gate, pool: str) -> subprocess.Popen[str]:
    """A run of five trials that was stopped, but not ended, while its third trial was being evaluated."""
    (project / "steps.py").write_text(PLUGIN)
    (project / "run.yaml").write_text(CONFIG.format(pool=pool))
    process = runlib(project, "run", "run.yaml")
    for _ in range(2):
        gate.wait()
        gate.open()
    gate.wait()
    process.send_signal(signal.SIGSTOP)
    return process


def check_whole(folder: Path, trials: int) -> None:
    report = verify(folder, replay=True)
    assert (report.verdict, report.findings) == ("intact", ())
    state = Run.checkout(folder).state
    assert (len(state.trials), state.sessions) == (trials, 2)


def test_a_suspended_writer_that_wakes_up_behind_the_new_one_changes_nothing(
    tmp_path: Path, gate: Gate, processes: list[subprocess.Popen[str]], own_registry: None
) -> None:
    processes += [old := suspended_in_trial_2(tmp_path, gate, "pool_serial")]
    gate.open(50)
    processes += [thief := runlib(tmp_path, "restore", "run_x", "--steal-lock")]
    _, err = thief.communicate()
    assert thief.returncode == 0, err
    assert f"was taken from process {old.pid} on {socket.gethostname()} since" in err
    kept = contents(tmp_path / "run_x")
    old.send_signal(signal.SIGCONT)
    _, err = old.communicate()
    assert contents(tmp_path / "run_x") == kept
    assert "was taken over by another process" in err
    assert "results of trial 2 not yet on the tape are not written" in err
    assert "Traceback" not in err
    assert old.returncode == 1
    check_whole(tmp_path / "run_x", trials=5)


def test_a_suspended_writer_that_wakes_up_beside_the_new_one_names_it(
    tmp_path: Path, gate: Gate, processes: list[subprocess.Popen[str]], own_registry: None
) -> None:
    """Its worker has nothing to say, so it is the next turn of the loop that finds out."""
    processes += [old := suspended_in_trial_2(tmp_path, gate, "pool_processes")]
    processes += [thief := runlib(tmp_path, "restore", "run_x", "--steal-lock")]
    gate.wait()  # trial 2 has begun once more
    kept = (tmp_path / "run_x" / "tape.son").read_bytes()
    old.send_signal(signal.SIGCONT)
    _, err = old.communicate()
    assert (tmp_path / "run_x" / "tape.son").read_bytes() == kept
    assert f"was taken over by process {thief.pid} on {socket.gethostname()} since" in err
    assert "results of trial 2 not yet on the tape are not written" in err
    assert old.returncode == 1
    gate.open(50)
    _, err = thief.communicate()
    assert thief.returncode == 0, err
    check_whole(tmp_path / "run_x", trials=5)
