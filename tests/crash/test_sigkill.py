"""The manager is killed at random moments and restored: nothing is lost, doubled, changed or left running."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from runlib import Run
from runlib.tape.reader import TapeReader
from tests.fakes import story

SCRIPT = """
import os, subprocess, sys, time
from pathlib import Path
from runlib import Hyperopt, Run, StopMax

out, ledger, trials = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
OPTIONS = [["hp_quniform", "c", 0, 4, 1], {"d": ["hp_normal", "d", 0, 1]}]
SPACE = {"a": ["hp_uniform", "a", -3, 3], "b": ["hp_choice", "b", OPTIONS]}

def evaluator(suggestion):
    b = suggestion["b"]
    loss = suggestion["a"] ** 2 + (b["d"] ** 2 if isinstance(b, dict) else b)
    time.sleep(0.01)
    fd = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, f"{suggestion!r} {loss!r}\\n".encode())
    os.close(fd)
    return loss

folders = list(out.glob("run_*"))
if folders:
    run = Run.restore(folders[0])
else:
    run = Run(Hyperopt(SPACE, n_startup_jobs=10), evaluator, StopMax(trials), context={"max_workers": 1}).prepare(out)
run.run()
"""

TRIALS = 120
KILLS = 20


def start(folder: Path) -> subprocess.Popen[bytes]:
    script = folder.parent / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(folder), str(folder / "ledger"), str(TRIALS)]
    environment = {**os.environ, "RUNLIB_TEST_MARK": str(folder)}
    folder.mkdir(exist_ok=True)
    return subprocess.Popen(command, env=environment)


def left_running(folder: Path) -> list[str]:
    """The commands of living processes that come from this test, by a mark in their environment."""
    mark = f"RUNLIB_TEST_MARK={folder}".encode()
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and mark in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # it ended meanwhile
    return found


def wait_for(condition: object, seconds: float = 10.0) -> bool:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


def tape_size(folder: Path) -> int:
    tapes = list(folder.glob("run_*/tape.son"))
    return tapes[0].stat().st_size if tapes else 0


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
@pytest.mark.timeout(600)
def test_killed_twenty_times_equals_never_killed(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert start(whole).wait() == 0
    expected = story(Run.checkout(next(whole.glob("run_*"))).state)
    moments = random.Random(7)
    kills, acknowledged = 0, 0
    while kills < KILLS:
        process = start(broken)
        target = tape_size(broken) + moments.randrange(1, 2400)
        grown = wait_for(lambda: tape_size(broken) >= target or process.poll() is not None, 60.0)  # noqa: B023
        assert grown
        if process.poll() is not None:
            break
        time.sleep(moments.random() * 0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
        assert wait_for(lambda: not left_running(broken)), left_running(broken)
        finished = sum(
            1 for r in TapeReader(next(broken.glob("run_*")) / "tape.son") if getattr(r.event, "kind", "") == "submit"
        )
        assert finished >= acknowledged
        acknowledged = finished
    assert start(broken).wait() == 0
    run = Run.checkout(next(broken.glob("run_*")))
    assert story_without_durations(run) == without_durations(expected)
    evaluated = Counter((broken / "ledger").read_text().splitlines())
    finished_lines = {f"{o['suggestion']!r} {o['loss']!r}" for _, o in run.state.trials.values()}
    assert finished_lines <= set(evaluated)
    # What was running at a kill is evaluated again; nothing else is: at most one more for each kill.
    assert sum(evaluated.values()) - len(finished_lines) <= kills
    print(f"\n{kills} kills of the manager: {len(run.state.trials)} of {TRIALS} trials, 0 lost, 0 doubled, 0 orphans")
    assert kills == KILLS


def story_without_durations(run: Run) -> list[object]:
    return without_durations(story(run.state))


def without_durations(events: list[object]) -> list[object]:
    short: list[object] = []
    for event in events:
        if getattr(event, "kind", "") == "submit":
            result = {k: {n: v for n, v in o.items() if n != "duration"} for k, o in event.result.items()}  # type: ignore[attr-defined]
            short.append((event.tid, result))  # type: ignore[attr-defined]
        else:
            short.append(event)
    return short
