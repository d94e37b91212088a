"""A script executed for its definitions: what it sees, what stays of it, and where it is stopped."""

from __future__ import annotations

import logging
import os
import pickle
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runlib.engine import registry
from runlib.engine.code.naming import find_function
from runlib.engine.code.program import Program
from runlib.engine.code.script import Script, define, standing_in
from runlib.engine.code.starts import StartOfRun, no_run_starts, refuse_start
from runlib.errors import ConfigError

RUN = "from runlib.engine.code.starts import refuse_start\n"


@pytest.fixture(autouse=True)
def _own_search_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of a script stays on the search path; of a test's it is not to."""
    monkeypatch.setattr(sys, "path", list(sys.path))


def script(home: Path, text: str, **more: Any) -> Script:
    file = home / "job.py"
    file.write_text(text)
    return Script(replace(Program("script", str(home), file=str(file)), **more))


@pytest.mark.parametrize(
    "guard",
    [
        'if __name__ == "__main__":',
        "if '__main__' == __name__ and True:",
        'if __name__ in {"__main__", "__mp_main__"}:',
        'if not __name__ != "__main__":',
    ],
)
def test_what_is_guarded_does_not_run(tmp_path: Path, guard: str) -> None:
    module = script(tmp_path, f"before = 1\n{guard}\n    inside = 2\nafter = 3\n").definitions()
    assert (module.before, module.after, hasattr(module, "inside")) == (1, 3, False)


def test_what_it_defines_belongs_to_main(tmp_path: Path) -> None:
    text = """
from __future__ import annotations
import dataclasses, pickle, sys, typing
@dataclasses.dataclass
class Point:
    x: typing.ClassVar[int] = 1
    y: int = 2
    def method(self): ...
def function(): return __name__
@staticmethod
def static(): ...
made = pickle.loads(pickle.dumps(Point(5)))
seen = __name__
own = sys.modules[__name__].function
[looped for looped in range(2)]
del static
"""
    module = script(tmp_path, text).definitions()
    assert {module.Point.__module__, module.Point.method.__module__, module.function.__module__} == {"__main__"}
    assert module.made.y == 5
    assert module.seen != "__main__"
    assert module.function() == "__main__"
    assert module.own is module.function
    assert not hasattr(module, "static")


def test_the_program_that_imports_it_is_as_before(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    text = "import os, sys\nargv, cwd, first = list(sys.argv), os.getcwd(), sys.path[0]\n"
    before = (list(sys.argv), os.getcwd(), sys.modules["__main__"])
    module = script(tmp_path, text, arguments=("--deep", "3"), folder=str(folder)).definitions()
    assert module.argv == [str(tmp_path / "job.py"), "--deep", "3"]
    assert (module.cwd, module.first) == (str(folder), str(tmp_path))
    assert (sys.argv, os.getcwd(), sys.modules["__main__"]) == before
    assert (sys.path[0] == str(tmp_path), sys.path[-1]) == (False, str(tmp_path))


def test_it_prints_to_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script(tmp_path, "print('said')\n").definitions()
    assert capsys.readouterr() == ("", "said\n")


@pytest.mark.parametrize(
    "start",
    [
        "refuse_start('this run')",
        "try:\n    refuse_start('this run')\nexcept Exception:\n    after = 1",
        "try:\n    refuse_start('this run')\nexcept:\n    not_defined",
        "run = None\ntry:\n    refuse_start('this run')\nfinally:\n    run.close()",
        "import asyncio\nasync def main():\n    refuse_start('this run')\nasyncio.run(main())",
        "from concurrent.futures import ThreadPoolExecutor\nlist(ThreadPoolExecutor().map(refuse_start, ['this run']))",
        "import sys\nsys.exit(refuse_start('this run'))",
    ],
)
def test_one_without_a_guard_is_stopped_and_used(tmp_path: Path, start: str) -> None:
    found = script(tmp_path, f"{RUN}def evaluate(): return 7\n{start}\nafter = 1\n")
    module = found.definitions()
    assert module.evaluate() == 7
    assert (found.is_stopped, found.stopped) == (True, "this run")
    assert not hasattr(module, "after")


def test_leaving_by_exit_is_an_end(tmp_path: Path) -> None:
    found = script(tmp_path, "def evaluate(): return 7\nraise SystemExit(2)\n")
    assert found.definitions().evaluate() == 7
    assert not found.is_stopped


def test_what_it_raises_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"script '.*job\.py' cannot be imported: ZeroDivisionError"):
        script(tmp_path, "1 / 0\n").definitions()
    with pytest.raises(ConfigError, match=r"cannot be imported: SyntaxError"):
        script(tmp_path, "def f(:\n").definitions()
    with pytest.raises(ConfigError, match="is not there any more"):
        Script(Program("script", "", file=str(tmp_path / "gone.py"))).definitions()


