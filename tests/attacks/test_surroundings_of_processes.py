"""A process whose standard descriptors are closed, that may start no others, or in which several runs go on at once."""

from __future__ import annotations

import errno
import itertools
import logging
import os
import resource
import select
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from runlib import Run, StopMax
from runlib.audit.verify import verify
from runlib.engine import descriptors
from runlib.errors import PoolError
from runlib.pool import output
from runlib.pool.base import Task
from runlib.pool.processes import process, starting, supervisor
from runlib.pool.processes.pool import ProcessPool
from runlib.pool.processes.starting import Starting
from runlib.pool.serial import SerialPool
from tests.pool.pool_evaluators import Doing
from tests.pool.pool_tools import finish, wait_for

CLOSED = [which for count in range(4) for which in itertools.combinations((0, 1, 2), count)]
SCRIPT = """
import os, subprocess, sys
from runlib import Run, StopMax

def evaluate(x):
    print("a print")
    for number in (1, 2):
        os.write(number, b"a stray print\\n")
    subprocess.run(["sh", "-c", "echo another; echo wrong >&2"], check=True)
    return float(x)

if __name__ == "__main__":
    folder, pool, capture, restore = sys.argv[1:]
    if restore:
        run = Run.restore(folder, new_stop=StopMax(6))
    else:
        run = Run({"search_fixed": {"suggestions": [{"x": k} for k in range(9)]}}, evaluate, StopMax(3), pool=pool,
                  name="a", context={"max_workers": 2, "capture_output": bool(capture)}).prepare(folder)
    low = {os.readlink(f"/proc/self/fd/{k}") for k in range(3)} if os.path.isdir("/proc/self/fd") else set()
    assert not any("run_a" in name.split("/")[-2:] for name in low), low
    run.run()
"""


def shell(command, closed, folder):
    """Run a command without some of the standard descriptors; what it left in files of the others."""
    given = {0: f"<{os.devnull}", 1: f">{folder}/out", 2: f"2>{folder}/err"}
    shut = {0: "<&-", 1: ">&-", 2: "2>&-"}
    turns = " ".join(shut[number] if number in closed else given[number] for number in range(3))
    quoted = " ".join(f"'{part}'" for part in command)
    done = subprocess.run(["sh", "-c", f"exec {quoted} {turns}"], timeout=60)
    said = [(folder / name).read_text() if (folder / name).exists() else "" for name in ("out", "err")]
    assert done.returncode == 0, said
    return said


def check(folder, count, captured):
    """The run is whole, and nothing that was printed stands in a file that is not for it."""
    assert verify(folder).verdict == "intact"
    assert (folder / "tape.son").read_bytes().count(b'"submit"') == count
    for file in folder.rglob("*"):
        if file.is_file() and file.name not in ("stdout.txt", "stderr.txt"):
            assert b"a stray print\n" not in file.read_bytes(), file
    texts = sorted(folder.glob("trials/*/stdout.txt"))
    assert len(texts) == (count if captured else 0)
    for text in texts:
        assert sorted(text.read_text().splitlines()) == ["a print", "a stray print", "another"]


# The quick tests have all of them closed; the slow ones every combination.
SOME_SLOW = [closed if len(closed) == 3 else pytest.param(closed, marks=pytest.mark.slow) for closed in CLOSED]


@pytest.mark.parametrize("capture", ["", "1"], ids=["", "captured"])
@pytest.mark.parametrize("pool", ["pool_processes", "pool_serial"])
@pytest.mark.parametrize("closed", SOME_SLOW, ids=str)
def test_a_script_without_standard_descriptors(tmp_path, closed, pool, capture):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script)]
    said = shell([*command, str(tmp_path), pool, capture, ""], closed, tmp_path)
    check(tmp_path / "run_a", 3, capture)
    assert "Traceback" not in "".join(said)
    if closed in ((1,), (0, 1, 2)):
        shell([*command, str(tmp_path / "run_a"), pool, capture, "restore"], closed, tmp_path)
        check(tmp_path / "run_a", 6, capture)


CONFIG = """
run:
  search: {{search_fixed: {{suggestions: [{{x: 0}}, {{x: 1}}, {{x: 2}}, {{x: 3}}]}}}}
  evaluator: {{eval_function: {{function: "evaluators:evaluate"}}}}
  stop: {{stop_max: {{count: 2}}}}
  name: a
context: {{max_workers: 2, capture_output: {capture}}}
"""


