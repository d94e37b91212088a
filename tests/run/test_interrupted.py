"""Ctrl-C in a script: one line and 130, unless somebody catches it or types at an interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runlib.run.loop import interrupted
from runlib.run.loop.interrupted import Interrupted, told_in_one_line

# The person is the evaluator here: it runs in this process, so that the moment is certain.
SCRIPT = """
import os, signal, sys
from runlib import Float, RandomSearch, Run, SerialPool, StopMax

def evaluate(x):
    os.kill(os.getpid(), signal.SIGINT)
    return x

run = Run(RandomSearch({"x": Float(0, 1)}), evaluate, StopMax(5), name="red_fox", pool=SerialPool()).prepare()
"""


def script(tmp_path: Path, rest: str, *options: str, typed: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the script with what follows: from a file, or typed into an interpreter."""
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "script.py").write_text(SCRIPT + rest)
    command = [sys.executable, *options, *([] if typed else ["script.py"])]
    given = SCRIPT.replace("return x\n", "return x\n\n") + rest + "\n" if typed else ""
    return subprocess.run(command, input=given, cwd=tmp_path, capture_output=True, text=True, timeout=60)


def test_a_script_ends_with_one_line(tmp_path: Path) -> None:
    done = script(tmp_path, "run.run()\nprint('not reached')")
    assert done.returncode == 130
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("run_red_fox: 1 trials (stopped by SIGINT); best loss ")
    assert str(tmp_path / "run_red_fox") in line


@pytest.mark.parametrize(
    "rest", ["run()", "getattr(run, 'run')()", "try:\n    run.run()\nfinally:\n    print('tidied')"]
)
def test_however_it_is_called(tmp_path: Path, rest: str) -> None:
    done = script(tmp_path, rest)
    assert done.returncode == 130
    assert len(done.stderr.splitlines()) == 1


def test_what_ends_a_script_is_done(tmp_path: Path) -> None:
    done = script(tmp_path, "import atexit\natexit.register(print, 'the last words')\nrun.run()")
    assert (done.returncode, done.stdout) == (130, "the last words\n")


def test_who_catches_it_has_it(tmp_path: Path) -> None:
    caught = "try:\n    run.run()\nexcept KeyboardInterrupt as error:\n    print(error)\n"
    done = script(tmp_path, caught + "print(len(run.run().state.trials))")
    assert done.returncode == 130  # the second call was interrupted as well
    assert done.stdout.startswith("run_red_fox: 1 trials")
    done = script(tmp_path / "again", caught)
    assert (done.returncode, done.stderr) == (0, "")


def test_other_errors_are_told_as_before(tmp_path: Path) -> None:
    caught = "try:\n    run.run()\nexcept KeyboardInterrupt:\n    pass\n"
    done = script(tmp_path, caught + "1 / 0")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"
    own = "def own(kind, error, trace):\n    print('own hook:', error)\nsys.excepthook = own\n"
    done = script(tmp_path / "again", own + caught + "1 / 0")
    assert done.stdout == "own hook: division by zero\n"


def test_an_interpreter_goes_on(tmp_path: Path) -> None:
    done = script(tmp_path, "run.run()\nprint('goes on')", "-i", typed=True)
    assert "goes on" in done.stdout
    assert done.returncode == 0
    assert "runlib.run.loop.interrupted.Interrupted: run_red_fox: 1 trials" in done.stderr


def test_nobody_who_reads_the_line_is_no_error(tmp_path: Path) -> None:
    done = script(tmp_path, "sys.stderr.close()\nos.close(2)\nrun.run(progress=False)")
    assert done.returncode == 130


def test_ipython_shows_one_line() -> None:
    assert Interrupted("how it ended")._render_traceback_() == ["how it ended"]


def test_the_hook_is_set_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(sys, "excepthook", lambda *error: told.append(error[1]))
    for _ in range(3):
        with pytest.raises(Interrupted, match="how it ended"), told_in_one_line(lambda: "how it ended"):
            raise KeyboardInterrupt
    other = ValueError("another")
    sys.excepthook(ValueError, other, None)
    assert told == [other]
    assert isinstance(sys.excepthook, interrupted._Hook)
