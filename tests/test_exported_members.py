"""The public names: all there, sorted, complete, and cheap to import."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import runlib
from runlib import errors
from runlib.engine import registry
from runlib.engine.component import Component

FRONT = ["Component", "Evaluator", "Hyperopt", "Observer", "Pool", "Run", "Search", "Stop"]
FRONT += ["compute_hash", "from_config", "register", "to_config"]
HEAVY = ["hyperopt", "scipy", "joblib", "numpy", "sklearn", "rich", "typer", "coolname"]


def fresh(code: str) -> Any:
    """What a program prints as JSON in a process of its own."""
    run = [sys.executable, "-c", code]
    return json.loads(subprocess.run(run, check=True, capture_output=True, text=True).stdout)


def component_kinds() -> dict[str, str]:
    """The kind of each component class in the source of the package, by the name of the class."""
    files = Path(runlib.__file__).parent.rglob("*.py")
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    classes = {node.name: node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    kinds = {name: kind for name, node in classes.items() for kind in map(_kind, node.body) if kind}
    return {name: kind for name, kind in kinds.items() if _is_component(name, classes)}


def _is_component(name: str, classes: dict[str, ast.ClassDef]) -> bool:
    bases = [ast.unparse(base).split(".")[-1] for base in classes[name].bases] if name in classes else []
    return "Component" in bases or any(_is_component(base, classes) for base in bases if base != name)


def _kind(node: ast.stmt) -> str | None:
    if isinstance(node, ast.Assign):
        target, value = node.targets[0], node.value
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        target, value = node.target, node.value
    else:
        return None
    is_kind = isinstance(target, ast.Name) and target.id == "kind" and isinstance(value, ast.Constant)
    return str(value.value) if is_kind and isinstance(value, ast.Constant) else None


def test_the_public_names_are_sorted_and_there() -> None:
    assert runlib.__all__ == sorted(set(runlib.__all__))
    assert [name for name in runlib.__all__ if not hasattr(runlib, name)] == []


@pytest.mark.parametrize("name", FRONT)
def test_the_names_of_every_day_are_public(name: str) -> None:
    assert name in runlib.__all__


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_is_public(name: str) -> None:
    assert getattr(runlib, name) is getattr(errors, name)
    assert name in runlib.__all__


def test_every_error_of_the_module_is_listed() -> None:
    classes = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert classes == set(errors.__all__)


def test_every_registered_component_is_public() -> None:
    own = [cls for cls in registry.classes(Component) if cls.__module__.split(".")[0] == "runlib"]
    assert len(own) >= 10
    assert [cls.__qualname__ for cls in own if getattr(runlib, cls.__name__, None) is not cls] == []
    assert [cls.__qualname__ for cls in own if cls.__name__ not in runlib.__all__] == []


def test_every_component_of_the_source_is_known_after_import() -> None:
    known = fresh("import json, runlib.engine.registry as r; print(json.dumps(sorted(r._classes)))")
    kinds = component_kinds()
    assert {"Hyperopt": "search_hyperopt", "StopMax": "stop_max"}.items() <= kinds.items()
    assert sorted(set(kinds.values()) - set(known)) == []
    assert sorted(set(kinds) - set(runlib.__all__)) == []


def test_the_kinds_carry_their_family() -> None:
    prefixes = {
        "Search": "search_",
        "Evaluator": "eval_",
        "Stop": "stop_",
        "Pool": "pool_",
        "Observer": "observe_",
    }
    for family, prefix in prefixes.items():
        own = [c for c in registry.classes(getattr(runlib, family)) if c.__module__.startswith("runlib.")]
        assert own
        assert [vars(cls)["kind"] for cls in own if not vars(cls)["kind"].startswith(prefix)] == []


def test_import_runlib_is_cheap() -> None:
    loaded = fresh(f"import json, sys, runlib; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))")
    assert loaded == []


def test_import_runlib_configures_nothing() -> None:
    code = """
import json, logging, signal, sys, warnings
def look():
    return [logging.getLogger().level, len(logging.getLogger().handlers), str(warnings.filters),
            [str(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)],
            sys.excepthook is sys.__excepthook__, sys.path]
before = look()
import runlib
print(json.dumps(look() == before))
"""
    assert fresh(code) is True


def test_a_component_is_found_by_its_config_in_a_fresh_process() -> None:
    code = """
import json, runlib
made = runlib.from_config({"stop_max": {"count": 3}})
print(json.dumps([type(made).__name__, isinstance(made, runlib.Stop), runlib.to_config(made)]))
"""
    name, is_stop, config = fresh(code)
    assert (name, is_stop) == ("StopMax", True)
    assert config["stop_max"]["count"] == 3
    assert runlib.compute_hash(config) == runlib.compute_hash(json.loads(json.dumps(config)))
