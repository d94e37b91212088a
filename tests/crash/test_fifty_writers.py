"""Fifty processes open the same run at once: exactly one writes, the others are told who."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from runlib import Run, StopMax
from tests.fakes import story

PROCESSES, ROUNDS, TRIALS = 50, 5, 6

# One process is warm and forks the others, so that they come to the lock within the same milliseconds: they wait for
# the end of a pipe. The one that gets it holds it until all others have told what became of them.
SCRIPT = """
import json, os, sys
from runlib import Hyperopt, Run, RunlibError, StopMax
from runlib.pool.serial import SerialPool

def evaluator(x):
    return (x - 0.3) ** 2

def attempt(folder, stop, start, told, end):
    os.read(start, 1)
    try:
        run = Run.restore(folder, evaluator=evaluator, new_stop=StopMax(stop), pool=SerialPool(), observers=[])
    except RunlibError as error:
        report = {"pid": os.getpid(), "opened": False, "error": type(error).__name__, "text": str(error)}
        os.write(told, json.dumps(report).encode() + b"\\n")
        return
    os.write(told, json.dumps({"pid": os.getpid(), "opened": True}).encode() + b"\\n")
    os.read(end, 1)
    run.run()

directory, processes, rounds, trials = sys.argv[1], *map(int, sys.argv[2:])
search = Hyperopt({"x": ["hp_uniform", "x", 0, 1]}, method="rand")
run = Run(search, evaluator, StopMax(trials), name="shared", pool=SerialPool(), observers=[]).prepare(directory).run()
folder = str(run.work_directory)
for round in range(rounds):
    (start, started), (hear, told), (end, ended) = os.pipe(), os.pipe(), os.pipe()
    pids = []
    for _ in range(processes):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                for fd in (started, hear, ended):
                    os.close(fd)
                attempt(folder, trials * (round + 2), start, told, end)
                status = 0
            finally:
                os._exit(status)
        pids.append(pid)
    os.close(told)
    os.close(started)
    reports = os.fdopen(hear)
    lines = [reports.readline() for _ in range(processes)]
    os.close(ended)
    statuses = [os.waitpid(pid, 0)[1] for pid in pids]
    for fd in (start, end):
        os.close(fd)
    reports.close()
    print(json.dumps({"statuses": statuses, "reports": [json.loads(line) for line in lines]}), flush=True)
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_fifty_processes_open_a_run_at_once_and_one_writes(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    numbers = [str(number) for number in (PROCESSES, ROUNDS, TRIALS)]
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), *numbers], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rounds = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rounds) == ROUNDS
    named = 0
    for about in rounds:
        assert about["statuses"] == [0] * PROCESSES, done.stderr
        [writer] = [report["pid"] for report in about["reports"] if report["opened"]]
        refused = [report for report in about["reports"] if not report["opened"]]
        assert len(refused) == PROCESSES - 1
        assert {report["error"] for report in refused} == {"RunLocked"}
        # One that came while the writer was just writing its name is told of another process, or of the last writer.
        assert all(" is being written by " in report["text"] for report in refused)
        named += sum(f"is being written by process {writer} on " in report["text"] for report in refused)
    assert named > ROUNDS
    run = Run.checkout(tmp_path / "run_shared")
    assert run.state.sessions == ROUNDS + 1
    assert len(run.state.trials) == TRIALS * (ROUNDS + 1)
    whole = Run(run.search.get_config(), parabola, StopMax(TRIALS * (ROUNDS + 1)), pool="pool_serial", observers=[])
    expected = story(whole.prepare(tmp_path / "whole").run().state)
    assert [without_duration(event) for event in story(run.state)] == [without_duration(event) for event in expected]
    print(
        f"\n{ROUNDS * PROCESSES} openings, {ROUNDS} wrote, the others were refused, {named} of them naming the writer"
    )


def parabola(x: float) -> float:
    return (x - 0.3) ** 2


def without_duration(event: object) -> object:
    result = getattr(event, "result", None)
    if result is None:
        return event
    return event.tid, {kind: {k: v for k, v in o.items() if k != "duration"} for kind, o in result.items()}  # type: ignore[attr-defined]