@pytest.mark.parametrize("capture", ["false", "true"])
@pytest.mark.parametrize("closed", SOME_SLOW, ids=str)
def test_the_command_without_standard_descriptors(tmp_path, monkeypatch, closed, capture):
    monkeypatch.chdir(tmp_path)
    Path("evaluators.py").write_text(SCRIPT)
    Path("run.yml").write_text(CONFIG.format(capture=capture))
    command = [sys.executable, "-m", "runlib"]
    said = shell([*command, "run", "run.yml"], closed, tmp_path)
    check(tmp_path / "run_a", 2, capture == "true")
    said += shell([*command, "restore", "run_a", "--stop", "4"], closed, tmp_path)
    check(tmp_path / "run_a", 4, capture == "true")
    assert "Traceback" not in "".join(said)


LATE = """
import os, sys
from runlib import Run, StopMax

def evaluate(x):
    os.write(1, b"a stray print\\n")
    return float(x)

folder, pool = sys.argv[1:]
run = Run({"search_fixed": {"suggestions": [{"x": k} for k in range(9)]}}, evaluate, StopMax(3), pool=pool, name="a",
          context={"max_workers": 2, "max_trials_per_worker": 1}).prepare(folder)
for number in range(3):
    os.close(number)
run.run()
"""


@pytest.mark.parametrize("pool", ["pool_processes", "pool_serial"])
def test_standard_descriptors_that_are_closed_later(tmp_path, pool):
    script = tmp_path / "late.py"
    script.write_text(LATE)
    assert subprocess.run([sys.executable, str(script), str(tmp_path), pool], timeout=60).returncode == 0
    check(tmp_path / "run_a", 3, False)


def test_a_descriptor_is_moved_up_and_inherited_by_nobody(tmp_path):
    low = os.open(tmp_path, os.O_RDONLY)
    high = descriptors.move_up(low)
    try:
        assert high > low
        assert os.path.samestat(os.fstat(high), os.stat(tmp_path))
        assert not os.get_inheritable(high)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(low)
    finally:
        os.close(high)


def test_a_descriptor_stays_where_there_is_no_room(tmp_path, monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda which: (2**40, 2**40))
    monkeypatch.setattr(descriptors, "HIGHEST", 2**30)
    low = os.open(tmp_path, os.O_RDONLY)
    assert descriptors.move_up(low) == low
    os.close(low)


# -- several runs in one process ---------------------------------------------------------------------

THREADS = """
import os, sys, threading
from runlib import Run, StopMax

def evaluate(x):
    for _ in range(20):
        print(f"python {x}")
        os.write(1, f"raw {x}\\n".encode())
    return float(x)

def work(k):
    suggestions = [{"x": 100 * k + n} for n in range(10)]
    Run({"search_fixed": {"suggestions": suggestions}}, evaluate, StopMax(10), pool=pools[k], name=str(k),
        context={"max_workers": 1, "capture_output": True}).prepare(folder).run()

folder, *pools = sys.argv[1:]
threads = [threading.Thread(target=work, args=(k,)) for k in range(len(pools))]
before, stream = [os.fstat(1), os.fstat(2)], sys.stdout
for thread in threads: thread.start()
for thread in threads: thread.join()
assert sys.stdout is stream and all(map(os.path.samestat, before, [os.fstat(1), os.fstat(2)]))
assert not {"RUNLIB_SLOT"} & os.environ.keys()
print("the end", flush=True)
os.write(1, b"the very end\\n")
"""


@pytest.mark.parametrize(
    "pools",
    [["pool_serial"] * 2, ["pool_serial"] * 4, ["pool_serial", "pool_processes"], ["pool_processes"] * 2],
    ids=",".join,
)
def test_runs_in_threads_have_each_their_output(tmp_path, pools):
    script = tmp_path / "threads.py"
    script.write_text(THREADS)
    command = [sys.executable, str(script), str(tmp_path), *pools]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["the end", "the very end"]
    assert "raw" not in done.stdout
    for k in range(len(pools)):
        for n in range(10):
            lines = (tmp_path / f"run_{k}/trials/{n}/stdout.txt").read_text().splitlines()
            assert sorted(lines) == sorted([f"python {100 * k + n}", f"raw {100 * k + n}"] * 20)


class Inner(Doing):
    kind = "attack_inner"

    def run(self, pools, thread=False):
        """Evaluate in other pools, of this thread or another one."""
        events = []

        def work():
            for pool in pools:
                pool.schedule(Task(1, {"do": "value"}))
                events.extend(pool.collect(0.05))

        if thread:
            worker = threading.Thread(target=work)
            worker.start()
            worker.join()
        else:
            work()
        return float(len(events))


@pytest.fixture
def serial(tmp_path):
    """Make pools that capture output."""
    pools = []

    def make(evaluator=None, **context):
        pools.append(SerialPool())
        pools[-1].open(evaluator or Doing(), {"capture_output": True, **context})
        return pools[-1]

    yield make
    for pool in pools:
        pool.close(0.0)


