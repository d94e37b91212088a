"""The way back to a run: what the screen advises works as it is typed, however the run was started."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from runlib import Run
from tests.run.terminal import call_on_screen, command_on_screen, in_terminal, python, shell

HEAD = "from runlib import FixedSearch, Run, Search, StopMax\n\n"
EVALUATE = """
SHIFT = 0.25

def evaluate(x):
    return shifted(x) ** 2

def shifted(x):
    return x - SHIFT

"""
POINTS = 'FixedSearch([{"x": k / 8} for k in range(9)])'
START = f'Run({POINTS}, NAME, StopMax(3), name="demo", pool="pool_serial").prepare().run()\n'
STEPS = """
class Steps(Search):
    kind = "search_steps_of_script"

    def __init__(self, space=None, seed=123, context=None):
        super().__init__(context)
        self.space, self.seed, self.made = space, seed, 0

    def suggest(self):
        self.made += 1
        return self.made - 1, {"x": (self.made - 1) / 8}

    def submit(self, tid, *, error=False, loss=None, var=None):
        pass

"""
LOSSES = [(k / 8 - 0.25) ** 2 for k in range(9)]


def start(name: str = "evaluate") -> str:
    return START.replace("NAME", name)


def losses(folder: Path) -> list[float]:
    """Of all trials, in the order of suggestion: workers may finish in another."""
    trials = Run.checkout(folder).state.trials
    return [trials[tid][1]["loss"] for tid in sorted(trials)]


def lookalike(text: str) -> str:
    """The same lines typed into a notebook, as far as runlib can tell."""
    return f"def get_ipython(): ...\n{text}"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder whose name has to be quoted."""
    folder = tmp_path / "my project"
    folder.mkdir()
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def extended(shown: str, folder: Path, trials: int, where: Path) -> subprocess.CompletedProcess[str]:
    """Type the command on the screen; the run then has so many trials."""
    done = shell(command_on_screen(shown), where)
    assert done.returncode == 0, done.stderr
    assert losses(folder) == LOSSES[:trials]
    return done


