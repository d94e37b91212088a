"""What a script sets under its guard does not come back by itself: no run goes on with another value without a word."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from runlib import FixedSearch, Run
from runlib.errors import ConfigError
from runlib.run.continuation.advice import ways_on
from runlib.tape.reader import TapeReader
from tests.run.terminal import call_on_screen, in_terminal, shell

HEAD = "import argparse\nfrom runlib import FixedSearch, Run, StopMax\n\n"
POINTS = 'FixedSearch([{"x": k / 8} for k in range(9)])'
START = f'Run({POINTS}, evaluate, StopMax(3), name="demo", pool="pool_serial").prepare().run()'
READS = "def helper(x):\n    return x * SCALE\n\ndef evaluate(x):\n    return helper(x)\n\n"
GUARD = 'if __name__ == "__main__":\n'
PART = READS.replace("SCALE", "SCALE['by']")
BY = READS.replace("SCALE", "SCALE.by")
SCRIPTS = {
    "another value": f"SCALE = 1\n{READS}{GUARD}    SCALE = 100\n    START\n",
    "by main": f"SCALE = 1\n{READS}def main():\n    global SCALE\n    SCALE = 100\n    START\n\n{GUARD}    main()\n",
    "no value": f"{READS}{GUARD}    SCALE = 100\n    START\n",
    "arguments": f"{BY}{GUARD}    p = argparse.ArgumentParser()\n"
    "    p.add_argument('--by', type=int, default=100)\n    SCALE = p.parse_args()\n    START\n",
    "in part": f"SCALE = {{'by': 1}}\n{PART}{GUARD}    SCALE['by'] = 100\n    START\n",
    "in a class": f"class SCALE:\n    by = 1\n\n{BY}{GUARD}    SCALE.by = 100\n    START\n",
    "in a module": f"import argparse as SCALE\nSCALE.by = 1\n{BY}{GUARD}    SCALE.by = 100\n    START\n",
    "a module": f"{READS.replace('SCALE', 'SCALE.gcd(100, 200)')}{GUARD}    import math as SCALE\n    START\n",
}
LOSSES = [100 * k / 8 for k in range(9)]


def losses(folder: Path) -> list[float]:
    trials = Run.checkout(folder).state.trials
    return [trials[tid][1]["loss"] for tid in sorted(trials)]


def begun(home: Path, script: str) -> str:
    (home / "job.py").write_text(HEAD + script.replace("START", START))
    shown = in_terminal(["job.py"], home)
    assert losses(home / "run_demo") == LOSSES[:3], shown
    return shown


@pytest.fixture(autouse=True)
def own_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a restore adds to where Python imports from is gone after a test."""
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.fixture
def no_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program whose ``__main__`` has none of the names."""
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))


@pytest.mark.parametrize("kind", SCRIPTS)
def test_refused_with_the_name_and_the_ways_out(tmp_path: Path, no_main: None, kind: str) -> None:
    shown = begun(tmp_path, SCRIPTS[kind])
    with pytest.raises(ConfigError) as refused:
        Run.restore(tmp_path / "run_demo", new_stop=6)
    said = str(refused.value)
    assert f"reads SCALE as {tmp_path / 'job.py'} sets it under if __name__ == '__main__':" in said
    assert "does not run here; set it at the top of the file" in said
    assert "prepare(resume=True)" in said
    assert losses(tmp_path / "run_demo") == LOSSES[:3]
    assert "runlib restore" not in shown
    assert f"under the guard of {tmp_path / 'job.py'}, which sets SCALE only there" in shown


@pytest.mark.parametrize("kind", ["another value", "arguments"])
def test_the_call_on_the_screen_works_where_it_says(tmp_path: Path, kind: str) -> None:
    shown = begun(tmp_path, SCRIPTS[kind])
    script = HEAD + SCRIPTS[kind].replace("START", call_on_screen(shown))
    (tmp_path / "job.py").write_text(script)
    in_terminal(["job.py"], tmp_path)
    assert losses(tmp_path / "run_demo") == LOSSES[:6]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["by main", "no value", "in part"])
def test_the_command_refuses_and_the_ways_out_in_its_sentence_work(tmp_path: Path, kind: str) -> None:
    begun(tmp_path, SCRIPTS[kind])
    assert "runlib restore" not in shell("runlib status run_demo", tmp_path).stdout
    line = f"runlib restore {tmp_path / 'run_demo'} --stop 6"
    done = shell(line, tmp_path)
    assert done.returncode == 2
    [error] = [said for said in done.stderr.splitlines() if said.startswith("error: ")]
    assert "SCALE" in error
    again = START.replace("prepare()", "prepare(resume=True)").replace("StopMax(3)", "StopMax(5)")
    (tmp_path / "job.py").write_text(HEAD + SCRIPTS[kind].replace("START", again))
    in_terminal(["job.py"], tmp_path)
    assert losses(tmp_path / "run_demo") == LOSSES[:5]
    top = f"SCALE = {{'by': 100}}\n{PART}" if kind == "in part" else f"SCALE = 100\n{READS}"
    (tmp_path / "job.py").write_text(HEAD + top)
    done = shell(line, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    assert losses(tmp_path / "run_demo") == LOSSES[:6]


def test_an_edited_value_is_warned_of(tmp_path: Path, no_main: None) -> None:
    begun(tmp_path, f"SCALE = 100\n{READS}{GUARD}    START\n")
    file = tmp_path / "job.py"
    file.write_text(file.read_text().replace("SCALE = 100", "SCALE = 1"))
    with pytest.warns(RuntimeWarning, match="the evaluator reads SCALE, which it had with another value"):
        run = Run.restore(tmp_path / "run_demo", new_stop=4).run(progress=False)
    assert losses(tmp_path / "run_demo")[3] == 3 / 8
    run.close()
    Run.restore(tmp_path / "run_demo").close()  # it is what it was when the run was last written


def test_a_warning_that_nobody_can_show_ends_no_restore(
    tmp_path: Path, no_main: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(tmp_path, f"SCALE = 100\n{READS}{GUARD}    START\n")
    file = tmp_path / "job.py"
    file.write_text(file.read_text().replace("SCALE = 100", "SCALE = 1"))
    shown = []

    def to_closed_stream(message: object, *_: object) -> None:
        shown.append(str(message))
        raise ValueError("I/O operation on closed file")

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", to_closed_stream)
        Run.restore(tmp_path / "run_demo", new_stop=4).close()
    assert any("the evaluator reads SCALE" in text for text in shown)


def test_a_function_that_is_given_is_warned_of_only(tmp_path: Path) -> None:
    begun(tmp_path, SCRIPTS["another value"])
    spec = importlib.util.spec_from_file_location("job_of_test", tmp_path / "job.py")
    assert spec is not None
    assert spec.loader is not None
    job = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(job)
    with pytest.warns(RuntimeWarning, match="reads SCALE"):
        Run.restore(tmp_path / "run_demo", evaluator=job.evaluate).close()
    job.SCALE = 100
    with pytest.warns(RuntimeWarning, match="reads SCALE"):  # by the last session it had 1
        Run.restore(tmp_path / "run_demo", evaluator=job.evaluate).close()


def test_prepare_with_resume_warns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    space: dict[str, Any] = {"__name__": "__main__", "SCALE": 100}
    exec(READS, space)
    monkeypatch.setitem(vars(sys.modules["__main__"]), "evaluate", space["evaluate"])

    def run() -> Run:
        search = FixedSearch([{"x": k / 8} for k in range(9)])
        return Run(search, space["evaluate"], 2, name="demo", pool="pool_serial")

    run().prepare(tmp_path).run(progress=False)
    run().prepare(tmp_path, resume=True).close()
    space["SCALE"] = 1
    with pytest.warns(RuntimeWarning, match="reads SCALE"):
        run().prepare(tmp_path, resume=True).close()


@pytest.mark.parametrize(
    "script",
    [
        f"SCALE = 100\n{READS}START\n",
        f"def main():\n    global SCALE\n    SCALE = 100\n    START\n\n{READS}main()\n",
        f"SCALE, SEEN = 100, []\n{READS}def note(x):\n    SEEN.append(x)\n\n{GUARD}    note(1)\n    START\n".replace(
            "return helper(x)", "SEEN.append(x); return helper(x)"
        ),
        f"SCALE = None\n{READS}{GUARD}    START\n".replace(
            "return helper(x)", "global SCALE; SCALE = SCALE or 100; return helper(x)"
        ),
        f"import os\nSCALE = 100\n{READS}{GUARD}    table = print(SCALE)\n    START\n    print(SCALE)\n",
    ],
    ids=["no guard", "main without a guard", "a list of its own", "made at the first trial", "read under the guard"],
)
def test_scripts_that_come_back_by_themselves(tmp_path: Path, no_main: None, script: str) -> None:
    shown = begun(tmp_path, script)
    assert "runlib restore" in shown
    Run.restore(tmp_path / "run_demo", new_stop=6).run(progress=False)
    assert losses(tmp_path / "run_demo") == LOSSES[:6]


def test_a_moved_project_has_the_same_values(tmp_path: Path, no_main: None) -> None:
    (tmp_path / "old").mkdir()
    script = f"import os\nHOME = os.path.dirname(os.path.abspath(__file__))\nSCALE = 100\n{READS}{GUARD}    START\n"
    begun(tmp_path / "old", script.replace("x * SCALE", "x * SCALE + len(HOME) * 0"))
    shutil.move(tmp_path / "old", tmp_path / "new")
    Run.restore(tmp_path / "new" / "run_demo").close()


def test_a_tape_without_the_note_is_refused_where_a_name_is_missing(tmp_path: Path, no_main: None) -> None:
    begun(tmp_path, SCRIPTS["no value"])
    noted = next(iter(TapeReader(tmp_path / "run_demo" / "tape.son"))).event.info  # type: ignore[union-attr]
    assert noted["globals"]["guarded"] == ["SCALE"]
    from runlib.engine.code.program import Program
    from runlib.engine.code.script import Script
    from runlib.evaluator.component import as_evaluator
    from runlib.run.continuation.definitions import changed_globals

    script = Script(Program("script", str(tmp_path), file=str(tmp_path / "job.py")))
    evaluator = as_evaluator(script.definitions().evaluate, None)
    with pytest.raises(ConfigError, match="reads SCALE as"):
        changed_globals(evaluator, {}, script, "folder")


def test_advice_for_a_run_by_its_last_session(tmp_path: Path) -> None:
    begun(tmp_path, SCRIPTS["another value"])
    ways = ways_on(Run.checkout(tmp_path / "run_demo"))
    assert ways.shell == ""
    assert ways.by_command == str(ways)
