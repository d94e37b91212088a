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
from runlib.engine import announced, registry
from runlib.engine.component import Component

FRONT = ["Component", "Evaluator", "Hyperopt", "Observer", "Pool", "Run", "Search", "Stop"]
FRONT += ["compute_hash", "from_config", "register", "to_config"]
HEAVY = ["hyperopt", "scipy", "joblib", "numpy", "sklearn", "rich", "typer", "coolname"]
LATE = [*HEAVY, "yaml", "orjson", "cloudpickle", "inspect", "logging", "subprocess", "runlib.run.run"]


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
    known = fresh("import json, runlib, runlib.engine.announced as a; print(json.dumps(sorted(a.announced())))")
    kinds = component_kinds()
    assert {"Hyperopt": "search_hyperopt", "StopMax": "stop_max"}.items() <= kinds.items()
    assert sorted(kinds.values()) == known
    assert sorted(set(kinds) - set(runlib.__all__)) == []


def test_every_kind_is_announced_with_its_class() -> None:
    for kind in announced.announced():
        cls = announced.find_class(kind)
        assert cls.kind == kind
        assert registry.lookup(kind) is cls


def test_a_class_of_another_with_a_built_in_kind_is_a_conflict_before_that_is_imported() -> None:
    code = """
import json, runlib
class Mine(runlib.Search, abstract=True):
    kind = "search_sobol"
try:
    runlib.register(Mine)
except runlib.KindConflict as error:
    print(json.dumps(str(error)))
"""
    assert "runlib.search.sobol.SobolSearch and __main__.Mine" in fresh(code)


def test_names_that_a_checker_sees_are_those_that_are_imported_at_first_use() -> None:
    tree = ast.parse(Path(str(runlib.__file__)).read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert ast.unparse(block.test) == "TYPE_CHECKING"
    assert seen == runlib._MODULES
    assert sorted(seen) == runlib.__all__


def test_all_names_are_listed_before_they_are_imported() -> None:
    show = "print(json.dumps([before, Run.__name__]))"
    before, run = fresh(f"import json, runlib; before = dir(runlib); from runlib import *; {show}")
    assert set(runlib.__all__) <= set(before)
    assert run == "Run"


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'runlib' has no attribute 'Runn'"):
        _ = runlib.Runn  # type: ignore[attr-defined]
    with pytest.raises(ImportError, match="Runn"):
        exec("from runlib import Runn")


def test_folders_are_attributes_as_after_an_import_of_their_own() -> None:
    assert fresh("import json, runlib; print(json.dumps(runlib.errors.RunlibError.__name__))") == "RunlibError"
    folders = [path.parent.name for path in Path(str(runlib.__file__)).parent.glob("*/__init__.py")]
    assert len(folders) > 10
    assert [name for name in folders if not hasattr(runlib, name)] == []


@pytest.mark.parametrize("how", ["import runlib; runlib.Run", "from runlib import Run"])
def test_ctrl_c_while_a_name_is_imported_is_silent(how: str, tmp_path: Path) -> None:
    # The module that is imported in the middle of it interrupts its own process.
    (tmp_path / "coming.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    code = f"import sys, runlib\nsys.path.insert(0, {str(tmp_path)!r})\nimport runlib.engine.extras as e\n"
    code += "load = e.load\nrunlib.load = lambda name: (load('coming'), load(name))[1]\n" + how.replace("; ", "\n")
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_names_are_imported_in_a_thread_while_the_main_thread_imports() -> None:
    code = """
import json, signal, threading, runlib
from runlib.engine.code import undisturbed
undisturbed.begin()
found = []
thread = threading.Thread(target=lambda: found.append(runlib.Run.__name__))
thread.start()
thread.join()
held = signal.getsignal(signal.SIGINT) is not signal.default_int_handler
undisturbed.end()
print(json.dumps([found, held, signal.getsignal(signal.SIGINT) is signal.default_int_handler]))
"""
    assert fresh(code) == [["Run"], True, True]


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
    loaded = fresh(
        f"import sys, runlib; late = [m for m in {LATE} if m in sys.modules]; import json; print(json.dumps(late))"
    )
    assert loaded == []


def test_the_names_of_a_run_are_cheap() -> None:
    code = f"import json, sys; from runlib import *; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    assert fresh(code) == []


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
