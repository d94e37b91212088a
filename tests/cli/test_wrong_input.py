"""Wrong input: one sentence with its place, the right exit code, no traceback, and nothing half-written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runlib import RandomSearch, Run, StopMax
from runlib.engine.data.yamlfile import write_yaml
from tests.cli.conftest import Command, config

# name: (what stands in run.yaml: changes of the config, or the text itself; options; what the sentence has to say)
FILES: dict[str, tuple[dict[str, Any] | str, tuple[str, ...], str]] = {
    "empty": ("", (), "run.yaml: is empty; it takes a dict with the run under 'run'"),
    "a list": ("- run", (), "run.yaml: takes a dict with the run under 'run', got a list"),
    "no yaml": ("run: {search: [", (), "run.yaml, line 1, column "),
    "a key twice": ("run: {}\nrun: {}", (), "the key 'run' stands twice"),
    "no text at all": ("run: \x00", (), "run.yaml"),
    "the run not under run": (
        "search: {search_steps: {}}\nstop: {stop_max: {count: 1}}",
        (),
        "search and stop must stand under 'run'",
    ),
    "no run": ("plugins: []", (), "there is no 'run' in it"),
    "an unknown key": ({"plugin": []}, (), "unknown key 'plugin'; did you mean 'plugins'?"),
    "a word for another key": ({"plugin_modules": []}, (), "did you mean 'plugins'?"),
    "the workers at the top": ({"n_jobs": 3}, (), "unknown key 'n_jobs'; did you mean 'max_workers' under 'context'?"),
    "a setting at the top": ({"direction": "max"}, (), "did you mean 'direction' under 'run'?"),
    "a setting by another name": ({"catch": []}, (), "did you mean 'caught_exceptions' under 'run'?"),
    "the duration in the run": ({"run": {"duration": 3}}, (), "run.duration: stands beside 'run', not in it"),
    "the workers in the run": ({"run": {"workers": 3}}, (), "max_workers stands in the context"),
    "another name of a stop": ({"run": {"stop": {"max_trials": 100}}}, (), "run.stop: no component of kind 'max_tr"),
    "another name of a search": ({"run": {"search": "tpe"}}, (), "did you mean 'search_hyperopt'?"),
    "a space for a search": (
        {"run": {"search": {"x": ["hp_uniform", "x", 0, 1]}}},
        (),
        "run.search: takes a search, got a search space; wrap the space",
    ),
    "an unlike key": ({"zzz": 1}, (), "unknown key 'zzz'; it takes run, plugins, context"),
    "run is a list": ("run: [1]", (), "run.yaml: run: takes a dict, got [1]"),
    "plugins are text": ({"plugins": "steps.py"}, (), "plugins: takes a list, got 'steps.py'"),
    "a plugin is a number": ({"plugins": [3]}, (), "plugins.0: takes the name of a module or a .py file, got 3"),
    "a plugin is not there": ({"plugins": ["steps.py", "gone.py"]}, (), "plugins.1: no file 'gone.py' in"),
    "a plugin fails": ({"plugins": ["wrong.py"]}, (), "plugins.0: plugin 'wrong.py' cannot be imported: ValueError"),
    "context is a list": ({"context": [1]}, (), "context: takes a dict, got [1]"),
    "no worker": ({"context": {"max_workers": 0}}, (), "run.yaml: context.max_workers: takes a whole number"),
    "devices are a number": ({"context": {"devices": 3}}, (), "context.devices: must be a list of devices"),
    "an unknown sync": ({"context": {"sync": "often"}}, (), "context.sync: takes always, interval or never"),
    "an unknown pool": ({"pool": {"pool_proceses": {}}}, (), "run.yaml: pool: no component of kind 'pool_proceses'"),
    "a pool that is none": ({"pool": "stop_never"}, (), "run.yaml: pool: 'stop_never' is no Pool"),
    "observers are a dict": ({"observers": {"observe_log": {}}}, (), "observers: takes a list, got"),
    "an unknown observer": ({"observers": ["observe_lot"]}, (), "observers.0: no component of kind 'observe_lot'"),
    "directory is a number": ({"directory": 3}, (), "run.yaml: directory: takes text, got 3"),
    "duration is negative": ({"duration": -1}, (), "run.yaml: duration: takes minutes above 0, got -1"),
    "the pool within the run": ({"run": {"pool": "pool_serial"}}, (), "run.pool: stands beside 'run', not in it"),
    "no search": ({"run": {"search": None}}, (), "run.search: a search is written {kind: {arguments}}"),
    "an unknown search": ({"run": {"search": {"search_step": {}}}}, (), "did you mean 'search_steps'"),
    "an unknown argument": (
        {"run": {"search": {"search_steps": {"sed": 3}}}},
        (),
        "run.search.search_steps: unknown argument 'sed'; did you mean 'seed'?",
    ),
    "a wrong space": (
        {"run": {"search": {"search_hyperopt": {"space": {"x": ["hp_uniform", "x", 1]}}}}},
        (),
        "run.yaml: run.search.search_hyperopt.space.x: ",
    ),
    "an unknown function": (
        {"run": {"evaluator": "model.py:los"}},
        (),
        "there is no 'los' in 'model.py'; did you mean 'loss'?",
    ),
    "a wrong stop": ({"run": {"stop": {"stop_max": {"count": 0}}}}, (), "run.yaml: run.stop.stop_max.count: "),
    "an unknown setting": ({"run": {"trial_time_out": 3}}, (), "unknown argument 'trial_time_out'; did you mean"),
    "a wrong setting": ({"run": {"trial_timeout": "long"}}, (), "run.trial_timeout: takes seconds above 0, or null"),
    "a name with a separator": ({"run": {"name": "a/b"}}, (), "run.yaml: run.name: 'a/b' is not a plain name"),
    "a wrong --name": ({}, ("--name", "../x"), "--name: '../x' is not a plain name"),
    "a wrong --duration": ({}, ("--duration", "0"), "--duration: takes minutes above 0, got 0.0"),
    "a wrong --plugin": ({}, ("--plugin", "no_such_module"), "--plugin: plugin 'no_such_module' cannot be imported"),
    "a directory that is a file": ({}, ("--directory", "project/run.yaml"), "run.yaml cannot hold a run"),
}


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if "__pycache__" not in path.parts)


def check_sentence(done: Any, says: str, code: int = 2) -> None:
    assert done.returncode == code, done.stderr
    [line] = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert says in line
    assert done.stdout == ""


@pytest.mark.parametrize("name", FILES)
def test_wrong_file(project: Path, quick: Command, name: str) -> None:
    content, options, says = FILES[name]
    text = content if isinstance(content, str) else write_yaml(config(**content))
    (project / "project" / "run.yaml").write_text(text)
    (project / "project" / "wrong.py").write_text("raise ValueError('two\\nlines')")
    before = listing(project)
    check_sentence(quick("run", "project/run.yaml", *options), says)
    assert listing(project) == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run",), "Missing argument 'CONFIG.yaml'"),
        (("run", "project/run.yaml", "--worker", "1"), "No such option: --worker"),
        (("run", "project/run.yaml", "--workers", "0"), "Invalid value for '--workers'"),
        (("run", "project/run.yaml", "--duration", "long"), "Invalid value for '--duration'"),
        (("top", "project", "-n", "0"), "Invalid value for '-n'"),
        (("run", "project/run.yaml", "--n-jobs", "1"), "--workers"),
        (("run", "project/run.yaml", "--time-limit", "1"), "--duration"),
        (("restore", "run_red_fox", "--n-trials", "1"), "--stop"),
        (("rum",), "No such command 'rum'"),
        (("resume", "run_red_fox"), "'restore'"),
        (("kill", "run_red_fox"), "'stop'"),
        (("best", "run_red_fox"), "'top'"),
    ],
)
def test_wrong_usage(project: Path, quick: Command, words: tuple[str, ...], says: str) -> None:
    before = listing(project)
    done = quick(*words)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert listing(project) == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run", "gone.yaml"), "gone.yaml cannot be read: No such file or directory"),
        (("run", "project"), "project is a folder; runlib run takes the file of a config"),
        (("status", "gone"), "gone is no run: there is no such folder"),
        (("top", "project"), "project is no run: there is no tape.son in it"),
        (("restore", "project/run.yaml"), "project/run.yaml is no run"),
    ],
)
def test_wrong_path(project: Path, command: Command, words: tuple[str, ...], says: str) -> None:
    before = listing(project)
    check_sentence(command(*words), says)
    assert listing(project) == before


def test_a_taken_name_and_wrong_changes_leave_the_run_as_it_was(project: Path, quick: Command) -> None:
    assert quick("run", "project/run.yaml", "--quiet").returncode == 0
    tape = project / "run_red_fox" / "tape.son"
    before = (listing(project), tape.read_bytes())
    check_sentence(quick("run", "project/run.yaml"), "run_red_fox exists; choose another name, or go on")
    for option, value, says in [
        ("--stop", "{stop_mx: {count: 3}}", "stop: no component of kind 'stop_mx' is registered; did you mean"),
        ("--stop", "{}", "--stop: takes {kind: {arguments}}"),
        ("--stop", "max_trials", "stop: no component of kind 'max_trials' is registered; did you mean 'stop_max'?"),
        ("--stop", "{n_trials: 9}", "did you mean 'stop_max'?"),
        ("--stop", "-3", "stop.stop_max.count: must be a whole number of at least 1, got -3"),
        ("--stop", "gone.yaml", "--stop: gone.yaml cannot be read"),
        ("--stop", "{stop_max: ", "--stop: the text, line 1"),
        ("--trial-timeout", "soon", "--trial-timeout: takes seconds above 0"),
        ("--context", "[1]", "--context: takes a dict"),
        ("--context", "{devices: 3}", "context.devices: must be a list"),
        ("--duration", "-3", "--duration: takes minutes above 0"),
    ]:
        check_sentence(quick("restore", "run_red_fox", option, value), says)
    check_sentence(quick("top", "run_red_fox", "--json", "--yaml"), "--json and --yaml exclude each other")
    assert (listing(project), tape.read_bytes()) == before


def test_a_damaged_tape_is_told_with_the_record(project: Path, quick: Command) -> None:
    quick("run", "project/run.yaml", "--quiet")
    tape = project / "run_red_fox" / "tape.son"
    tape.write_bytes(tape.read_bytes().replace(b'"tid": 2', b'"tid": 3').replace(b'"tid":2', b'"tid":3'))
    for words in (("status", "run_red_fox"), ("top", "run_red_fox"), ("restore", "run_red_fox")):
        check_sentence(quick(*words), "tape.son", code=1)


def test_evaluator_that_cannot_be_built_in_a_worker_ends_the_run(project: Path, command: Command) -> None:
    model = project / "project" / "model.py"
    model.write_text(model.read_text() + "\nif 'RUNLIB_SLOT' in os.environ:\n    raise ValueError('not here')\n")
    done = command("run", "project/run.yaml")
    assert done.returncode == 1
    assert "error: the evaluator cannot be built in a worker: " in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == f"to go on: runlib restore {project / 'run_red_fox'}\n"


def test_a_run_that_is_driven_by_hand_is_not_gone_on_with(tmp_path: Path, quick: Command) -> None:
    run = Run(RandomSearch({"x": ["hp_uniform", "x", 0, 1]}), None, StopMax(3)).prepare(tmp_path)
    run.submit(run.suggest()[0], loss=1.0)
    run.close()
    check_sentence(quick("restore", str(run.work_directory)), "is driven by hand, from Python: there is no evaluator")


def test_files_and_folders_in_the_place_of_others(project: Path, quick: Command) -> None:
    quick("run", "project/run.yaml", "--quiet")
    (project / "t.py").write_text("x = 1\n")
    tape = Path("run_red_fox") / "tape.son"
    for words, says in [
        (
            ("run", "run_red_fox"),
            "is the folder of a run; to go on with it: runlib restore run_red_fox; runlib run takes",
        ),
        (("run", str(tape)), "is the tape of a run; to go on with it: runlib restore run_red_fox"),
        (("run", "project"), "project is a folder; runlib run takes the file of a config"),
        (("run", "t.py"), "t.py is a program, which Python starts: python t.py; runlib run takes"),
        (("restore", "t.py"), "t.py is no run: it is a script: python t.py starts it; a run is the folder run_NAME"),
        (("status", "t.py"), "t.py is no run: it is a script"),
        (("restore", "project/run.yaml"), "with which a run is begun: runlib run project/run.yaml"),
        (("restore", "run_red_fox/status.txt"), "it is a file, and a run is a folder, run_NAME"),
        (("restore", "nothing"), "nothing is no run: there is no such folder"),
        (("restore", "run_red_fox", "--evaluator", "t.py"), "is named behind a colon: t.py:NAME"),
    ]:
        check_sentence(quick(*words), says)
