"""The manager is killed at random moments and restored: nothing is lost, doubled, changed or left running.

What is true is kept where the run cannot reach it, on another file system: each evaluator writes down what it is about
to return, and an observer what it was shown as done.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from runlib import Run
from runlib.audit.verify import verify
from runlib.errors import TapeCorrupt
from tests.fakes import story

SCRIPT = """
import json, os, random, sys, time
from pathlib import Path
from runlib import Hyperopt, Observer, Run, StopMax

folder, ledger, trials, workers, order, nap = sys.argv[1:]
OPTIONS = [["hp_quniform", "c", 0, 4, 1], {"d": ["hp_normal", "d", 0, 1]}]
SPACE = {"a": ["hp_uniform", "a", -3, 3], "b": ["hp_choice", "b", OPTIONS]}

def write(name, **what):
    fd = os.open(Path(ledger) / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, json.dumps(what).encode() + b"\\n")
    os.close(fd)

def evaluator(suggestion):
    b = suggestion["b"]
    loss = suggestion["a"] ** 2 + (b["d"] ** 2 if isinstance(b, dict) else b)
    time.sleep(random.SystemRandom().uniform(0, float(nap)))
    write("returned", suggestion=suggestion, loss=loss)
    return loss

class Shown(Observer):
    kind = "observe_shown"

    def observe(self, record, state):
        event = record.event
        if event.kind == "submit":
            write("shown", tid=event.tid, loss=event.result["ok"]["loss"])

if Path(folder).is_dir():
    run = Run.restore(folder, observers=[Shown()])
else:
    search, context = Hyperopt(SPACE, n_startup_jobs=10), {"max_workers": int(workers)}
    name, out = Path(folder).name.removeprefix("run_"), Path(folder).parent
    run = Run(search, evaluator, StopMax(int(trials)), name=name, context=context, order=order, observers=[Shown()])
    run.prepare(out)
run.run()
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc"),
]


class Victim:
    """A run whose manager is started, killed and looked at.

    Attributes:
        kills: How often its manager was killed.
        survived: After how many of these kills everything was as it has to be.
    """

    def __init__(self, folder: Path, ledger: Path, trials: int, *, workers: int = 1, order: str = "completed") -> None:
        self.folder, self.ledger, self.trials, self.workers, self.order = folder, ledger, trials, workers, order
        self.nap = 0.02
        self.kills = self.survived = 0
        self._records: list[Any] = []
        ledger.mkdir(parents=True)
        folder.parent.mkdir(parents=True, exist_ok=True)

    def start(self) -> subprocess.Popen[bytes]:
        script = self.ledger / "script.py"
        script.write_text(SCRIPT)
        settings = [self.folder, self.ledger, self.trials, self.workers, self.order, self.nap]
        environment = {**os.environ, "RUNLIB_TEST_MARK": str(self.folder)}
        return subprocess.Popen([sys.executable, str(script), *map(str, settings)], env=environment)

    def finish(self) -> Run:
        """Let it run to its end."""
        assert self.start().wait() == 0
        self.look()
        return Run.checkout(self.folder)

    def kill_once(self, moments: random.Random) -> None:
        """Kill a new manager: sometimes while it opens the run, else when the tape has grown by so many bytes."""
        process = self.start()
        try:
            if moments.random() < 0.2:
                after = moments.uniform(0.0, 1.0)
                wait_for(lambda: process.poll() is not None, after)
            else:
                target = self.tape_size() + moments.randrange(1, 2400)
                assert wait_for(lambda: self.tape_size() >= target or process.poll() is not None, 60.0)
            assert process.poll() is None, "it came to its end before it could be killed"
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.kills += 1
        self.look()
        self.survived += 1

    def look(self) -> None:
        """Nothing of it runs, nothing that it showed is missing, and its tape holds what was returned, once each."""
        assert wait_for(lambda: not self.left_running(), 10.0), self.left_running()
        if not self.folder.is_dir():
            assert not self.entries("shown")
            return
        state = Run.checkout(self.folder).state
        results = {tid: entry[1] for tid, entry in state.trials.items()}
        for shown in self.entries("shown"):
            assert results.get(shown["tid"], {}).get("loss") == shown["loss"], f"lost: {shown}"
        returned = {(repr(one["suggestion"]), one["loss"]) for one in self.entries("returned")}
        invented = {(repr(outcome["suggestion"]), outcome["loss"]) for outcome in results.values()} - returned
        assert not invented, f"invented: {invented}"
        records = list(state.tape)
        assert records[: len(self._records)] == self._records, "records that stood on the tape are gone"
        self._records = records
        ends = Counter(r.event.tid for r in records if r.event is not None and r.event.kind == "submit")
        assert set(ends.values()) <= {1}, "doubled"
        report = verify(self.folder, replay=True)
        assert report.verdict in {"intact", "torn"}, report.findings

    def tape_size(self) -> int:
        try:
            return (self.folder / "tape.son").stat().st_size
        except FileNotFoundError:
            return 0

    def entries(self, name: str) -> list[dict[str, Any]]:
        path = self.ledger / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def left_running(self) -> list[str]:
        """The commands of living processes that come from this run, by a mark in their environment."""
        mark = f"RUNLIB_TEST_MARK={self.folder}".encode()
        found = []
        for process in Path("/proc").iterdir():
            try:
                if process.name.isdigit() and mark in (process / "environ").read_bytes().split(b"\0"):
                    found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue  # it ended meanwhile
        return found


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.004)
    return True


