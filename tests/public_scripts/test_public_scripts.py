"""Scripts of the shapes that people publish, for hyperopt, Optuna and scikit-learn, run here with few words changed.

Each is run in an empty folder by an interpreter of its own, and asserts by itself what it wants.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # interpreters that import scikit-learn
SCRIPTS = Path(__file__).parent / "scripts"


def run_script(folder: Path, name: str, *, piped: bool = False) -> subprocess.CompletedProcess[str]:
    script = SCRIPTS / f"{name}.py"
    where = ["-"] if piped else [str(script)]
    return subprocess.run(
        [sys.executable, *where],
        cwd=folder,
        input=script.read_text() if piped else "",
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize(
    "name", ["choice_of_models", "objective_class", "parallel_folds", "randomized_search", "text_pipeline"]
)
def test_a_script_runs_as_it_was_written(tmp_path: Path, name: str) -> None:
    done = run_script(tmp_path, name)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_a_notebook_fed_to_the_interpreter_shows_no_warning(tmp_path: Path) -> None:
    done = run_script(tmp_path, "trials_of_the_wiki", piped=True)
    assert done.returncode == 0, done.stderr
    assert "not to be seen" not in done.stderr
    assert "from 10 trials to 15" in done.stdout


def test_a_killed_script_that_is_started_again_goes_on(tmp_path: Path) -> None:
    first = run_script(tmp_path, "load_if_exists")
    assert first.returncode == -9
    again = run_script(tmp_path, "load_if_exists")
    assert again.returncode == 0, again.stderr
    assert "best" in again.stdout
    evaluated = (tmp_path / "evaluated.txt").read_text().splitlines()
    assert len(set(evaluated)) == 12
    assert len(evaluated) <= 12 + (os.cpu_count() or 1)  # what ran when it died is evaluated again