class TestScript:
    @pytest.mark.parametrize("guard", ["", 'if __name__ == "__main__":\n    '], ids=["without a guard", "guarded"])
    def test_the_command_on_the_screen_works_anywhere(self, home: Path, elsewhere: Path, guard: str) -> None:
        (home / "job.py").write_text(HEAD + EVALUATE + guard + start())
        shown = in_terminal(["job.py"], home)
        done = extended(shown, home / "run_demo", 6, elsewhere)
        assert f"the working folder is {home}" in done.stderr
        assert [path.name for path in elsewhere.iterdir()] == []
        assert sorted(path.name for path in home.iterdir()) == ["job.py", "run_demo"]

    @pytest.mark.slow
    def test_the_call_on_the_screen_works_in_another_program(self, home: Path, elsewhere: Path) -> None:
        (home / "job.py").write_text(HEAD + EVALUATE + start())
        shown = in_terminal(["job.py"], home)
        done = python(f"from runlib import Run, StopMax\n{call_on_screen(shown)}\n", elsewhere)
        assert done.returncode == 0, done.stderr
        assert losses(home / "run_demo") == LOSSES[:6]

    def test_a_module_by_dash_m_with_relative_imports(self, home: Path, elsewhere: Path) -> None:
        package = home / "tuning" / "inner"
        package.mkdir(parents=True)
        (package.parent / "__init__.py").write_text("")
        (package / "__init__.py").write_text("")
        (package.parent / "shared.py").write_text("SHIFT = 0.25\n")
        script = HEAD + EVALUATE.replace("SHIFT = 0.25", "from ..shared import SHIFT") + start()
        (package / "job.py").write_text(script)
        shown = in_terminal(["-m", "tuning.inner.job"], home)
        extended(shown, home / "run_demo", 6, elsewhere)

    @pytest.mark.slow
    def test_components_of_the_script_and_a_function_called_like_one_of_the_command(
        self, home: Path, elsewhere: Path
    ) -> None:
        script = HEAD + EVALUATE.replace("def evaluate", "def main") + STEPS
        (home / "job.py").write_text(script + start("main").replace(POINTS, "Steps()"))
        shown = in_terminal(["job.py"], home)
        extended(shown, home / "run_demo", 6, elsewhere)
        extended(shown.replace("6}", "7}"), home / "run_demo", 7, home)

    @pytest.mark.slow
    def test_arguments_data_and_modules_are_those_of_the_start(self, home: Path, elsewhere: Path) -> None:
        (home / "data.txt").write_text("0.25")
        (home / "lib").mkdir()
        (home / "lib" / "other_place.py").write_text("def square(x):\n    return x * x\n")
        script = """
import argparse, sys
sys.path.insert(0, "lib")
import other_place
parser = argparse.ArgumentParser()
parser.add_argument("--shift-from", required=True)
SHIFT = float(open(parser.parse_args().shift_from).read())

def evaluate(x):
    return other_place.square(x - float(open("data.txt").read()))
"""
        (home / "job.py").write_text(HEAD + script + start().replace('"pool_serial"', "None"))
        shown = in_terminal(["job.py", "--shift-from", "data.txt"], home)
        extended(shown, home / "run_demo", 6, elsewhere)

    @pytest.mark.slow
    def test_what_the_script_prints_stays_out_of_the_results(self, home: Path, elsewhere: Path) -> None:
        (home / "job.py").write_text(HEAD + "print('begins')\n" + EVALUATE + start())
        line = command_on_screen(in_terminal(["job.py"], home))
        done = shell(f"{line} --quiet", elsewhere)
        assert (done.returncode, done.stdout) == (0, f"{home / 'run_demo'}\n")
        assert "begins" in done.stderr

    @pytest.mark.slow
    @pytest.mark.parametrize("name", ["lambda x: (x - 0.25) ** 2", "functools.partial(evaluate)"])
    def test_a_function_without_a_name_is_that_of_the_run_that_the_script_starts(
        self, home: Path, elsewhere: Path, name: str
    ) -> None:
        (home / "job.py").write_text("import functools\n" + HEAD + EVALUATE + start(name))
        shown = in_terminal(["job.py"], home)
        assert (
            f"Run.restore('{home / 'run_demo'}', evaluator=f, new_stop=StopMax(6)).run() with the same function as f"
            in shown
        )
        done = shell(f"runlib restore '{home / 'run_demo'}' --stop '{{stop_max: {{count: 6}}}}'", elsewhere)
        assert done.returncode == 0, done.stderr
        assert losses(home / "run_demo") == LOSSES[:6]

    @pytest.mark.slow
    def test_one_that_starts_a_run_before_it_defines_the_function_says_what_to_do(self, home: Path) -> None:
        (home / "job.py").write_text(HEAD + EVALUATE + start())
        line = command_on_screen(in_terminal(["job.py"], home))
        (home / "job.py").write_text(HEAD + start("print").replace("demo", "other") + EVALUATE)
        done = shell(line, home)
        assert done.returncode == 2
        [error] = [said for said in done.stderr.splitlines() if said.startswith("error: ")]
        assert "job.py starts a run before it defines 'evaluate'; put the start under: if __name__" in error
        assert not (home / "run_other").exists()

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("change", "says"),
        [
            (lambda file: file.unlink(), "which is not there any more; run the program that defines it, or give"),
            (lambda file: file.write_text("import not_there"), "No module named 'not_there'"),
            (lambda file: file.write_text("x = 1"), "there is no 'evaluate' in"),
            (lambda file: file.write_text("def evaluate(x"), "SyntaxError"),
        ],
    )
    def test_a_script_that_does_not_serve_is_one_sentence_and_another_file_does(
        self, home: Path, elsewhere: Path, change: object, says: str
    ) -> None:
        (home / "job.py").write_text(HEAD + EVALUATE + start())
        line = command_on_screen(in_terminal(["job.py"], home))
        change(home / "job.py")  # type: ignore[operator]
        done = shell(line, home)
        assert done.returncode == 2
        [error] = [said for said in done.stderr.splitlines() if said.startswith("error: ")]
        assert says in error
        (elsewhere / "saved one.py").write_text(EVALUATE)
        done = shell(f"{line} --evaluator 'saved one.py:evaluate'", elsewhere)
        assert done.returncode == 0, done.stderr
        assert "warning" not in done.stderr
        assert losses(home / "run_demo") == LOSSES[:6]
        done = shell(line.replace("count: 6", "count: 8"), home)  # it is noted where it was found
        assert done.returncode == 0, done.stderr
        assert losses(home / "run_demo") == LOSSES[:8]


