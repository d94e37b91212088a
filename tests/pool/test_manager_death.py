"""No worker, no process that it started, no supervisor and no guardian outlives the manager, however that one ends."""

from __future__ import annotations

import contextlib
import os
import random
import select
import signal
import socket
import subprocess
import sys

import pytest

from runlib.pool.processes import guardian, supervisor
from runlib.pool.processes.guard import Guard
from tests.pool.pool_tools import freeze, gone, read, runs, wait_for

MANAGER = """
import os, signal, sys, time
import runlib.pool.processes.process
from tests.pool.pool_evaluators import Doing
from runlib.pool.base import Task
from runlib.pool.processes.pool import ProcessPool

folder, end, suggestions = sys.argv[1], sys.argv[2], eval(sys.argv[3])
if "guarded" in sys.argv:
    runlib.pool.processes.process.find_spec = lambda name: None  # as where there are no supervisors
pool = ProcessPool()
pool.open(Doing(), {"max_workers": len(suggestions)})
if end == "forked" and os.fork() == 0:
    time.sleep(3600)  # holds copies of every descriptor of the manager
for tid, suggestion in enumerate(suggestions):
    pool.schedule(Task(tid, suggestion))
while len([name for name in os.listdir(folder) if name.startswith("mark")]) < len(suggestions):
    pool.collect(0.01)
guards = [] if pool._shared.guard is None else [pool._shared.guard.pid]
print(*[slot.process.pid for slot in pool._slots], *guards, flush=True)
if end == "raise":
    raise RuntimeError("the manager fails")
if end == "exit":
    sys.exit(0)
time.sleep(3600)
"""


WAYS = ["supervised", "guarded"] if sys.platform == "linux" else ["guarded"]


