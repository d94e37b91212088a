"""The function that a restore is given: the same one wherever it was imported from."""

from __future__ import annotations

import functools
import importlib.util
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from runlib import ConfigError, EvaluationError, Run, StopMax
from runlib.engine.code.program import Program
from runlib.evaluator.functions.function import FunctionEvaluator
from tests.fakes import DirectPool, SpySearch

SOURCE = """
def evaluate(x):
    return (x - 0.5) ** 2

def renamed(x):
    return (x - 0.5) ** 2

def other(x):
    return (x - 0.5) ** 4

class Holder:
    @staticmethod
    def evaluate(x):
        return x
"""
CHANGED = SOURCE.replace("0.5", "0.25")


def load(folder: Path, name: str, text: str) -> ModuleType:
    """A module that was loaded from a file by its path."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.py"
    file.write_text(text)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def modules(tmp_path: Path, own_registry: None) -> tuple[ModuleType, ModuleType]:
    """The module that a run was started with, and the same source elsewhere."""
    return load(tmp_path / "a", "job_of_old", SOURCE), load(tmp_path / "b", "job_of_now", SOURCE)


def make(evaluator: Any, folder: Path) -> Path:
    return Run(SpySearch(), evaluator, StopMax(3), pool=DirectPool()).prepare(folder).run().work_directory


def restore(folder: Path, evaluator: Any) -> Run:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return Run.restore(folder, evaluator=evaluator, new_stop=StopMax(6), pool=DirectPool()).run()


PICK: list[tuple[str, Callable[[ModuleType], Any]]] = [
    ("the function", lambda module: module.evaluate),
    ("an evaluator of it", lambda module: FunctionEvaluator(module.evaluate)),
    ("a partial", lambda module: functools.partial(module.evaluate)),
    ("a static method", lambda module: module.Holder.evaluate),
]


@pytest.mark.parametrize("pick", [pick for _, pick in PICK], ids=[name for name, _ in PICK])
def test_from_another_module(modules: tuple[ModuleType, ModuleType], tmp_path: Path, pick: Any) -> None:
    old, now = modules
    folder = make(pick(old), tmp_path)
    run = restore(folder, pick(now))
    assert len(run.state.trials) == 6
    assert run.get_config()["run"]["evaluator"] == Run.checkout(folder).get_config()["run"]["evaluator"]


def test_by_its_source_under_another_name(modules: tuple[ModuleType, ModuleType], tmp_path: Path) -> None:
    old, now = modules
    text = SOURCE.replace("def evaluate", "def evaluate_it", 1)
    moved = load(tmp_path / "c", "job_moved", text.replace("evaluate_it", "evaluate"))
    folder = make(old.evaluate, tmp_path)
    assert len(restore(folder, moved.evaluate).state.trials) == 6
    nested: dict[str, Any] = {}

    def outer() -> Any:
        return now.evaluate

    nested["evaluate"] = outer()
    assert len(Run.restore(folder, evaluator=nested["evaluate"], new_stop=StopMax(8)).run().state.trials) == 8


def test_of_the_same_name_with_another_body_is_warned_of(
    modules: tuple[ModuleType, ModuleType], tmp_path: Path
) -> None:
    folder = make(modules[0].evaluate, tmp_path)
    other = load(tmp_path / "c", "job_changed", CHANGED)
    with pytest.warns(RuntimeWarning, match="code or data of the evaluator"):
        run = Run.restore(folder, evaluator=other.evaluate, new_stop=StopMax(6), pool=DirectPool()).run()
    assert len(run.state.trials) == 6


def test_of_another_name_with_another_body_is_refused(modules: tuple[ModuleType, ModuleType], tmp_path: Path) -> None:
    folder = make(modules[0].evaluate, tmp_path)
    for other in (modules[1].other, modules[0].Holder.evaluate, len, lambda x: x):
        with pytest.raises(
            ConfigError, match=r"evaluator: is another evaluator than that of the run .*/run_.*: .*job_of_old"
        ):
            Run.restore(folder, evaluator=other)


def nested(low: float) -> dict[str, Any]:
    def inside(x: float) -> float:
        return (x - low) ** 2

    return {
        "lambda": lambda x: (x - 0.5) ** 2,
        "closure": inside,
        "partial": functools.partial(lambda x, y: x * y, y=2),
    }


def test_a_lambda_of_another_statement_and_a_function_under_another_name_are_the_same(
    modules: tuple[ModuleType, ModuleType], tmp_path: Path
) -> None:
    pairs: list[tuple[Any, Any]] = [
        (lambda x: (x - 0.5) ** 2, nested(0)["lambda"]),
        (nested(0)["lambda"], lambda x: (x - 0.5) ** 2),
        (functools.partial(lambda x, y: x * y, y=2), nested(0)["partial"]),
        (nested(0.5)["closure"], nested(0.5)["closure"]),
        (modules[0].evaluate, modules[1].renamed),
    ]
    for place, (old, now) in enumerate(pairs):
        folder = make(old, tmp_path / str(place))
        assert len(restore(folder, now).state.trials) == 6


def test_what_is_bound_to_a_function_counts(tmp_path: Path) -> None:
    folder = make(functools.partial(lambda x, y: x * y, y=3), tmp_path)
    with pytest.raises(ConfigError, match="give a function of the same name or with the same source"):
        Run.restore(folder, evaluator=nested(0)["lambda"])
    folder = make(lambda x: (x - 0.5) ** 2, tmp_path)
    with pytest.raises(ConfigError, match=r"let another one have a run of its own: Run\(search, evaluator, stop\)"):
        Run.restore(folder, evaluator=nested(0.5)["closure"])


def test_a_name_is_taken_and_found_again(modules: tuple[ModuleType, ModuleType], tmp_path: Path) -> None:
    folder = make(modules[0].evaluate, tmp_path)
    del sys.modules["job_of_old"]
    (tmp_path / "a" / "job_of_old.py").unlink()
    file = tmp_path / "b" / "job_of_now.py"
    assert len(restore(folder, f"{file}:evaluate").state.trials) == 6
    noted = Run.checkout(folder).state.last_session
    assert noted["evaluator"] == f"{file}:evaluate"
    again = Run.restore(folder, new_stop=StopMax(9), pool=DirectPool()).run()  # nothing given: where it was found
    assert len(again.state.trials) == 9
    assert again.state.last_session["evaluator"] == f"{file}:evaluate"


def test_a_tape_that_says_nothing_of_its_program(
    tmp_path: Path, own_registry: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(SOURCE, namespace)
    monkeypatch.setattr(sys.modules["__main__"], "evaluate", namespace["evaluate"], raising=False)
    monkeypatch.setattr(Program, "as_data", lambda self: {})  # nothing, as an earlier version wrote
    folder = make(namespace["evaluate"], tmp_path)
    monkeypatch.undo()
    with pytest.raises(ConfigError, match=r"--evaluator FILE\.py:NAME"):
        Run.restore(folder)
    (tmp_path / "saved.py").write_text(SOURCE)
    run = Run.restore(folder, evaluator=f"{tmp_path / 'saved.py'}:evaluate", new_stop=StopMax(5), pool=DirectPool())
    assert len(run.run().state.trials) == 5


def test_an_error_names_the_folder(tmp_path: Path) -> None:
    def failing(x: float) -> float:
        raise KeyError("gone")

    run = Run(SpySearch(), failing, StopMax(3), pool=DirectPool()).prepare(tmp_path)
    with pytest.raises(EvaluationError, match=r"a restore of .*run_\w+ evaluates it again") as caught:
        run.run()
    assert caught.value.folder == run.work_directory
    assert str(run.work_directory) in str(caught.value)
