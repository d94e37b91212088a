"""Tracebacks of trials, and ``inspect`` in them, show the file, the line and the source of the script."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.pool.payload.script_tools import run_script, try_each

FAILING = """
import functools

class Net:
    def fit(self):
        raise LookupError("here")  # in a method

@functools.cache
def cached():
    Net().fit()

SUGGESTIONS = [{"how": "plain"}, {"how": "deep"}, {"how": "lambda"}]
fail = lambda: 1 / 0  # a lambda

def evaluate(how):
    if how == "deep":
        cached()  # from here
    if how == "lambda":
        fail()
    raise ValueError(how)  # the very line
"""


@pytest.mark.parametrize("how", ["file", "module"])
def test_the_traceback_of_a_trial_shows_the_lines_of_the_script(tmp_path, how):
    away, here = run_script(tmp_path, FAILING, how)
    traces = [result["error"]["traceback"] for result in away]
    assert traces == [result["error"]["traceback"] for result in here]
    file = tmp_path / "package" / "job.py"
    lines = file.read_text().splitlines()
    for trace, comment in zip(traces, ["# the very line", "# in a method", "# a lambda"], strict=True):
        [number] = [number for number, line in enumerate(lines, 1) if line.endswith(comment)]
        assert f'File "{file}", line {number}, in ' in trace
        assert lines[number - 1].strip() in trace
    assert "# from here" in traces[1]
    assert "dynamic" not in "".join(traces)


@pytest.mark.parametrize(("how", "name"), [("stdin", "<stdin>"), ("command", "<string>")])
def test_a_script_without_a_file_shows_the_line_numbers(tmp_path, how, name):
    away, here = run_script(tmp_path, FAILING, how)
    assert [r["error"]["traceback"] for r in away] == [r["error"]["traceback"] for r in here]
    assert f'File "{name}", line ' in away[0]["error"]["traceback"]


INSPECTED = """
import inspect

class Net:
    def fit(self):
        return 1

def twice(function):
    def wrapper(*args):
        return 2 * function(*args)
    return wrapper

@twice
def value():
    return 3

def try_a_function():
    return inspect.getsource(try_a_function)

def try_a_class():
    return inspect.getsource(Net)

def try_a_method():
    return [inspect.getsource(Net.fit), inspect.getsourcelines(Net.fit)[1]]

def try_a_wrapper():
    return inspect.getsource(value)

def try_its_file():
    return [inspect.getsourcefile(Net.fit), inspect.getfile(Net), __file__]
"""


def test_inspect_reads_the_script(tmp_path):
    found = try_each(tmp_path, INSPECTED)
    assert found["try_a_function"].startswith("def try_a_function():")
    assert found["try_a_class"].startswith("class Net:")
    assert found["try_a_method"][0].strip().startswith("def fit(self):")
    assert set(found["try_its_file"]) == {str(tmp_path / "package" / "job.py")}


NOTEBOOK = '''
import linecache

def run_cell(number, text):
    """As notebooks do it: a cell is a file that exists in ``linecache`` alone."""
    name = f"/tmp/ipykernel_0/{number}.py"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    exec(compile(text, name, "exec"), globals())

run_cell(1, """
def helper(x):
    raise ValueError(x)  # in the first cell
""")
run_cell(2, """
import inspect

def evaluate(x):
    if x == 0:
        return {"loss": 0.0, "source": inspect.getsource(helper)}
    return helper(x)  # in the second cell
""")
SUGGESTIONS = [{"x": 0}, {"x": 1}]
'''


def test_the_cells_of_a_notebook(tmp_path):
    away, here = run_script(tmp_path, NOTEBOOK)
    assert away[0]["ok"]["source"] == here[0]["ok"]["source"]
    trace = away[1]["error"]["traceback"]
    assert trace == here[1]["error"]["traceback"]
    assert 'File "/tmp/ipykernel_0/1.py", line 3, in helper\n    raise ValueError(x)  # in the first cell' in trace
    assert "# in the second cell" in trace


def test_a_script_in_an_archive(tmp_path):
    from zipfile import ZipFile

    from tests.pool.payload.script_tools import HEAD, TAIL, run

    with ZipFile(tmp_path / "job.pyz", "w") as archive:
        archive.writestr("__main__.py", HEAD + "POOLS = (ProcessPool,)\n" + FAILING + TAIL)
    output = run(["job.pyz"], tmp_path)
    assert "raise ValueError(how)  # the very line" in output


def test_a_script_that_is_read_from_a_file_by_the_interpreter(tmp_path):
    from tests.pool.payload.script_tools import HEAD, TAIL

    script = tmp_path / "job.txt"
    script.write_text(HEAD + "POOLS = (ProcessPool,)\n" + FAILING + TAIL)
    with open(script) as file:
        done = subprocess.run([sys.executable, "-"], stdin=file, capture_output=True, text=True, cwd=tmp_path)
    assert done.stderr == ""
    assert 'File \\"<stdin>\\", line ' in done.stdout