@pytest.mark.parametrize("thread", [False, True])
def test_a_run_within_a_trial_gets_its_turn_or_waits_without_holding_up_its_loop(tmp_path, serial, thread, caplog):
    caplog.set_level(logging.INFO)
    inner = serial()
    outer = serial(evaluator := Inner())
    evaluator.__dict__["pools"] = None
    suggestion = {"do": "run", "thread": thread}
    evaluator.run = lambda thread: Inner.run(evaluator, [inner], thread)
    outer.schedule(Task(0, suggestion, None, tmp_path / "0"))
    [event] = outer.collect(1.0)
    assert event.result["ok"]["loss"] == (0.0 if thread else 1.0)
    assert ("waits for a trial of another run" in caplog.text) == thread
    if thread:  # it is still to be done
        assert len(inner.collect(1.0)) == 1


def test_variables_of_two_pools_are_as_before_in_whatever_order_they_end(monkeypatch):
    monkeypatch.delenv("RUNLIB_SLOT", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    first, second = SerialPool(), SerialPool()
    first.open(Doing(), {"devices": [0]})
    second.open(Doing(), {"devices": [0]})
    first.close(0.0)
    assert os.environ["RUNLIB_SLOT"] == "0"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"
    second.close(0.0)
    assert "RUNLIB_SLOT" not in os.environ
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "7"


def test_two_pools_that_need_different_devices_are_refused():
    first, second = SerialPool(), SerialPool()
    first.open(Doing(), {"devices": [0]})
    try:
        with pytest.raises(PoolError, match=r"CUDA_VISIBLE_DEVICES=0, and this one needs 1: use pool_processes"):
            second.open(Doing(), {"devices": [1]})
        second.close(0.0)
        second.open(Doing(), {"devices": [0]})
        second.close(0.0)
    finally:
        first.close(0.0)


def test_a_program_started_by_another_thread_has_the_output_of_the_program(tmp_path):
    inside, go = threading.Event(), threading.Event()

    def capture():
        with output.captured(tmp_path / "0"):
            inside.set()
            go.wait(30)

    thread = threading.Thread(target=capture)
    before = os.fstat(1)
    thread.start()
    assert inside.wait(30)
    with output.standard_output() as (out, _):
        other = os.fstat(out)
    go.set()
    thread.join()
    assert os.path.samestat(before, other)
    with output.captured(tmp_path / "1"), output.standard_output() as (out, _):
        assert os.path.samestat(os.fstat(out), os.stat(tmp_path / "1/stdout.txt"))


def test_output_is_turned_back_though_the_trial_closed_everything(tmp_path):
    code = """if True:
        import os, sys
        from pathlib import Path
        from runlib.pool.output import captured
        with captured(Path(sys.argv[1])):
            os.closerange(3, 65536)
        os.write(1, b"out of it\\n")
    """
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "0")], stdout=subprocess.PIPE, timeout=60)
    assert done.returncode == 0
    assert (tmp_path / "0/stdout.txt").read_bytes() == b""


# -- no room for another process ---------------------------------------------------------------------


@pytest.fixture
def scarce(monkeypatch):
    """Let only so many processes be started."""
    room, start = [0], process.subprocess.Popen

    def popen(*arguments, **options):
        if not room[0]:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        room[0] -= 1
        return start(*arguments, **options)

    monkeypatch.setattr(process.subprocess, "Popen", popen)
    monkeypatch.setattr(starting, "FIRST", 0.01)
    return room


def opened(**context):
    pool = ProcessPool()
    pool.open(Doing(), {"max_workers": 2, **context})
    return pool


def test_a_pool_that_gets_no_worker_says_so_in_a_sentence(scarce):
    with pytest.raises(
        PoolError, match=r"^a worker process cannot be started: there may be no more processes \(ulimit"
    ):
        opened()


def test_a_pool_that_gets_one_worker_works_with_it_until_there_is_room(scarce, caplog):
    scarce[0] = 1
    pool = opened()
    try:
        for tid in range(4):
            pool.schedule(Task(tid, {"do": "where"}))
        assert len({event.result["ok"]["pid"] for event in finish(pool, 4)}) == 1
        assert caplog.text.count("cannot be started") == 1
        scarce[0] = 5
        for tid in range(2):
            pool.schedule(Task(tid, {"do": "sleep", "seconds": 0.2}))
        finish(pool, 2)
        wait_for(lambda: all(slot.load == 0 for slot in pool._slots), pool=pool)
        assert "workers can be started again" in caplog.text
    finally:
        pool.close(0.0)


