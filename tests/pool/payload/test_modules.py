"""Modules that a worker would not find by their names."""

from __future__ import annotations

import sys

import pytest

from runlib.pool.processes.payload.modules import is_handmade
from tests.pool.payload.script_tools import run, try_each

HELPER = """
import functools, threading

LOCK = threading.Lock()  # so that the module cannot travel by value
RATE = 3

class Net:
    def __init__(self, x):
        self.x = x

@functools.lru_cache
def cached(x):
    return x + 1

def scale(x):
    with LOCK:
        return RATE * cached(x) - RATE
"""
PACKAGE = {
    "kit/__init__.py": "from .inner import value\n",
    "kit/inner.py": "def value():\n    return 7\n",
    "other/helper.py": "def scale(x):\n    return -1\n",
}
LOADED = '''
import importlib.machinery, importlib.util, runpy, sys, types
from pathlib import Path

def load(name, path, register, **more):
    spec = importlib.util.spec_from_file_location(name, path, **more)
    module = importlib.util.module_from_spec(spec)
    if register:
        sys.modules[name] = module
    spec.loader.exec_module(module)
    return module

registered = load("helper", "lib/helper.py", True)
hidden = load("secret", "lib/helper.py", False)
orphan = load("plugins.first", "lib/helper.py", True)
kit = load("kit", "lib/kit/__init__.py", True, submodule_search_locations=["lib/kit"])
loader = importlib.machinery.SourceFileLoader("settings_module", "lib/settings.conf")
settings = importlib.util.module_from_spec(importlib.util.spec_from_loader("settings_module", loader))
sys.modules["settings_module"] = settings
loader.exec_module(settings)
scale, Net, cached = hidden.scale, hidden.Net, hidden.cached
sys.path.insert(0, str(Path("lib/gone").resolve()))
import passing
sys.path.pop(0)
ran = runpy.run_path("lib/free.py")["free"]
made = types.ModuleType("made_by_hand")
sys.modules["made_by_hand"] = made
exec("""
STEP = 2
def step(x):
    return x + STEP
class Thing:
    def more(self):
        return step(1)
""", vars(made))
unnamed = types.ModuleType("unnamed")
exec("def inner(x):\\n    return x * 5\\ndef outer(x):\\n    return inner(x)", vars(unnamed))

def try_a_registered_module():
    import helper
    return [registered.scale(2), registered is helper, registered.Net(3).x]

def try_pickling_by_its_name():
    import pickle
    return type(pickle.loads(pickle.dumps(registered.Net(1)))) is registered.Net

def try_a_module_that_is_not_registered():
    return [hidden.scale(2), "secret" in sys.modules]

def try_its_parts():
    return [scale(3), type(hidden.Net(1)) is Net, cached(4), hidden.cached is cached]

def try_a_module_whose_parent_does_not_exist():
    from plugins.first import scale
    return [orphan.scale(2), scale is orphan.scale]

def try_a_package():
    from kit import inner
    return [kit.value(), inner.value()]

def try_a_file_of_another_kind():
    return settings.RATE

def try_a_module_whose_folder_left_the_path():
    import passing as again
    return [passing.value(), again is passing]

def try_what_was_run_by_its_path():
    return ran(2)

def try_a_module_made_by_hand():
    import pickle
    return [made.step(3), made.Thing().more(), type(pickle.loads(pickle.dumps(made.Thing()))) is made.Thing]

def try_what_its_functions_share():
    made.STEP = 10
    try:
        return made.step(1)
    finally:
        made.STEP = 2

def try_a_module_made_by_hand_that_is_not_registered():
    return unnamed.outer(2)
'''


def test_modules_of_all_origins(tmp_path):
    files = {
        **PACKAGE,
        "helper.py": HELPER,
        "settings.conf": "RATE = 4\n",
        "gone/passing.py": "def value():\n    return 5\n",
        "free.py": "RATE = 2\ndef free(x):\n    return RATE * x\n",
    }
    for name, text in files.items():
        (tmp_path / "lib" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "lib" / name).write_text(text)
    assert try_each(tmp_path, LOADED) == {
        "try_a_registered_module": [6, True, 3],
        "try_pickling_by_its_name": True,
        "try_a_module_that_is_not_registered": [6, False],
        "try_its_parts": [9, True, 5, True],
        "try_a_module_whose_parent_does_not_exist": [6, True],
        "try_a_package": [7, 7],
        "try_a_file_of_another_kind": 4,
        "try_a_module_whose_folder_left_the_path": [5, True],
        "try_what_was_run_by_its_path": 4,
        "try_a_module_made_by_hand": [5, 3, True],
        "try_what_its_functions_share": 11,
        "try_a_module_made_by_hand_that_is_not_registered": 10,
    }


def test_a_module_of_the_same_name_on_the_path_does_not_come_first(tmp_path):
    (tmp_path / "aside").mkdir()
    (tmp_path / "aside" / "helper.py").write_text("raise LookupError('this is not the one')\n")
    (tmp_path / "helper.py").write_text("def value():\n    return 8\n")
    body = """
import importlib.util, shutil, sys
shutil.copy("aside/helper.py", "package/helper.py")
spec = importlib.util.spec_from_file_location("helper", "helper.py")
helper = sys.modules["helper"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(helper)

def try_it():
    import helper as again
    return [helper.value(), again is helper]
"""
    assert try_each(tmp_path, body) == {"try_it": [8, True]}


FOUND = """
import joblib, scipy.stats, sklearn.ensemble, yaml
from runlib.pool.processes.payload.modules import carried_modules, is_handmade
names = ["os", "os.path", "numpy", "scipy.stats", "runlib.run.run", "sys", "encodings"]
print(list(carried_modules()), [name for name in names if is_handmade(name)])
"""


def test_modules_that_are_found_by_their_names_are_left_alone(tmp_path):
    assert run(["-c", FOUND], tmp_path) == "[] []\n"


@pytest.mark.parametrize("name", ["runlib_nowhere", "__main__"])
def test_what_is_not_there_is_not_made_by_hand(name):
    assert name == "__main__" or name not in sys.modules
    assert not is_handmade(name)


def test_what_a_module_on_the_path_caches_goes_by_its_name(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "shared.py").write_text(
        "import functools\nSEEN = []\n@functools.cache\ndef cached(x):\n    SEEN.append(x)\n    return x\n"
        "def make():\n    @functools.cache\n    def inner(x):\n        return x + 1\n    return inner\n"
    )
    body = """
import sys
sys.path.append("lib")
import shared
from shared import cached
inner = shared.make()

def try_it():
    shared.SEEN.clear()
    cached.cache_clear()
    return [cached(1), cached is shared.cached, shared.SEEN, inner(1)]
"""
    assert try_each(tmp_path, body) == {"try_it": [1, True, [1], 2]}
