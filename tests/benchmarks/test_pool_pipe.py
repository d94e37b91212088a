"""How near the pool of processes comes to bare pipes: the same work, the same number of workers, in one run."""

from __future__ import annotations

import contextlib
import select
import socket
import statistics
import subprocess
import sys
import time

import pytest

from runlib.evaluator.base import Evaluator
from runlib.pool.base import Task
from runlib.pool.processes.pool import ProcessPool

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

WORKERS = 2
ROUNDS = 5
BARE_WORKER = """
import socket, sys, time
line = socket.socket(fileno=int(sys.argv[1]))
while message := line.recv(4096):
    seconds = float(message)
    if seconds:
        time.sleep(seconds)
    line.send(b"1.0")
"""


def make_evaluator():
    """Of a local class, so that it travels by value and no worker has to import pytest."""

    class Sleeping(Evaluator):
        kind = "benchmark_sleeping"

        def __call__(self, suggestion):
            if suggestion["seconds"]:
                time.sleep(suggestion["seconds"])
            return 1.0

    return Sleeping()


class Bare:
    """Two processes behind datagram sockets, and a manager that does nothing but send and receive."""

    def __init__(self):
        self.lines, self.processes = [], []
        for _ in range(WORKERS):
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            command = [sys.executable, "-ISc", BARE_WORKER, str(theirs.fileno())]
            self.processes.append(subprocess.Popen(command, pass_fds=[theirs.fileno()]))
            theirs.close()
            self.lines.append(ours)

    def close(self):
        for line in self.lines:
            line.close()
        for process in self.processes:
            process.wait()

    def rate(self, count, seconds, ahead):
        message = repr(seconds).encode()
        poll = select.poll()
        by_number = {line.fileno(): line for line in self.lines}
        for line in self.lines:
            poll.register(line, select.POLLIN)
        begin = time.perf_counter()
        sent = done = 0
        for _ in range(1 + ahead):
            for line in self.lines:
                line.send(message)
                sent += 1
        while done < count:
            for number, _ in poll.poll():
                by_number[number].recv(4096)
                done += 1
                if sent < count:
                    by_number[number].send(message)
                    sent += 1
        return count / (time.perf_counter() - begin)


class Pooled:
    """The pool, used as the loop of a run uses it."""

    def __init__(self):
        self.pool = ProcessPool()
        self.pool.open(make_evaluator(), {"max_workers": WORKERS})
        for tid in range(WORKERS):
            self.pool.schedule(Task(tid, {"seconds": 0.2}))
        ready = 0
        while ready < WORKERS:
            ready += len(self.pool.collect(10.0))

    def close(self):
        self.pool.close(1.0)

    def rate(self, count, seconds, ahead):
        pool, suggestion = self.pool, {"seconds": seconds}
        begin = time.perf_counter()
        sent = done = 0
        while done < count:
            while sent < count and sent - done < WORKERS * (1 + ahead):
                pool.schedule(Task(sent, suggestion))
                sent += 1
            done += len(pool.collect(10.0))
        return count / (time.perf_counter() - begin)


@pytest.fixture(scope="module")
def rates():
    """``rates(count, seconds, ahead)``: tasks per second of both, the best of interleaved rounds."""
    with contextlib.closing(Bare()) as bare, contextlib.closing(Pooled()) as pooled:

        def measure(count, seconds, ahead):
            pairs = [(bare.rate(count, seconds, ahead), pooled.rate(count, seconds, ahead)) for _ in range(ROUNDS)]
            return [max(column) for column in zip(*pairs, strict=True)]

        yield measure


@pytest.mark.parametrize(
    ("count", "seconds", "ahead", "least"),
    [(5000, 0.0, 1, 0.15), (5000, 0.0, 0, 0.07), (300, 0.01, 1, 0.97), (300, 0.01, 0, 0.9)],
    ids=["no-op, one ahead", "no-op", "10 ms, one ahead", "10 ms"],
)
def test_tasks_per_second_against_bare_pipes(rates, capsys, count, seconds, ahead, least):
    bare, pool = rates(count, seconds, ahead)
    with capsys.disabled():
        print(
            f"\n{seconds * 1000:g} ms, {ahead} ahead: bare {bare:,.0f}/s, pool {pool:,.0f}/s, ratio {pool / bare:.3f}"
        )
    assert pool / bare >= least


def test_time_from_opening_to_the_first_result(capsys):
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        pool = ProcessPool()
        pool.open(make_evaluator(), {"max_workers": 1})
        pool.schedule(Task(0, {"seconds": 0.0}))
        while not pool.collect(10.0):
            pass
        times.append(time.perf_counter() - begin)
        pool.close(1.0)
    imports = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import runlib.pool.processes.worker.serve"], check=True)
        imports.append(time.perf_counter() - begin)
    first, bare = statistics.median(times), statistics.median(imports)
    with capsys.disabled():
        print(f"\nfirst result after {first * 1000:.0f} ms; the import of worker.serve {bare * 1000:.0f} ms")
    assert first < 3 * bare + 0.05
