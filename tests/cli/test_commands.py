"""The command as a user types it: run, restore, status, top, in processes of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runlib import LockStolen, Run, __version__
from runlib.engine.data.yamlfile import parse_yaml, write_yaml
from runlib.tape.lock import FolderLock
from tests.cli.conftest import Command, config, environment


def write(project: Path, **changes: Any) -> None:
    (project / "project" / "run.yaml").write_text(write_yaml(config(**changes)))


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir() if path.is_file()}


def losses(folder: Path) -> list[float]:
    return Run.checkout(folder).state.trials.losses


def test_run_shows_the_best_and_how_to_go_on(project: Path, command: Command) -> None:
    done = command("run", "project/run.yaml")
    folder = project / "run_red_fox"
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "run_red_fox: Counted trials: 6/6. 6 trials, 0 failed."
    assert lines[2].split() == ["rank", "loss", "trial", "duration", "suggestion"]
    assert lines[3].split()[:3] == ["1", "0.0081", "1"]
    assert lines[3].endswith("x: 0.4")  # nothing of what is the same in all trials
    assert f"runlib restore {folder} --stop" in lines[-1]
    assert done.stderr == f"{folder} runs with 1 worker; Ctrl-C ends it in order\n"
    assert (folder / "status.txt").is_file()
    assert (folder / "log.log").is_file()
    assert (folder / "suggestion-0.yml").is_file()


def test_quiet_prints_the_folder_alone(project: Path, command: Command) -> None:
    done = command("run", "project/run.yaml", "--quiet", "--name", "blue_cat", "--directory", "deep/er")
    assert (done.stdout, done.stderr) == (f"{project / 'deep/er/run_blue_cat'}\n", "")


def test_what_stands_beside_the_run_is_used(project: Path, quick: Command) -> None:
    write(
        project,
        directory="runs",
        context={"max_workers": 2, "sync": "never"},
        observers=["observe_log"],
        pool={"pool_serial": {}},
        duration=5,
    )
    assert quick("run", "project/run.yaml").returncode == 0
    folder = project / "runs" / "run_red_fox"
    assert (folder / "log.log").is_file()
    assert not (folder / "status.txt").exists()
    session = Run.checkout(folder).state.last_session
    assert (session["context"]["sync"], session["pool"]) == ("never", {"pool_serial": {}})


def test_options_come_before_the_file(project: Path, quick: Command) -> None:
    write(project, duration=1e-9, directory="elsewhere")
    assert quick("run", "project/run.yaml", "--workers", "2", "--duration", "5", "--directory", ".").returncode == 0
    state = Run.checkout(project / "run_red_fox").state
    assert state.last_session["slots"] == 2
    assert len(state.trials) == 6


def test_a_duration_that_has_passed_ends_the_run_in_order(project: Path, quick: Command) -> None:
    done = quick("run", "project/run.yaml", "--duration", "1e-9")
    assert done.returncode == 0
    assert "the duration has passed" in done.stdout
    assert done.stdout.splitlines()[-1] == f"to go on: runlib restore {project / 'run_red_fox'}"


def test_plugin_by_option(project: Path, quick: Command) -> None:
    write(project, plugins=[])
    assert quick("run", "project/run.yaml").returncode == 2
    assert quick("run", "project/run.yaml", "--plugin", "project/steps.py").returncode == 0


def test_restore_with_another_stop_goes_on_as_the_longer_run_would_have(project: Path, quick: Command) -> None:
    quick("run", "project/run.yaml", "--quiet")
    folder = project / "run_red_fox"
    done = quick("restore", "run_red_fox", "--stop", "{stop_max: {count: 9}}")
    assert (done.returncode, len(losses(folder))) == (0, 9)
    (project / "stop.yaml").write_text("stop_max: {count: 10}")
    done = quick("restore", str(folder), "--stop", "stop.yaml", "--verify", "--trial-timeout", "7.5")
    assert done.returncode == 0
    assert losses(folder) == [(((k * 7) % 10) / 10 - 0.31) ** 2 for k in range(1, 11)]
    state = Run.checkout(folder).state
    assert state.changes == {"stop": {"stop_max": {"count": 10, "errors": True, "use": "trials"}}, "trial_timeout": 7.5}
    done = quick("restore", str(folder), "--stop", "stop_never", "--trial-timeout", "none")
    assert "nothing is left to try" in done.stdout
    assert Run.checkout(folder).trial_timeout is None


def test_restore_keeps_workers_pool_and_observers_unless_told_otherwise(project: Path, quick: Command) -> None:
    write(project, pool="pool_serial", observers=["observe_log"], context={"max_workers": 1, "ahead": 2})
    quick("run", "project/run.yaml", "--quiet")
    quick("restore", "run_red_fox", "--quiet", "--stop", "{stop_max: {count: 7}}")
    session = Run.checkout(project / "run_red_fox").state.last_session
    assert (session["slots"], session["context"]["ahead"], session["pool"]) == (1, 2, {"pool_serial": {}})
    assert session["observers"] == [{"observe_log": {}}]
    assert not (project / "run_red_fox" / "status.txt").exists()


def test_restore_takes_workers_and_context(project: Path, quick: Command) -> None:
    quick("run", "project/run.yaml", "--quiet")
    more = ("--workers", "3", "--context", "{ahead: 1, sync: interval}", "--stop", "{stop_max: {count: 7}}")
    assert quick("restore", "run_red_fox", *more).returncode == 0
    session = Run.checkout(project / "run_red_fox").state.last_session
    assert (session["slots"], session["context"]["ahead"], session["context"]["sync"]) == (3, 1, "interval")


def test_baseline_is_compared_with_the_best_and_is_no_trial(project: Path, quick: Command) -> None:
    write(project, baseline={"model": {"x": 0.8}})
    done = quick("run", "project/run.yaml")
    assert "untuned: 0.2401   best: 0.0081 (96.6 % lower)" in done.stdout.splitlines()
    assert len(losses(project / "run_red_fox")) == 6


def test_baseline_that_fails_is_one_warning(project: Path, quick: Command) -> None:
    write(project, baseline={"model": {}})
    done = quick("run", "project/run.yaml")
    assert done.returncode == 0
    assert done.stderr.splitlines()[1:] == ["warning: the baseline cannot be compared with: KeyError: 'x'"]


def test_evaluator_that_fails_is_told_with_its_place_and_the_way_on(project: Path, quick: Command) -> None:
    write(project, run={"evaluator": {"eval_function": {"function": "model.py:broken"}}})
    done = quick("run", "project/run.yaml")
    assert done.returncode == 1
    told = done.stderr.splitlines()[1:]
    assert told[0].startswith("error: trial 0 failed with ZeroDivisionError: division by zero; its suggestion was")
    assert told[1].startswith(f'in the worker: File "{project}/project/model.py", line 10, in broken')
    assert told[1].endswith("(for the rest: --traceback, or log.log)")
    assert len(told) == 2
    assert done.stdout == f"to go on: runlib restore {project / 'run_red_fox'}\n"
    assert "Traceback" in (project / "run_red_fox" / "log.log").read_text()


def test_traceback_of_the_worker_is_shown_if_asked_for(project: Path, command: Command) -> None:
    write(project, run={"evaluator": {"eval_function": {"function": "model.py:broken"}}})
    told = command("run", "project/run.yaml", "--traceback").stderr
    assert "in the worker:\nTraceback (most recent call last):" in told
    assert told.count("Traceback") == 1


def test_restore_after_the_fix_warns_of_the_changed_source_in_one_line(project: Path, command: Command) -> None:
    write(project, run={"evaluator": {"eval_function": {"function": "model.py:broken"}}})
    command("run", "project/run.yaml")
    model = project / "project" / "model.py"
    model.write_text(model.read_text().replace("1 / 0", "1.0 / 4"))  # of another length, or Python takes its cache
    done = command("restore", "run_red_fox")
    assert done.returncode == 0
    [warning] = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
    assert "code or data of the evaluator" in warning
    assert losses(project / "run_red_fox") == [0.25] * 6


def test_context_that_nothing_takes_is_a_warning(project: Path, quick: Command) -> None:
    write(project, context={"max_workers": 1, "max_worker": 2, "observe_log": {"interval": 1}, "interval": 1})
    done = quick("run", "project/run.yaml")
    told = "warning: context.max_worker: nothing here is known to take it; did you mean 'max_workers'?"
    assert (done.returncode, done.stderr.splitlines()[0]) == (0, told)
    assert done.stderr.count("warning: ") == 1


def test_observer_that_raises_is_one_warning(project: Path, quick: Command) -> None:
    write(project, observers=["observe_shouting"])
    done = quick("run", "project/run.yaml")
    assert done.returncode == 0
    [warning] = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
    assert "observe_shouting failed and is left out" in warning
    assert "Traceback" not in done.stderr


def test_status_and_top_change_nothing_and_need_no_plugin(project: Path, command: Command) -> None:
    write(project, run={"stop": {"stop_any": {"stops": ["stop_never", {"stop_max": {"count": 6}}]}}})
    command("run", "project/run.yaml", "--quiet")
    folder = project / "run_red_fox"
    before = contents(folder)
    told = command("status", "run_red_fox").stdout
    assert "Ended: Any of (stop_never: not yet reached; Counted trials: 6/6). It ran for" in told
    assert "(no report of the stop: stop.stop_any.stops.0: no component of kind 'stop_never' is registered" in told
    assert "Best 3: 0.0081 (trial 1), 0.0121 (trial 5), 0.0361 (trial 4)." in told
    assert "Trials:      6 finished, 6 ok, 0 failed, 1 live." in told
    assert len(command("top", "run_red_fox", "-n", "3").stdout.splitlines()) == 4
    assert contents(folder) == before


def test_json_and_yaml_have_all_digits_and_the_whole_suggestion(project: Path, quick: Command) -> None:
    quick("run", "project/run.yaml", "--quiet")
    rows = json.loads(quick("top", "run_red_fox", "-n", "2", "--json").stdout)
    assert [(row["rank"], row["trial"]) for row in rows] == [(1, 1), (2, 5)]
    assert rows[0]["loss"] == (0.4 - 0.31) ** 2
    assert rows[0]["suggestion"] == {"model": {"x": 0.4, "kernel": "linear"}}
    assert parse_yaml(quick("top", "run_red_fox", "-n", "2", "--yaml").stdout) == rows
    about = json.loads(quick("status", "run_red_fox", "--json").stdout)
    assert (about["phase"], about["stop"]) == ("ended", "Counted trials: 6/6.")
    assert about["best"] == {key: rows[0][key] for key in ("trial", "loss", "suggestion")}


def test_version_and_help(quick: Command) -> None:
    assert quick("--version").stdout == f"runlib {__version__}\n"
    helped = quick("--help")
    assert helped.returncode == 0
    assert "Exit codes: 0" in helped.stdout
    for name in ("run", "restore", "status", "top"):
        assert name in helped.stdout
        assert "--help" in quick(name, "--help").stdout


def test_reader_that_goes_away_is_no_error(project: Path, command: Command) -> None:
    command("run", "project/run.yaml", "--quiet")
    words = f"{sys.executable} -m runlib status run_red_fox | true"
    done = subprocess.run(["bash", "-c", words], cwd=project, env=environment(), capture_output=True, text=True)
    assert done.stderr == ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_ends_the_run_in_order(project: Path, quick: Command, number: signal.Signals, code: int) -> None:
    write(project, run={"evaluator": {"eval_function": {"function": "model.py:waiting"}}})
    words = [sys.executable, "-m", "runlib", "run", "project/run.yaml"]
    process = subprocess.Popen(
        words, cwd=project, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for(project / "started", process)
    told = json.loads(quick("status", "run_red_fox", "--json").stdout)
    assert (told["phase"], told["writer"]["pid"], told["trials"]["live"]) == ("running", process.pid, 1)
    assert quick("restore", "run_red_fox").returncode == 2  # one writer
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert f"stopped by {number.name}" in out
    assert out.splitlines()[-1] == f"to go on: runlib restore {project / 'run_red_fox'}"
    assert "Traceback" not in err
    about = json.loads(quick("status", "run_red_fox", "--json").stdout)
    assert (about["phase"], about["ended"]["reason"], about["trials"]["live"]) == ("ended", "signal", 1)


def test_killed_run_is_told_to_be_cut_off_and_goes_on(project: Path, command: Command) -> None:
    write(project, run={"evaluator": {"eval_function": {"function": "model.py:waiting"}}})
    process = subprocess.Popen(
        [sys.executable, "-m", "runlib", "run", "project/run.yaml", "--quiet"], cwd=project, env=environment()
    )
    wait_for(project / "started", process)
    process.kill()
    process.wait()
    assert f"Cut off: process {process.pid} on" in command("status", "run_red_fox").stdout
    model = project / "project" / "model.py"
    model.write_text(model.read_text().replace("    while True:\n        time.sleep(0.01)", "    return loss(model)"))
    assert command("restore", "run_red_fox", "--quiet").returncode == 0
    assert len(losses(project / "run_red_fox")) == 6


def wait_for(path: Path, process: subprocess.Popen[Any]) -> None:
    """Until the evaluator has made a file; not longer than the process lives."""
    while not path.exists():
        try:
            process.wait(0.02)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail(f"the run ended by itself: {process.communicate()}")


def test_a_lock_is_stolen_only_if_that_is_asked_for(project: Path, quick: Command) -> None:
    assert quick("run", "project/run.yaml", "--quiet").returncode == 0
    folder = project / "run_red_fox"
    more = ("restore", str(folder), "--stop", "{stop_max: {count: 8}}")
    lock = FolderLock(folder)
    done = quick(*more)
    assert (done.returncode, "is being written by this very process" in done.stderr) == (2, True)
    assert len(losses(folder)) == 6
    done = quick(*more, "--steal-lock")
    assert (done.returncode, f"warning: the lock of {folder} was taken from process" in done.stderr) == (0, True)
    assert len(losses(folder)) == 8
    with pytest.raises(LockStolen):
        lock.check(folder / "tape.son")
    lock.release()


@pytest.mark.parametrize("stop", [None, "{stop_max: {count: 4}}"])
def test_restore_of_a_run_that_is_done_says_so_and_how_it_goes_on(
    project: Path, quick: Command, stop: str | None
) -> None:
    quick("run", "project/run.yaml", "--quiet")
    folder = project / "run_red_fox"
    done = quick("restore", "run_red_fox", *([] if stop is None else ["--stop", stop]))
    assert (done.returncode, done.stderr) == (0, "")
    count = 6 if stop is None else 4
    assert done.stdout.splitlines() == [
        f"run_red_fox: nothing to do. Counted trials: 6/{count}. 6 trials.",
        f"to go on beyond this stop: runlib restore {folder} --stop '{{stop_max: {{count: 12}}}}'",
    ]
    assert "Ended: Counted trials" in quick("status", "run_red_fox").stdout
    assert quick("restore", "run_red_fox", "--quiet").stdout == f"{folder}\n"


def test_restore_of_an_exhausted_run_says_that_nothing_is_left(project: Path, quick: Command) -> None:
    write(project, run={"stop": {"stop_max": {"count": 50}}})
    quick("run", "project/run.yaml", "--quiet")
    done = quick("restore", "run_red_fox")
    assert (done.returncode, done.stderr) == (0, "")
    first, last = done.stdout.splitlines()
    assert first == "run_red_fox: nothing to do. the search is exhausted: ten points were made. 10 trials."
    assert last.startswith("nothing is left to try; to see more of it: runlib top ")


def test_resume_makes_the_run_and_then_goes_on_with_it(project: Path, quick: Command) -> None:
    for count in (4, 4, 9):
        write(project, run={"stop": {"stop_max": {"count": count}}})
        assert quick("run", "project/run.yaml", "--resume").returncode == 0
    assert losses(project / "run_red_fox") == [(((k * 7) % 10) / 10 - 0.31) ** 2 for k in range(1, 10)]
    write(project, run={"order": "suggested"})
    done = quick("run", "project/run.yaml", "--resume")
    assert done.returncode == 2
    assert "at order the tape has 'completed', given was 'suggested'" in done.stderr
    write(project, run={"name": None})
    done = quick("run", "project/run.yaml", "--resume", "--directory", "new")
    assert done.returncode == 2
    assert "resume=True finds a run by its name" in done.stderr
    assert not (project / "new").exists()
    assert quick("run", "project/run.yaml", "--resume", "--name", "blue_cat").returncode == 0


@pytest.mark.parametrize("name", ["other.py:loss", "project/model.py:loss", "other_module:loss"])
def test_restore_takes_the_function_from_another_place(project: Path, quick: Command, name: str) -> None:
    quick("run", "project/run.yaml", "--quiet")
    model = project / "project" / "model.py"
    for file in ("other.py", "other_module.py"):
        (project / file).write_text(model.read_text())
    sys.path.insert(0, str(project))
    done = quick("restore", "run_red_fox", "--evaluator", name, "--stop", "{stop_max: {count: 8}}")
    assert (done.returncode, len(losses(project / "run_red_fox"))) == (0, 8), done.stderr
    assert "warning" not in done.stderr


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nowhere.py:loss", "no file 'nowhere.py'"),
        ("project/model.py:lost", "there is no 'lost' in 'project/model.py'; did you mean 'loss'?"),
        ("project/model.py:broken", "is another evaluator than that of the run"),
        ("loss", "a function is written 'module:name' or 'file.py:name', got 'loss'"),
    ],
)
def test_restore_refuses_another_function(project: Path, quick: Command, name: str, says: str) -> None:
    quick("run", "project/run.yaml", "--quiet")
    done = quick("restore", "run_red_fox", "--evaluator", name)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_restore_works_in_the_folder_in_which_the_run_was_begun(project: Path, command: Command) -> None:
    model = project / "project" / "model.py"
    model.write_text("def loss(model):\n    return (model['x'] - float(open('shift.txt').read())) ** 2\n")
    (project / "shift.txt").write_text("0.31")
    command("run", "project/run.yaml", "--quiet")
    done = command("restore", "../run_red_fox", "--stop", "{stop_max: {count: 8}}", folder=project / "project")
    assert done.returncode == 0, done.stderr
    assert f"the working folder is {project}, where the run was begun" in done.stderr
    assert losses(project / "run_red_fox") == [(((k * 7) % 10) / 10 - 0.31) ** 2 for k in range(1, 9)]


def test_a_stop_in_short(project: Path, quick: Command) -> None:
    (project / "project" / "run.yaml").write_text(write_yaml(config(run={"stop": 4})))
    assert "4 trials" in quick("run", "project/run.yaml").stdout
    assert "6 trials" in quick("restore", "run_red_fox", "--stop", "6").stdout
    assert "7 trials" in quick("restore", "run_red_fox", "--stop", "{stop_max: 7}").stdout
    assert "8 trials" in quick("restore", "run_red_fox", "--stop", "[8, {stop_loss: -1.5}]").stdout
    fork = quick("fork", "run_red_fox", "--stop", "9", "--name", "blue_fox")
    assert fork.returncode == 0
    assert "9 trials" in quick("restore", "run_blue_fox").stdout


LOUD = """
import os, sys