def start_manager(tmp_path, end, *suggestions, way="supervised"):
    """A manager with one busy worker for each suggestion; returns it, and the processes that belong to it."""
    marked = [{**suggestion, "mark": str(tmp_path / f"mark{i}")} for i, suggestion in enumerate(suggestions)]
    manager = subprocess.Popen(
        [sys.executable, "-c", MANAGER, str(tmp_path), end, repr(marked), way],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    processes = list(map(int, manager.stdout.readline().split()))
    for i in range(len(suggestions)):
        processes += map(int, wait_for(lambda i=i: read(tmp_path / f"mark{i}")).split())
    return manager, set(processes)


def end(manager):
    """Wait for a manager, and for the forks of it that it left."""
    manager.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(manager.pid, signal.SIGKILL)
    manager.stdout.close()
    manager.stderr.close()


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", ["kill", "exit", "raise"])
def test_nothing_is_left_of_a_manager_that_ends(tmp_path, how, way):
    manager, processes = start_manager(tmp_path, how, {"do": "hold"}, {"do": "parent"}, way=way)
    # Two workers, what one of them started, and two supervisors or one guardian.
    assert len(processes) == (5 if way == "supervised" else 4)
    try:
        if how == "kill":
            assert all(map(runs, processes))
            manager.kill()
        assert gone(processes)
    finally:
        manager.kill()
        end(manager)


@pytest.mark.skipif(sys.platform != "linux", reason="there are no supervisors")
@pytest.mark.parametrize("how", ["kill", "exit", "forked"])
def test_nothing_gets_away_from_a_manager_that_ends(tmp_path, how):
    """Plain children, sessions of their own, orphans without environment; of workers that sleep or compute in C."""
    busy = [{"do": "escape", "then": "hold"}, {"do": "escape", "then": "sleep"}]
    manager, processes = start_manager(tmp_path, how, *busy)
    assert len(processes) == 10
    try:
        if how != "exit":
            assert all(map(runs, processes))
            os.kill(manager.pid, signal.SIGKILL)
        assert gone(processes)
    finally:
        manager.kill()
        end(manager)


BUSY = """
import sys
from tests.pool.pool_evaluators import Doing
from runlib.pool.base import Task
from runlib.pool.processes.pool import ProcessPool

pool = ProcessPool()
pool.open(Doing(), {"max_workers": 2, "max_trials_per_worker": 2, "memory_limit": "1 GiB"})
print("open", flush=True)
for tid in range(10**6):
    pool.schedule(Task(tid, {"do": "escape", "mark": sys.argv[1], "then": ("return", "sleep", "hold")[tid % 3]}, 0.3))
    pool.collect(0.1)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="there are no supervisors")
def test_managers_killed_at_any_moment_leave_nothing(tmp_path):
    """Orphans of the killed manager fall to this process, so that none can hide."""
    before = set(supervisor._descendants(os.getpid()))
    moments = random.Random(7)
    supervisor._prctl(supervisor.SUBREAPER, 1)
    try:
        for _ in range(40):
            manager = subprocess.Popen(
                [sys.executable, "-c", BUSY, str(tmp_path / "mark")], stdout=subprocess.PIPE, start_new_session=True
            )
            with manager.stdout:
                assert manager.stdout.readline() == b"open\n"
                select.select([], [], [], moments.uniform(0.0, 1.2))
                manager.kill()
                manager.wait()
            wait_for(lambda: not any(map(runs, set(supervisor._descendants(os.getpid())) - before)))
            while reap():
                pass
    finally:
        supervisor._prctl(supervisor.SUBREAPER, 0)


def reap():
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(-1, os.WNOHANG)[0]
    return 0


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("spared", ["keeper", "life line"])
def test_the_keeper_and_the_life_line_each_suffice(tmp_path, spared, way):
    """The keeper is the supervisor, or the guardian where there is none."""
    manager, processes = start_manager(
        tmp_path, "kill" if spared == "life line" else "forked", {"do": "parent"}, way=way
    )
    worker, child, keeper = None, None, None
    try:
        worker, child = map(int, read(tmp_path / "mark0").split())
        [keeper] = processes - {worker, child}
        if spared == "life line":
            freeze(keeper)  # it can do nothing
        # In the other case a fork of the manager holds the life line, and the keeper's line, open.
        os.kill(manager.pid, signal.SIGKILL)
        assert gone([worker, child])
    finally:
        for pid in filter(None, (keeper, worker, child)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        end(manager)


def test_a_worker_that_nobody_speaks_to_ends_by_itself():
    stream, theirs = socket.socketpair()
    tasks, unread = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    life, ours = os.pipe()
    fds = [theirs.fileno(), unread.fileno(), life]
    worker = subprocess.Popen(
        [sys.executable, "-m", "runlib.pool.processes.worker", *map(str, fds)],
        pass_fds=fds,
        start_new_session=True,
    )
    for line in (theirs, unread, stream, tasks):
        line.close()
    os.close(life)
    os.close(ours)  # as if the manager had been killed right after it started the worker
    assert worker.wait(20) in (0, -signal.SIGKILL)


def sleeper():
    return subprocess.Popen([sys.executable, "-ISc", "import time; time.sleep(3600)"], start_new_session=True)


def test_the_guardian_kills_what_is_on_its_list_and_nothing_else():
    guarded, released = sleeper(), sleeper()
    guard = Guard()
    try:
        for process in (guarded, released):
            guard.add(process.pid)
        guard.remove(released.pid)
        guard.close()
        assert guarded.wait(10) == -signal.SIGKILL
        assert released.poll() is None
    finally:
        for process in (guarded, released):
            process.kill()
            process.wait()


def test_a_guardian_that_was_killed_is_replaced_and_knows_all_groups():
    first, second = sleeper(), sleeper()
    guard = Guard()
    try:
        guard.add(first.pid)
        killed = guard.pid
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: not runs(killed))
        guard.add(second.pid)
        assert guard.pid != killed
        assert first.poll() is None
        guard.close()
        assert first.wait(10) == second.wait(10) == -signal.SIGKILL
    finally:
        for process in (first, second):
            process.kill()
            process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_guardian_does_not_end_when_asked(number):
    process = sleeper()
    guard = Guard()
    try:
        guard.add(process.pid)
        wait_for(lambda: guardian_ignores(guard.pid, number))
        os.kill(guard.pid, number)
        guard.close()
        assert process.wait(10) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()


def guardian_ignores(pid, number):
    with open(f"/proc/{pid}/status") as file:
        [mask] = [line.split()[1] for line in file if line.startswith("SigIgn")]
    return bool(int(mask, 16) >> (number - 1) & 1)


def test_half_a_line_waits_for_its_other_half():
    groups: set[int] = set()
    rest = guardian._note(groups, b"+12\n+345\n-12\n+67")
    assert (groups, rest) == ({345}, b"+67")
    assert guardian._note(groups, rest + b"8\n") == b""
    assert groups == {345, 678}


def test_the_handle_of_a_process_that_is_not_the_parent_is_refused():
    process = sleeper()
    try:
        assert guardian._handle_of(process.pid) is None
    finally:
        process.kill()
        process.wait()
    handle = guardian._handle_of(os.getppid())
    assert handle is None or (select.select([handle], [], [], 0) == ([], [], []) and os.close(handle) is None)


@pytest.mark.parametrize("prepare", ["", "del fcntl.F_SETSIG", "os.close(ours)"])
def test_the_end_of_the_life_line_kills_the_group(prepare):
    """Asked of the kernel, by a thread where the kernel cannot be asked, and when it ended before."""
    code = f"""
import fcntl, os, subprocess, sys, time
from runlib.pool.processes.worker.lifeline import hold
life, ours = os.pipe()
child = subprocess.Popen([sys.executable, "-ISc", "import time; time.sleep(3600)"])
print(child.pid, flush=True)
{prepare}
hold(life)
os.close(ours)
time.sleep(3600)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True)
    with process.stdout:
        child = int(process.stdout.readline())
    assert process.wait(20) == -signal.SIGKILL
    assert gone([child])
