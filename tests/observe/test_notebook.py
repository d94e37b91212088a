"""Progress in a notebook: one display that is changed, through the documented functions of IPython."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from runlib import Float, RandomSearch, Run, SerialPool, StopMax
from runlib.observe.notebook import Notebook, is_notebook
from runlib.observe.progress import is_watched


class Handle:
    """As ``IPython.display.DisplayHandle``: an output that can be changed."""

    def __init__(self, bundle: dict[str, str]) -> None:
        self.bundles = [bundle]

    def update(self, bundle: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.bundles.append(bundle)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> list[Handle]:
    """This process is the kernel of a notebook; returns the displays."""
    displays: list[Handle] = []

    def display(bundle: dict[str, str], *, raw: bool, display_id: bool) -> Handle:
        assert raw
        assert display_id
        displays.append(Handle(bundle))
        return displays[-1]

    ipython: Any = types.ModuleType("IPython")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    ipython.display = types.ModuleType("IPython.display")
    ipython.display.display = display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", ipython.display)
    return displays


def test_a_run_shows_how_far_it_is(kernel: list[Handle], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert is_watched()
    pool, search = SerialPool(), RandomSearch({"x": Float(0, 1)})
    context = {"observe_progress": {"interval": 0.0}}
    run = Run(search, lambda x: x, StopMax(5), name="a_fox", pool=pool, context=context).prepare(tmp_path).run()
    [handle] = kernel
    assert handle.bundles[0]["text/plain"].startswith("a_fox  0/5 trials")
    assert any(bundle["text/plain"].startswith("a_fox  5/5 trials  best ") for bundle in handle.bundles)
    assert '<progress value="5" max="5">' in handle.bundles[-2]["text/html"]
    assert handle.bundles[-1] == {"text/plain": "", "text/html": ""}  # what is printed says more
    out, err = capsys.readouterr()
    assert out.splitlines()[-1].startswith("run_a_fox: 5 trials (Counted trials: 5/5")
    assert err == ""
    assert [next(iter(item)) for item in run.state.last_session["observers"]] == ["observe_status", "observe_log"]


def test_it_can_be_switched_off(kernel: list[Handle], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(RandomSearch({"x": Float(0, 1)}), lambda x: x, StopMax(2), pool=SerialPool()).prepare(tmp_path)
    run.run(progress=False)
    monkeypatch.setenv("RUNLIB_PROGRESS", "0")
    Run.restore(run.work_directory, new_stop=4, evaluator=run.evaluator).run()
    assert kernel == []


def test_names_are_text_and_no_markup(kernel: list[Handle]) -> None:
    Notebook().show("<b>bold</b>", 1, None)
    assert kernel[0].bundles == [{"text/plain": "<b>bold</b>", "text/html": "<code>&lt;b&gt;bold&lt;/b&gt;</code>"}]


def test_an_interpreter_that_is_no_kernel_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_notebook()
    for shell in (None, types.SimpleNamespace(), types.SimpleNamespace(kernel=None)):
        ipython: Any = types.ModuleType("IPython")
        ipython.get_ipython = lambda shell=shell: shell
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        assert not is_notebook()


INTERRUPTED = """
import os, signal, tempfile
from runlib import *
def evaluate(x):
    os.kill(os.getpid(), signal.SIGINT)
    return x
run = Run(RandomSearch({"x": Float(0, 1)}), evaluate, 5, name="a_fox", pool=SerialPool()).prepare(tempfile.mkdtemp())
run.run()
"""


@pytest.mark.slow
def test_an_interrupt_in_a_real_kernel_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    cells = [nbformat.v4.new_code_cell(cell) for cell in (INTERRUPTED, "print(len(run.state.trials))")]
    book = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(book, timeout=60, allow_errors=True).execute()
    [error] = [output for output in book.cells[0].outputs if output["output_type"] == "error"]
    assert len(error["traceback"]) == 1
    assert error["traceback"][0].startswith("run_a_fox: 1 trials (stopped by SIGINT); ")
    assert book.cells[1].outputs[0]["text"] == "1\n"


@pytest.mark.slow
def test_a_real_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # in tests ipykernel leaves descriptors alone
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    cell = """
import tempfile
from runlib import *
def evaluate(x):
    print("hello", x)
    return x
run = Run(RandomSearch({"x": Float(0, 1)}), evaluate, 5, name="a_fox", context={"max_workers": 2})
run.prepare(tempfile.mkdtemp()).run()
None
"""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    nbclient.NotebookClient(book, timeout=60).execute()
    outputs = book.cells[0].outputs
    printed = "".join(output["text"] for output in outputs if output["output_type"] == "stream")
    assert printed.count("hello 0.") == 5
    assert "a_fox: 5 trials (Counted trials: 5/5" in printed
    [shown] = [output for output in outputs if output["output_type"] == "display_data"]
    assert shown["data"]["text/plain"] == ""