class TestMovedFolder:
    def test_script_and_module_beside_it_that_moved_along(self, home: Path, tmp_path: Path) -> None:
        (home / "beside_it.py").write_text("SHIFT = 0.25\n")
        (home / "job.py").write_text(HEAD + EVALUATE.replace("SHIFT = 0.25", "from beside_it import SHIFT") + start())
        shown = in_terminal(["job.py"], home)
        moved = home.rename(tmp_path / "moved")
        (moved / "runs").mkdir()
        line = command_on_screen(shown).replace(str(home), str(moved))
        done = shell(line, tmp_path)
        assert done.returncode == 0, done.stderr
        assert losses(moved / "run_demo") == LOSSES[:6]

    @pytest.mark.slow
    def test_a_copy_uses_the_script_that_was_copied_with_it(self, home: Path, tmp_path: Path) -> None:
        (home / "job.py").write_text(HEAD + EVALUATE + start())
        line = command_on_screen(in_terminal(["job.py"], home))
        copy = tmp_path / "copy"
        shutil.copytree(home, copy)
        (copy / "job.py").write_text(HEAD + EVALUATE.replace("** 2", "* 0") + start())
        done = shell(line.replace(str(home), str(copy)), tmp_path)
        assert done.returncode == 0, done.stderr
        assert "code or data of the evaluator" in done.stderr
        assert losses(copy / "run_demo") == [*LOSSES[:3], 0.0, 0.0, 0.0]

    @pytest.mark.slow
    def test_the_folder_of_the_run_alone(self, home: Path, elsewhere: Path) -> None:
        (home / "job.py").write_text(HEAD + EVALUATE + start())
        line = command_on_screen(in_terminal(["job.py"], home))
        (home / "run_demo").rename(elsewhere / "run_demo")
        done = shell(line.replace(str(home), str(elsewhere)), elsewhere)
        assert done.returncode == 0, done.stderr
        assert losses(elsewhere / "run_demo") == LOSSES[:6]

    @pytest.mark.slow
    def test_a_function_of_a_module_beside_the_script(self, home: Path, tmp_path: Path) -> None:
        (home / "losses_of_job.py").write_text(EVALUATE)
        (home / "start.py").write_text(HEAD + "from losses_of_job import evaluate\n" + start())
        shown = in_terminal(["start.py"], home)
        extended(shown, home / "run_demo", 6, tmp_path)
        moved = home.rename(tmp_path / "moved")
        line = command_on_screen(shown).replace(str(home), str(moved)).replace("count: 6", "count: 8")
        assert shell(line, tmp_path).returncode == 0
        assert losses(moved / "run_demo") == LOSSES[:8]

    @pytest.mark.slow
    def test_a_fork_made_elsewhere(self, home: Path, elsewhere: Path) -> None:
        (home / "job.py").write_text(HEAD + EVALUATE + start())
        in_terminal(["job.py"], home)
        for at, name in ((None, "all"), (0, "none")):
            record = "" if at is None else f" --at {at}"
            done = shell(
                f"runlib fork '{home / 'run_demo'}'{record} --name {name} --stop '{{stop_max: {{count: 5}}}}'",
                elsewhere,
            )
            assert done.returncode == 0, done.stderr
            done = shell(command_on_screen(done.stderr), home)
            assert done.returncode == 0, done.stderr
            assert losses(elsewhere / f"run_{name}") == LOSSES[:5]


class TestWithoutAFile:
    def test_lines_piped_into_python(self, home: Path, elsewhere: Path) -> None:
        text = HEAD + EVALUATE + start()
        shown = in_terminal(["-"], home, text)
        assert "where evaluate is defined, or with evaluate saved in FILE.py, by: runlib restore" in shown
        done = python(f"{HEAD}{EVALUATE}{call_on_screen(shown)}\n", elsewhere)
        assert done.returncode == 0, done.stderr
        assert losses(home / "run_demo") == LOSSES[:6]
        (home / "FILE.py").write_text(text)  # saved as it was, with the start of a run in it
        done = shell(command_on_screen(shown).replace("count: 6", "count: 8"), home)
        assert done.returncode == 0, done.stderr
        assert losses(home / "run_demo") == LOSSES[:8]

    def test_a_notebook_goes_on_by_itself_or_from_a_file(self, home: Path, elsewhere: Path) -> None:
        text = lookalike(HEAD + EVALUATE + STEPS) + start().replace(POINTS, "Steps()")
        text += f"Run.restore({str(home / 'run_demo')!r}, new_stop=StopMax(5)).run()\n"
        shown = in_terminal(["-"], home, text)
        assert "in this notebook, or with evaluate and Steps saved in FILE.py, by: runlib restore" in shown
        assert losses(home / "run_demo") == LOSSES[:5]
        (elsewhere / "FILE.py").write_text(HEAD + STEPS + EVALUATE)
        done = shell(command_on_screen(shown).replace("count: 10", "count: 8"), elsewhere)
        assert done.returncode == 0, done.stderr
        assert losses(home / "run_demo") == LOSSES[:8]

    def test_the_command_without_a_file_says_what_to_give(self, home: Path) -> None:
        in_terminal(["-c", HEAD + EVALUATE + start()], home)
        done = shell("runlib restore run_demo --stop '{stop_max: {count: 6}}'", home)
        assert done.returncode == 2
        [error] = done.stderr.splitlines()
        assert "'__main__:evaluate' was defined in a program that has no file of its own" in error
        assert "--evaluator FILE.py:NAME" in error


KILLED = """
import os, pathlib, signal

def evaluate(x):
    if x == 0.375 and not pathlib.Path("killed").exists():
        pathlib.Path("killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return (x - 0.25) ** 2

"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["script", "guarded", "module", "input", "components"])
def test_killed_and_gone_on_with_by_the_words_on_the_screen(home: Path, elsewhere: Path, kind: str) -> None:
    begin = start().replace("StopMax(3)", "StopMax(9)")
    if kind == "components":
        begin = begin.replace(POINTS, "Steps()")
    text = HEAD + STEPS + KILLED + ('if __name__ == "__main__":\n    ' if kind == "guarded" else "") + begin
    (home / "job.py").write_text(text)
    arguments = {"module": ["-m", "job"], "input": ["-"]}.get(kind, ["job.py"])
    shown = in_terminal(arguments, home, text)
    assert losses(home / "run_demo") == LOSSES[:3]
    line = command_on_screen(shown)
    assert line in shell("runlib status run_demo", home).stdout
    if kind == "input":
        line = line.replace("FILE.py", f"'{home}'/job.py")
    done = shell(line, elsewhere)
    assert done.returncode == 0, done.stderr
    assert losses(home / "run_demo") == LOSSES
