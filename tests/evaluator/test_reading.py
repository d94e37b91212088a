"""What an evaluator reads of its script, and the texts that tell the values."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runlib.evaluator.component import as_evaluator
from runlib.evaluator.functions.reading import Reading
from runlib.evaluator.functions.value_text import Teller

SCRIPT = """
import functools
import math

SCALE, UNUSED, STATE, SEEN = 2, 3, None, []

class Model:
    depth = 4
    def fit(self, x):
        return x * DEEP

DEEP = {"a": (1, 2)}
MODEL = Model()

@functools.lru_cache
def loaded():
    return DATA

DATA = [1, 2]

def helper(x):
    global STATE
    STATE = x
    SEEN.append(x)
    return math.sqrt(x) * SCALE * len(loaded())

def evaluate(x):
    inner = lambda: MODEL.fit(helper(x))
    try:
        return NOT_THERE
    except NameError:
        return inner()
"""


def reading(text: str, name: str = "evaluate", file: Path | None = None, **more: Any) -> Reading:
    space: dict[str, Any] = {"__name__": "__main__", **more}
    if file is not None:
        file.write_text(text)
        space["__file__"] = str(file)
    exec(compile(text, str(file or "<typed>"), "exec"), space)
    return Reading(as_evaluator(space[name], None))


def told(text: str, **more: Any) -> dict[str, str]:
    noted = reading(text, **more).noted()
    assert noted is not None
    return dict(noted["told"])


def test_names_that_functions_of_the_script_read_in_turn(tmp_path: Path) -> None:
    found = reading(SCRIPT, file=tmp_path / "job.py")
    assert found.missing() == ["NOT_THERE"]
    noted = found.noted()
    assert noted is not None
    assert sorted(noted["told"]) == ["DATA", "DEEP", "MODEL", "SCALE", "helper", "loaded", "math"]
    assert noted["told"]["math"] == "module math"
    assert "guarded" not in noted


def test_what_the_evaluator_changes_itself_is_not_told(tmp_path: Path) -> None:
    assert not {"STATE", "SEEN"} & told(SCRIPT, file=tmp_path / "job.py").keys()


@pytest.mark.parametrize("made", ["functools.partial(evaluate)", "Caller()", "Caller().call", "wrapped"])
def test_other_kinds_of_evaluators(made: str) -> None:
    text = f"{SCRIPT}\n" + (
        "class Caller:\n    def __call__(self, params): return helper(1)\n"
        "    def call(self, params): return helper(1)\n"
        "@functools.wraps(evaluate)\ndef wrapped(*args): return evaluate(*args)\n"
        f"made = {made}\n"
    )
    assert "SCALE" in reading(text, "made").noted()["told"]  # type: ignore[index]


def test_a_function_of_a_module_is_not_of_a_script(tmp_path: Path) -> None:
    found = reading(SCRIPT, __name__="job")
    assert found.noted() is None
    assert found.missing() == []


def test_the_same_values_are_told_alike_and_others_are_not(tmp_path: Path) -> None:
    first = reading(SCRIPT, file=tmp_path / "job.py")
    noted = first.noted()
    assert noted is not None
    again = reading(SCRIPT, file=tmp_path / "job.py")
    assert again.changed(noted["told"], []) == []
    other = reading(SCRIPT.replace("SCALE, UNUSED", "UNUSED, SCALE"), file=tmp_path / "job.py")
    assert other.changed(noted["told"], []) == ["SCALE"]
    del again.space["DEEP"]  # type: ignore[attr-defined]
    assert again.changed(noted["told"], []) == ["DEEP"]


def test_lines_without_a_file_that_were_saved_later_have_the_same_values(tmp_path: Path) -> None:
    typed = told(SCRIPT)
    assert reading(SCRIPT, file=tmp_path / "FILE.py").changed(typed, []) == []


VALUES = """
import argparse, collections, dataclasses, decimal, pathlib, types
import numpy as np
from runlib.evaluator.functions.value_text import Teller

@dataclasses.dataclass
class Point:
    x: float
    labels: set

class Plain:
    def __init__(self):
        self.words = {"b", "a", "c"}

values = [
    1, 1.0, True, None, "a", b"a", (1, 2), [1, 2], {"a": 1}, {1: "a", "b": {2}}, {"x", "y", "z"}, frozenset("abc"),
    float("nan"), 10**30, 1j, range(3), argparse.Namespace(x=1), types.SimpleNamespace(x=2), Point(1.0, {"u", "v"}),
    Plain(), Plain, Point, np.arange(3), np.float32(2), np.array([object()]), np.zeros(100_000), list(range(100_000)),
    "a" * 200_000, collections.OrderedDict(a=1), pathlib.Path("a"), decimal.Decimal(1), object(), print, np,
    "\\u00e9", "\\udc80", lambda: 0,
]
values.append(values)
print([Teller("__main__", "/home").tell(value) for value in values])
"""


def test_texts_are_the_same_in_every_process_and_short() -> None:
    shown = [
        subprocess.run([sys.executable, "-c", VALUES], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert shown[0] == shown[1]
    texts = eval(shown[0])
    assert all(isinstance(text, str) and len(text) < 250 and " at 0x" not in text for text in texts)
    apart = texts[:6] + texts[8:16]
    assert len(set(apart)) == len(apart)


def test_paths_below_the_folder_of_the_script_are_told_from_there() -> None:
    here, there = Teller("__main__", "/a/b"), Teller("__main__", "/c")
    for value in ("/data.csv", "", "/x/y"):
        assert here.tell(f"/a/b{value}") == there.tell(f"/c{value}")
        assert here.tell([Path(f"/a/b{value}")]) == there.tell([Path(f"/c{value}")])
    assert here.tell("/a/bc") != there.tell("/cc")


def test_what_cannot_be_read_is_told_by_its_type() -> None:
    class Hostile(dict):  # type: ignore[type-arg]
        def items(self) -> Any:
            raise ValueError

        def __len__(self) -> int:
            raise KeyError

    assert Teller("__main__").tell(Hostile()).endswith("Hostile")
    assert Teller("__main__").tell(np.zeros((200, 100))) == "numpy.ndarray (200, 100)"
    assert Teller("__main__").tell([0] * 20_000) == "list 20000"


def test_values_in_a_class_of_the_script_and_in_a_module_that_is_changed() -> None:
    import types

    module, space = types.ModuleType("settings"), {"__name__": "__main__"}
    module.SCALE = 1  # type: ignore[attr-defined]
    teller = Teller("__main__")
    exec("class Config:\n    scale = 1\n", space)
    before = [teller.tell(space["Config"]), teller.tell(module, inside=True), teller.tell(module)]
    module.SCALE = space["Config"].scale = 2  # type: ignore[attr-defined]
    after = [teller.tell(space["Config"]), teller.tell(module, inside=True), teller.tell(module)]
    assert [x == y for x, y in zip(before, after, strict=True)] == [False, False, True]
