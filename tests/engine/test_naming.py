"""Names lead to functions and back, and what has no name is said to have none."""

from __future__ import annotations

import functools
import math
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from runlib.engine.code.modules import add_path, find_file
from runlib.engine.code.naming import find_function, name_function
from runlib.errors import ConfigError


def top(x):
    return x


def decorate(function):
    @functools.wraps(function)
    def wrapped(*args):
        return function(*args)

    return wrapped


decorated_elsewhere = decorate(top)


@decorate
def decorated(x):
    return x


class Holder:
    def method(self, x):
        return x

    @classmethod
    def of_class(cls, x):
        return x

    @staticmethod
    def static(x):
        return x

    def __call__(self, x):
        return x


@pytest.mark.parametrize("function", [top, decorated, Holder.of_class, Holder.static, math.sqrt, abs, Holder])
def test_names_lead_back(function: Any) -> None:
    name = name_function(function)
    assert "<" not in name
    assert find_function(name) == function


def test_the_form_of_names() -> None:
    assert name_function(top) == f"{__name__}:top"
    assert name_function(Holder.of_class) == f"{__name__}:Holder.of_class"
    assert name_function(math.sqrt) == "math:sqrt"


def nested():
    def inner(x):
        return x

    return inner


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda x: x, f"{__name__}:<lambda>"),
        (nested(), f"{__name__}:nested.<locals>.inner"),
        (Holder().method, f"{__name__}:<Holder.method>"),
        (Holder(), f"{__name__}:<Holder object>"),
        (functools.partial(top, 1), f"functools:<partial of {__name__}:top>"),
        (decorated_elsewhere, f"{__name__}:<top>"),  # the plain name is that of another function
    ],
)
def test_what_no_name_leads_to_is_marked_and_refused(function: Any, name: str) -> None:
    assert name_function(function) == name
    with pytest.raises(ConfigError, match=r"cannot be found by its name.*evaluator=\.\.\."):
        find_function(name)


def test_a_function_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "objective_in_a_file.py").write_text("def loss(x):\n    return x + 1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert find_function("objective_in_a_file.py:loss")(1) == 2
    assert find_function(f"{tmp_path}/objective_in_a_file.py:loss")(1) == 2
    monkeypatch.delitem(sys.modules, "objective_in_a_file")


def test_a_function_of_the_running_script(monkeypatch: pytest.MonkeyPatch) -> None:
    script = ModuleType("__main__")
    script.objective = top  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "__main__", script)
    assert find_function("__main__:objective") is top
    with pytest.raises(ConfigError, match="defined in a script, and the one that is running has none"):
        find_function("__main__:other")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("top", "'module:name' or 'file.py:name', got 'top'"),
        (":top", "'module:name'"),
        ("math:", "'module:name'"),
        ("math:sqr", "there is no 'sqr' in 'math'; did you mean 'sqrt'"),
        ("math:pi", "'math:pi' cannot be called: it is of type float"),
        ("no_such_module_here:f", "cannot be imported: ModuleNotFoundError"),
        ("no_such_file_here.py:f", "no file 'no_such_file_here.py' in"),
    ],
)
def test_names_that_lead_nowhere(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        find_function(name)


def test_a_file_that_fails_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "objective_that_fails.py").write_text("1 / 0\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(ConfigError, match=r"cannot be imported: ZeroDivisionError: division by zero"):
        find_function(f"{tmp_path}/objective_that_fails.py:loss")


def test_a_file_that_is_not_there_names_each_place_once(
    own_registry: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path / "link")
    for folder in (".", tmp_path, tmp_path / "configs", "configs", "configs/../configs"):
        add_path(folder)
    with pytest.raises(ConfigError) as caught:
        find_file("train.py")
    assert str(caught.value) == f"no file 'train.py' in {tmp_path} or {tmp_path / 'configs'}"
    with pytest.raises(ConfigError) as caught:
        find_file(tmp_path / "configs" / "train.py")
    assert str(caught.value).endswith(f"in {tmp_path / 'configs'}")
