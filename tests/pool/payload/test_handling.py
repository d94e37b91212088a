"""Warnings, floating-point errors and log records are handled in a worker as in the script."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import warnings

import pytest

from runlib.pool.processes.payload.handling import apply_handling, note_handling
from tests.pool.payload.script_tools import HEAD, TAIL, run_script, try_each

SET = """
import logging, warnings
import numpy as np

class Mine(UserWarning):
    pass

calls = []
warnings.filterwarnings("error", "stop.*here", category=Mine)
warnings.simplefilter("ignore", RuntimeWarning)
np.seterr(divide="raise", over="call")
np.seterrcall(lambda kind, flag: calls.append(kind))
logging.getLogger().setLevel(logging.DEBUG)
logging.getLogger("part").setLevel(logging.ERROR)
logging.getLogger("quiet").setLevel(logging.CRITICAL)
logging.disable(5)

def try_a_filter():
    try:
        warnings.warn("stop right here", Mine)
    except Mine:
        return "raised"

def try_another_message():
    with warnings.catch_warnings(record=True) as caught:
        warnings.warn("go on", Mine)
        warnings.warn("ignored", RuntimeWarning)
    return [str(warning.message) for warning in caught]

def try_the_filters():
    return [(f[0], f[2].__name__) for f in warnings.filters]

def try_numpy():
    try:
        np.float64(1.0) / np.float64(0.0)
    except FloatingPointError:
        return np.geterr()

def try_a_call():
    calls.clear()
    np.array([1e300]) * np.array([1e300])
    return calls

def try_levels():
    names = [None, "part", "part.inner", "quiet", "fresh"]
    return [[logging.getLogger(name).level, logging.getLogger(name).getEffectiveLevel()] for name in names]

def try_what_is_disabled():
    return [logging.root.manager.disable, logging.getLogger("fresh").isEnabledFor(3)]
"""


def test_what_a_script_sets_holds_in_its_workers(tmp_path):
    found = try_each(tmp_path, SET)
    assert found["try_a_filter"] == "raised"
    assert found["try_another_message"] == ["go on"]
    assert found["try_the_filters"][:2] == [["ignore", "RuntimeWarning"], ["error", "Mine"]]
    assert found["try_numpy"]["divide"] == "raise"
    assert found["try_a_call"] == ["overflow"]
    assert found["try_levels"] == [[10, 10], [40, 40], [0, 40], [50, 50], [0, 10]]
    assert found["try_what_is_disabled"] == [5, False]


CATEGORIES = """
import sys, warnings
from sklearn.exceptions import ConvergenceWarning
warnings.simplefilter("error", ConvergenceWarning)

def try_a_category_of_a_package_that_is_loaded_later():
    from sklearn.exceptions import ConvergenceWarning
    try:
        warnings.warn("no", ConvergenceWarning)
    except Warning as error:
        return type(error) is ConvergenceWarning

def try_another_category():
    with warnings.catch_warnings(record=True) as caught:
        warnings.warn("yes", UserWarning)
    return len(caught)
"""


def test_categories_of_packages(tmp_path):
    assert try_each(tmp_path, CATEGORIES) == {
        "try_a_category_of_a_package_that_is_loaded_later": True,
        "try_another_category": 1,
    }


LOGGED = """
import logging
logging.basicConfig(level=logging.INFO, format="%(levelname)s said %(message)s")
SUGGESTIONS = [{"x": 1}]
def evaluate(x):
    logging.info("info %d", x)
    logging.debug("debug")
    return x
"""


def test_records_that_a_script_shows_are_shown_by_its_workers(tmp_path):
    (tmp_path / "job.py").write_text(HEAD + "POOLS = (ProcessPool,)\n" + LOGGED + TAIL)
    done = subprocess.run([sys.executable, "job.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr == "INFO said info 1\n"


def test_numpy_is_not_loaded_for_what_it_does_anyway(tmp_path):
    body = "import sys\nimport numpy\nSUGGESTIONS = [{}]\ndef evaluate():\n    return int('numpy' in sys.modules)\n"
    away, here = run_script(tmp_path, body)
    assert [away[0]["ok"]["loss"], here[0]["ok"]["loss"]] == [0.0, 1.0]


@pytest.fixture
def put_back():
    """Warnings and logging as they were."""
    root = logging.getLogger()
    levels, handlers, disabled = root.level, list(root.handlers), root.manager.disable
    with warnings.catch_warnings():
        yield
    root.setLevel(levels)
    root.handlers[:] = handlers
    logging.disable(disabled)


def test_what_is_noted_and_applied_is_the_same(put_back):
    warnings.filterwarnings("ignore", re.escape("a(b"), UserWarning, "some.module", 3)
    logging.getLogger("runlib_test_handling").setLevel(33)
    noted = note_handling()
    warnings.resetwarnings()
    logging.getLogger("runlib_test_handling").setLevel(logging.NOTSET)
    apply_handling(noted)
    assert note_handling() == noted
    assert noted.filters[0] == ("ignore", re.escape("a(b"), UserWarning, "some.module", 3)


def test_applying_it_twice_adds_no_second_handler(put_back):
    logging.getLogger().addHandler(logging.StreamHandler(sys.stderr))
    noted = note_handling()
    before = len(logging.getLogger().handlers)
    apply_handling(noted)
    assert len(logging.getLogger().handlers) == before


def test_filters_of_python_itself_match_their_module_alone(put_back):
    warnings.filters[:] = [("ignore", None, DeprecationWarning, "__main__", 0)]
    [(_, message, _, module, _)] = note_handling().filters
    assert message == ""
    assert re.match(module, "__main__")
    assert not re.match(module, "__main__x")
