"""A fingerprint is the same for the same source in every process, and another one for another source."""

from __future__ import annotations

import functools
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runlib.engine.registry import import_file
from runlib.evaluator.functions.fingerprint import fingerprint_function

SCRIPT = """
from runlib.evaluator.functions.fingerprint import fingerprint_function

def objective(x, y=3):
    if x in {"a", "b", "c", "d", "e"}:
        return 1.0
    def inner(z):
        return z * 2
    return inner(BODY) + y

print(fingerprint_function(objective))
"""


def run(script: str, file: Path | None, seed: str) -> str:
    command = [sys.executable, "-"] if file is None else [sys.executable, str(file)]
    if file is not None:
        file.write_text(script)
    done = subprocess.run(
        command,
        input=script if file is None else None,
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    return done.stdout.strip()


def test_a_script_without_a_file_has_one_and_it_is_stable() -> None:
    first = run(SCRIPT, None, "1")
    assert len(first) == 32
    assert run("# another line\n" + SCRIPT, None, "2") == first  # neither the place nor the order of sets counts
    assert run(SCRIPT.replace("BODY", "x"), None, "1") != first


def test_a_script_in_a_file_has_one_and_it_is_stable(tmp_path: Path) -> None:
    first = run(SCRIPT, tmp_path / "a.py", "1")
    assert len(first) == 32
    assert run("# another line\n" + SCRIPT, tmp_path / "b.py", "2") == first
    assert run(SCRIPT.replace("* 2", "* 3"), tmp_path / "c.py", "1") != first


def define(source: str) -> Any:
    names: dict[str, Any] = {}
    exec(source, names)
    return names["f"]


@pytest.mark.parametrize(
    "other",
    [
        "def f(x): return x + 2",
        "def f(x): return y + 1",
        "def f(x, z=1): return x + 1",
        "def f(x): return x - 1",
    ],
)
def test_compiled_code_differs_with_the_source(other: str) -> None:
    first = fingerprint_function(define("def f(x): return x + 1"))
    assert first == fingerprint_function(define("\n\ndef f(x):\n    return x + 1"))
    assert fingerprint_function(define(other)) != first


def test_a_default_counts_in_compiled_code() -> None:
    assert fingerprint_function(define("def f(x=1): return x")) != fingerprint_function(define("def f(x=2): return x"))


def objective(x):
    return x


def other(x):
    return x


class Evaluation:
    def __call__(self, x):
        return x

    def method(self, x):
        return x


def test_indentation_of_the_whole_does_not_count() -> None:
    if True:

        def objective(x):
            return x

    assert fingerprint_function(objective) == fingerprint_function(globals()["objective"])


def test_two_functions_have_two() -> None:
    assert fingerprint_function(objective) != fingerprint_function(other)


def test_methods_objects_and_classes_have_one() -> None:
    prints = [fingerprint_function(f) for f in (Evaluation().method, Evaluation(), lambda x: x)]
    assert None not in prints
    assert len(set(prints)) == 3


def test_what_a_partial_binds_counts() -> None:
    first = fingerprint_function(functools.partial(objective, 1))
    assert first == fingerprint_function(functools.partial(objective, 1))
    assert first != fingerprint_function(functools.partial(objective, 2))
    assert first != fingerprint_function(functools.partial(other, 1))
    assert fingerprint_function(functools.partial(objective, object())) is not None


def test_what_was_not_written_in_python_has_none() -> None:
    assert fingerprint_function(math.sqrt) is None
    assert fingerprint_function(functools.partial(math.sqrt, 2)) is None


CLASS = """
class Evaluation:
    def __call__(self, x):
        return self.scaled(x)

    def scaled(self, x):
        return x * SCALE

f = Evaluation()
"""


def test_the_whole_class_of_an_object_counts(tmp_path: Path, own_registry: None) -> None:
    prints = []
    for scale in ("2", "3", "2"):
        file = tmp_path / f"evaluation_{len(prints)}.py"
        file.write_text(CLASS.replace("SCALE", scale))
        prints.append(fingerprint_function(import_file(str(file)).f))
    assert prints[0] == prints[2]
    assert prints[0] != prints[1]


def test_an_object_without_source_has_that_of_its_call() -> None:
    first = fingerprint_function(define(CLASS))
    assert first is not None
    assert fingerprint_function(define(CLASS)) == first
    assert fingerprint_function(define(CLASS.replace("self.scaled(x)", "self.other(x)"))) != first


def test_a_class_without_source_has_none() -> None:
    assert fingerprint_function(define("class f: pass")) is None