print("imported")


def loss(model):
    print("from a trial")
    print("an error of a trial", file=sys.stderr)
    os.write(1, b"by its descriptor\\n")
    os.system("echo from a child")
    return model["x"]
"""


@pytest.mark.parametrize("pool", ["pool_processes", "pool_serial"])
def test_quiet_prints_the_folder_alone_whatever_trials_print(project: Path, command: Command, pool: str) -> None:
    (project / "project" / "model.py").write_text(LOUD)
    (project / "project" / "run.yaml").write_text(write_yaml(config(pool=pool)))
    done = command("run", "project/run.yaml", "--quiet")
    assert done.returncode == 0
    assert done.stdout == f"{project / 'run_red_fox'}\n"
    for said in ("from a trial", "an error of a trial", "by its descriptor", "from a child"):
        assert done.stderr.splitlines().count(said) == 6
    assert "6/6 trials" not in done.stderr
    again = command("restore", "run_red_fox", "--quiet", "--stop", "8")
    assert again.stdout == f"{project / 'run_red_fox'}\n"
    assert again.stderr.splitlines().count("from a trial") == 2


def test_standard_output_is_what_the_command_says(project: Path, command: Command) -> None:
    (project / "project" / "model.py").write_text(LOUD)
    baseline = {"model": {"x": 1.0, "kernel": "linear"}}
    (project / "project" / "run.yaml").write_text(write_yaml(config(baseline=baseline)))
    done = command("run", "project/run.yaml")
    assert done.stdout.startswith("run_red_fox: Counted trials: 6/6. 6 trials, 0 failed.\n")
    assert "untuned: 1 " in done.stdout
    assert "from a" not in done.stdout
    assert "imported" not in done.stdout
    assert done.stderr.splitlines().count("from a child") == 7  # once for the baseline


HOPELESS = """
import math


def loss(model):
    return {"score": model["x"]}


def slow(model):
    raise TimeoutError("took too long")


def nothing(model):
    return {"status": "fail", "why": "no license"}
"""


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (
            "loss",
            "error: none of the first 5 results can be used; trial 4: the evaluator returned a dict without 'loss'",
        ),
        ("slow", "error: none of 6 trials succeeded: 6 TimeoutError (took too long)"),
        (
            "nothing",
            "error: none of 6 trials succeeded: 6 Failed (the evaluator returned the status 'fail'; why: 'no l",
        ),
    ],
)
def test_a_run_without_any_success_fails_and_says_why(quick: Command, project: Path, function: str, said: str) -> None:
    (project / "hopeless.py").write_text(HOPELESS)
    evaluator = {"eval_function": {"function": f"hopeless.py:{function}"}}
    (project / "hopeless.yaml").write_text(
        write_yaml({**config(run={"evaluator": evaluator}), "plugins": ["project/steps.py"], "pool": "pool_serial"})
    )
    done = quick("run", "hopeless.yaml")
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "runlib restore" in done.stdout
    again = quick("restore", "run_red_fox", "--quiet")
    assert again.returncode == 1
    assert "error: none of" in again.stderr