def test_runs_that_were_started_before_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    script(tmp_path, f"{RUN}refuse_start()\n", earlier=2).definitions()
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "had started 2 runs before this one" in record.getMessage()


def test_a_bystander_may_start_a_run_meanwhile() -> None:
    begin, done, failures = threading.Event(), threading.Event(), []

    def bystander() -> None:
        assert begin.wait(30)
        try:
            refuse_start("mine")
        except BaseException as error:
            failures.append(error)
        done.set()

    thread = threading.Thread(target=bystander)
    thread.start()
    with no_run_starts() as this:
        begin.set()
        assert done.wait(30)
        with pytest.raises(StartOfRun):
            refuse_start("not mine")
    thread.join()
    assert failures == []
    assert this.run == "not mine"
    refuse_start("afterwards it may")


def test_names_of_main_are_looked_for_in_the_script(tmp_path: Path) -> None:
    found = script(
        tmp_path, "class Holder:\n    @staticmethod\n    def inner(x): return x\ndef evaluate(x): return x\n"
    )
    with pytest.raises(ConfigError, match="was defined in a script, and the one that is running has none"):
        find_function("__main__:evaluate_of_job")
    with standing_in(found):
        assert find_function("__main__:evaluate")(3) == 3
        assert find_function("__main__:Holder.inner")(3) == 3
        with pytest.raises(ConfigError, match=r"there is no 'evaluat' in .*job\.py"):
            find_function("__main__:evaluat")


def test_this_program_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "evaluate_here", abs, raising=False)
    found = script(tmp_path, "def evaluate_here(): ...\n")
    with standing_in(found):
        assert find_function("__main__:evaluate_here") is abs
    assert found.module is None


KIND = """
from runlib.engine.component import Component

class Scripted(Component):
    kind = "kind_of_script"
"""


def test_kinds_are_looked_for_in_the_script(tmp_path: Path, own_registry: None) -> None:
    found = script(tmp_path, KIND)
    with standing_in(found):
        assert registry.lookup("kind_of_script").__module__ == "__main__"


@pytest.mark.parametrize("first", ["plugin", "script"])
def test_a_script_that_is_also_a_plugin_is_no_conflict(tmp_path: Path, own_registry: None, first: str) -> None:
    found = script(tmp_path, KIND)
    file = tmp_path / "job.py"
    ways = [lambda: registry.load_plugin(str(file)), found.definitions]
    for way in ways if first == "plugin" else reversed(ways):
        way()
    assert registry.lookup("kind_of_script").__qualname__ == "Scripted"


def test_a_module_that_starts_a_run_is_used_up_to_there(tmp_path: Path, own_registry: None) -> None:
    file = tmp_path / "starting_module.py"
    file.write_text(f"{RUN}{KIND}def evaluate(x): return x\nrefuse_start()\n")
    assert find_function(f"{file}:evaluate")(3) == 3
    sys.path.append(str(tmp_path))
    assert find_function("starting_module:evaluate")(3) == 3
    registry.load_plugin(str(file))
    assert registry.lookup("kind_of_script").__name__ == "Scripted"


def test_functions_travel_by_value(tmp_path: Path) -> None:
    cloudpickle = pytest.importorskip("cloudpickle")
    module = define_text(tmp_path, "SHIFT = 2\ndef evaluate(x): return x + SHIFT\n")
    data = cloudpickle.dumps(module.evaluate)
    (tmp_path / "job.py").unlink()
    assert pickle.loads(data)(3) == 5


def define_text(folder: Path, text: str) -> Any:
    (folder / "job.py").write_text(text)
    return define(folder / "job.py")