@pytest.fixture
def ledgers(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system than that of the runs."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as name:
        if os.stat(name).st_dev == tmp_path.stat().st_dev:
            pytest.skip("there is no second file system for the ledgers")
        yield Path(name)


@pytest.mark.timeout(300)
def test_killed_twenty_times_equals_never_killed(tmp_path: Path, ledgers: Path, figure: Any) -> None:
    row = figure("SIGKILL of the manager, 1 worker; equal to the run that was never killed")
    whole = Victim(tmp_path / "run_whole", ledgers / "whole", 120)
    expected = without_durations(whole.finish())
    broken, moments = Victim(tmp_path / "run_broken", ledgers / "broken", 120), random.Random(7)
    try:
        for _ in range(20):
            broken.kill_once(moments)
    finally:
        row.injected, row.survived = broken.kills, broken.survived
    run = broken.finish()
    assert without_durations(run) == expected
    # What was running at a kill is evaluated again; nothing else is.
    assert 120 <= len(broken.entries("returned")) <= 120 + broken.kills


@pytest.mark.timeout(900)
def test_killed_two_hundred_times_with_two_workers(tmp_path: Path, ledgers: Path, figure: Any) -> None:
    row = figure("SIGKILL of the manager, 2 workers; 8 runs of 150 trials")
    victims = [Victim(tmp_path / f"run_{i}", ledgers / str(i), 150, workers=2) for i in range(8)]
    try:
        with ThreadPoolExecutor(2) as two_at_once:  # for the sake of time, and so that one disturbs the other
            list(two_at_once.map(kill_and_finish, victims))
    finally:
        row.injected, row.survived = sum(v.kills for v in victims), sum(v.survived for v in victims)
        row.remark = "0 lost, 0 doubled, 0 invented, 0 orphans" if row.injected == row.survived else "see the failure"
    evaluated = sum(len(victim.entries("returned")) for victim in victims)
    row.remark += f"; {evaluated - 8 * 150} of {evaluated:,} evaluations were of trials that a kill interrupted"
    assert (row.injected, row.survived) == (200, 200)


def kill_and_finish(victim: Victim) -> None:
    """Kill it 25 times, let it end, and hold it to its promises."""
    moments = random.Random(victim.folder.name)
    for _ in range(25):
        victim.kill_once(moments)
    run = victim.finish()
    assert len(run.state.trials) == len(run.state.evals) == victim.trials
    evaluated = len(victim.entries("returned"))
    assert victim.trials <= evaluated <= victim.trials + victim.kills * victim.workers
    # All was shown but what a kill cut off between the tape and the observer.
    assert len(victim.entries("shown")) >= victim.trials - victim.kills * victim.workers
    command = [shutil.which("runlib") or "runlib", "verify", "--replay", str(victim.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert verify(victim.folder, replay=True).verdict == "intact"


@pytest.mark.parametrize("what", ["lost", "invented", "are gone", "damaged"])
def test_what_is_wrong_is_seen(tmp_path: Path, ledgers: Path, what: str) -> None:
    victim = Victim(tmp_path / "run_seen", ledgers / "seen", 6)
    victim.finish()
    tape = victim.folder / "tape.son"
    if what == "lost":
        with (victim.ledger / "shown").open("a") as file:
            file.write('{"tid": 6, "loss": 0.5}\n')
    elif what == "invented":
        lines = (victim.ledger / "returned").read_text().splitlines(keepends=True)
        (victim.ledger / "returned").write_text("".join(lines[1:]))
    elif what == "are gone":  # the last record, which says how the session ended
        tape.write_bytes(tape.read_bytes().rpartition(b'{"end"')[0])
    else:
        tape.write_bytes(tape.read_bytes().replace(b'"tid":3', b'"tid":2', 1))
    with pytest.raises((AssertionError, TapeCorrupt), match=what):
        victim.look()


def test_what_is_left_running_is_seen(tmp_path: Path, ledgers: Path) -> None:
    victim = Victim(tmp_path / "run_seen", ledgers / "seen", 6)
    command = [sys.executable, "-c", "print(flush=True); input()"]
    mark = {**os.environ, "RUNLIB_TEST_MARK": str(victim.folder)}
    with subprocess.Popen(command, env=mark, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as left:
        assert left.stdout is not None
        left.stdout.readline()
        [found] = victim.left_running()
        assert "input()" in found
        left.communicate(b"\n")
    assert not victim.left_running()


def without_durations(run: Run) -> list[object]:
    """The suggestions and results on the tape, in their order."""
    short: list[object] = []
    for event in story(run.state):
        if event.kind == "submit":
            result = {k: {n: v for n, v in o.items() if n != "duration"} for k, o in event.result.items()}
            short.append((event.tid, result))
        else:
            short.append(event)
    return short
