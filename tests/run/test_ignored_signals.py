"""Signals that whoever started the process has it ignore stay ignored, by the manager and by its workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runlib import Run
from tests.pool.pool_tools import wait_for

SCRIPT = """
import os, signal, sys, time
from runlib import FixedSearch, Run, SerialPool, StopMax

def evaluate(x):
    with open(f"pid-{{x}}", "w") as file:
        file.write(str(os.getpid()))
    while not os.path.exists("go"):
        time.sleep(0.01)
    return x

search = FixedSearch([{{"x": 1}}, {{"x": 2}}, {{"x": 3}}])
run = Run(search, evaluate, StopMax(3), pool="{pool}", context={{"max_workers": 2}}, observers=[], name="demo")
run.prepare().run()
"""
ALL = ["INT", "TERM", "USR1", "USR2", "HUP", "QUIT"]


def start(folder: Path, launcher: str, pool: str) -> subprocess.Popen[bytes]:
    (folder / "job.py").write_text(SCRIPT.format(pool=pool))
    command = launcher.format(python=f"{sys.executable} job.py")
    return subprocess.Popen(["sh", "-c", command], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def read_pid(file: Path) -> int | None:
    return int(file.read_text()) if file.exists() and file.read_text() else None


@pytest.mark.parametrize(
    ("launcher", "names", "pool"),
    [
        (f"trap '' {' '.join(ALL)}; exec {{python}}", ALL, "pool_processes"),
        ("trap '' INT; exec {python}", ["INT"], "pool_serial"),
        pytest.param("exec nohup {python}", ["HUP"], "pool_processes", marks=pytest.mark.slow),
        # A shell that is not interactive starts what runs in the background so.
        ("{python} & echo $! > manager; wait", ["INT", "QUIT"], "pool_processes"),
    ],
    ids=["trap", "serial", "nohup", "background"],
)
def test_what_is_ignored_at_the_start_stays_ignored(tmp_path: Path, launcher: str, names: list[str], pool: str) -> None:
    process = start(tmp_path, launcher, pool)
    workers = [wait_for(lambda: read_pid(tmp_path / "pid-1"))]
    if pool == "pool_processes":
        workers.append(wait_for(lambda: read_pid(tmp_path / "pid-2")))
    manager = read_pid(tmp_path / "manager") or process.pid
    for name in names:
        for pid in {manager, *workers}:
            os.kill(pid, getattr(signal, f"SIG{name}"))
    (tmp_path / "go").touch()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    state = Run.checkout(tmp_path / "run_demo").state
    assert state.ended is not None
    assert state.ended.reason == "stop"
    assert len(state.trials) == 3
    assert not state.live_trials


def test_a_trial_that_takes_too_long_is_ended_where_sigterm_is_ignored(tmp_path: Path) -> None:
    text = SCRIPT.format(pool="pool_processes").replace("StopMax(3),", "StopMax(3), trial_timeout=0.3,")
    (tmp_path / "job.py").write_text(text)
    command = f"trap '' TERM; exec {sys.executable} job.py"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, timeout=60)
    assert done.returncode == 0
    state = Run.checkout(tmp_path / "run_demo").state
    assert len(state.trials) == 3


def test_a_signal_that_is_not_ignored_still_ends_the_run(tmp_path: Path) -> None:
    process = start(tmp_path, "trap '' INT; exec {python}", "pool_processes")
    wait_for(lambda: read_pid(tmp_path / "pid-1"))
    os.kill(process.pid, signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143