def test_a_worker_that_ends_while_there_is_no_room_is_replaced_later(scarce, caplog):
    scarce[0] = 2
    pool = opened(max_workers=1, max_trials_per_worker=1)
    try:
        pool.schedule(Task(0, {"do": "value"}))
        finish(pool, 1)
        pool.schedule(Task(1, {"do": "value"}))
        finish(pool, 1)
        pool.schedule(Task(2, {"do": "value"}))
        wait_for(lambda: "cannot be started" in caplog.text, pool=pool)
        assert pool.collect(0.1) == []
        scarce[0] = 1
        [event] = finish(pool, 1)
        assert event.result["ok"]["loss"] == 1.0
        assert caplog.text.count("cannot be started") == 1
    finally:
        pool.close(0.0)


def test_what_has_finished_is_reported_before_a_worker_that_can_never_be_started(monkeypatch):
    pool = opened(max_workers=1, max_trials_per_worker=1)
    try:
        pool.schedule(Task(0, {"do": "value"}))
        finish(pool, 1)
        refuse = FileNotFoundError(errno.ENOENT, "No such file or directory", sys.executable)
        monkeypatch.setattr(process.subprocess, "Popen", lambda *_, **__: (_ for _ in ()).throw(refuse))
        pool.schedule(Task(1, {"do": "value"}))
        with pytest.raises(PoolError, match=r"a worker process cannot be started: .*No such file"):
            finish(pool, 1)
    finally:
        pool.close(0.0)


@pytest.mark.skipif(not process.has_supervisors(), reason="workers have no supervisors here")
def test_a_supervisor_that_can_start_no_worker_tells_the_manager():
    ours, theirs = socket.socketpair()
    code = f"""if True:
        import os, sys
        sys.path.insert(0, {str(Path(supervisor.__file__).parent)!r})
        import supervisor
        def fork(): raise BlockingIOError(11, "no")
        os.fork = fork
        supervisor.main({os.getpid()}, {theirs.fileno()}, 0, [], ["true"])
    """
    with ours, theirs:
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, pass_fds=[theirs.fileno()], stderr=subprocess.PIPE, timeout=30)
        assert select.select([ours], [], [], 10)[0]
        assert ours.recv(64) == b"F11\n"
    assert done.stderr == b""


FORKLESS = """
import os
if os.path.exists({mark!r}):
    def fork(): raise BlockingIOError(11, "no")
    os.fork = fork
"""


@pytest.mark.skipif(not process.has_supervisors(), reason="workers have no supervisors here")
def test_a_worker_that_its_supervisor_cannot_start_is_tried_again(tmp_path, monkeypatch, caplog):
    text = Path(supervisor.__file__).read_text()
    mark = tmp_path / "no_room"
    mark.touch()
    crippled = FORKLESS.format(mark=str(mark))
    head, future, rest = text.partition("from __future__ import annotations\n")
    (tmp_path / "supervisor.py").write_text(head + future + crippled + rest)
    monkeypatch.setattr(process, "__file__", str(tmp_path / "process.py"))
    monkeypatch.setattr(starting, "FIRST", 0.01)
    pool = opened(max_workers=1)
    try:
        pool.schedule(Task(0, {"do": "value"}))
        wait_for(lambda: "cannot be started" in caplog.text, pool=pool)
        mark.unlink()
        [event] = finish(pool, 1)
        assert event.result["ok"]["loss"] == 1.0
    finally:
        pool.close(0.0)


def test_the_pause_between_two_tries_grows_and_is_said_once(caplog):
    tries = Starting()
    now = 0.0
    pauses = []
    for _ in range(9):
        assert tries.may(now)
        tries.failed(errno.EAGAIN, now)
        begin = now
        while not tries.may(now):
            now += 0.5
        pauses.append(now - begin)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert len(caplog.records) == 1
    tries.succeeded(now - 100.0)  # it was started before
    assert not tries.may(now - 1.0)
    tries.succeeded(now)
    tries.failed(errno.ENOMEM, now)
    assert "no memory for another process" in caplog.records[-1].getMessage()
    assert tries.may(now + 1.0)


def test_a_run_waits_for_room_and_loses_nothing(tmp_path, scarce, caplog):
    scarce[0] = 1
    context = {"max_workers": 2, "max_trials_per_worker": 2}
    search = {"search_fixed": {"suggestions": [{"do": "value", "x": k} for k in range(6)]}}
    run = Run(search, Doing(), StopMax(6), context=context)

    def make_room():
        end = time.monotonic() + 30
        while "cannot be started" not in caplog.text and time.monotonic() < end:
            time.sleep(0.01)
        scarce[0] = 10

    helper = threading.Thread(target=make_room)
    helper.start()
    with run.prepare(tmp_path) as prepared:
        prepared.run()
        tape = prepared.work_directory / "tape.son"
    helper.join()
    assert tape.read_bytes().count(b'"submit"') == 6
    assert b'"error":"WorkerLost"' not in tape.read_bytes()
