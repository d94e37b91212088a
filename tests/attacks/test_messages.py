"""No message ends a run: streams that are gone, full, closed or of another encoding, and handlers that fail."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from runlib import FixedSearch, Run, StopMax
from runlib.cli.ending import show_json
from runlib.engine.legible import logger
from runlib.engine.printing import put, tell
from tests.fakes import DirectPool

SCRIPT = """
import logging, sys, warnings
from runlib import RandomSearch, Run, StopMax
START
def evaluate(x):
    print("from a trial", file=sys.stderr)
    return "no number" if x < 0.5 else x
if __name__ == "__main__":
    space = {"x": ["hp_uniform", "x", 0, 1], "constant": [1, 5]}
    with warnings.catch_warnings(record=True) if QUIET else warnings.catch_warnings():
        run = Run(RandomSearch(space), lambda x, constant: evaluate(x), StopMax(12), name="x", context=CONTEXT)
        run.prepare().run(progress=True)
"""
STARTS = {
    "as it is": "",
    "closed by the program": "sys.stderr.close()",
    "replaced by nothing": "sys.stderr = None",
    "replaced by an object": "sys.stderr = object()",
    "logging to it": "logging.basicConfig(level=0); sys.stderr.close()",
    "a handler that raises": (
        "class Bad(logging.Handler):\n    def emit(self, record): raise RuntimeError('no')\n"
        "logging.getLogger('runlib').addHandler(Bad())\nlogging.getLogger().addHandler(Bad())"
    ),
    "a file that is full": "sys.stderr = open('/dev/full', 'w')",
    "logging to a file that is full": "logging.basicConfig(level=0, filename='/dev/full')",
}


def finished(folder: Path, start: str, pool: str = "") -> int:
    """How many trials a script evaluates that starts so."""
    quiet = "sys.stderr is None or not hasattr(sys.stderr, 'write') or sys.stderr.closed"
    text = SCRIPT.replace("START", start).replace("CONTEXT", pool or "{'max_workers': 2}").replace("QUIET", quiet)
    (folder / "job.py").write_text(text)
    done = subprocess.run([sys.executable, "job.py"], cwd=folder, capture_output=True, timeout=60)
    assert done.returncode in (0, 120), done.stderr.decode()  # 120: Python could not write the rest at its own end
    return len(Run.checkout(folder / "run_x").state.trials)


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_standard_error_that_takes_nothing_ends_no_run(tmp_path: Path, start: str) -> None:
    assert finished(tmp_path, start) == 12


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_pipe_that_nobody_reads_ends_no_run(tmp_path: Path, stream: str) -> None:
    (tmp_path / "job.py").write_text("def evaluate(x):\n    return x if x > 0.5 else None\n")
    search = "{search_random: {space: {x: [hp_uniform, x, 0, 1]}}}"
    text = (
        f'run: {{name: x, search: {search}, evaluator: {{eval_function: {{function: "job.py:evaluate"}}}}, stop: 12}}\n'
    )
    (tmp_path / "run.yaml").write_text(text)
    read, write = os.pipe()
    os.close(read)
    with open(write, "wb") as gone:
        streams: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: gone}
        done = subprocess.run([sys.executable, "-m", "runlib", "run", "run.yaml"], cwd=tmp_path, timeout=60, **streams)
    assert done.returncode in ((0,) if stream == "stderr" else (0, 1))
    assert len(Run.checkout(tmp_path / "run_x").state.trials) == 12


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_trials_may_print_to_a_pipe_that_nobody_reads(tmp_path: Path, stream: str) -> None:
    evaluate = f"def evaluate(x):\n    print('a line', file=sys.{stream}, flush=True)\n    return x\n"
    space, start = "{'x': ['hp_uniform', 'x', 0, 1]}", "if __name__ == '__main__':\n    "
    text = f"import sys\nfrom runlib import RandomSearch, Run\n{evaluate}{start}"
    text += f"Run(RandomSearch({space}), evaluate, 8, name='x', context={{'max_workers': 2}}).prepare().run()\n"
    (tmp_path / "job.py").write_text(text)
    read, write = os.pipe()
    os.close(read)
    with open(write, "wb") as gone:
        streams: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: gone}
        done = subprocess.run([sys.executable, "job.py"], cwd=tmp_path, timeout=60, **streams)
    assert done.returncode == 0
    trials = Run.checkout(tmp_path / "run_x").state.trials
    assert (len(trials), trials.error_count) == (8, 0)


def test_every_handler_is_called_where_one_of_them_raises() -> None:
    class Bad(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise BrokenPipeError

    class Good(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    said: list[str] = []
    log, handlers = logger(), [Good(), Bad(), Good()]
    for handler in handlers:
        log.addHandler(handler)
    try:
        log.warning("a %s\x1b[0m", "word")
    finally:
        for handler in handlers:
            log.removeHandler(handler)
    assert said == ["a word\\x1b[0m"] * 2


def test_a_logger_keeps_levels_filters_and_who_called() -> None:
    records: list[logging.LogRecord] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    log, handler = logger("runlib.tests"), Keeping(logging.ERROR)
    log.addHandler(handler)
    log.warning("too low")
    log.error("this")
    log.disabled = True
    log.error("no more")
    log.disabled = False
    assert [(record.getMessage(), Path(record.pathname).name) for record in records] == [("this", Path(__file__).name)]
    log.removeHandler(handler)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_what_a_stream_cannot_encode_is_spelled_out(encoding: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    put("caf\u00e9 \u2192 \u96ea", stream)
    assert b"\\u96ea" in stream.buffer.getvalue()  # type: ignore[attr-defined]
    assert stream.buffer.getvalue().startswith(b"caf")  # type: ignore[attr-defined]


def test_json_stays_json_where_standard_output_is_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    monkeypatch.setattr(sys, "stdout", stream)
    show_json({"caf\u00e9": "\U0001f600 \u2192"})
    text = stream.buffer.getvalue()  # type: ignore[attr-defined]
    monkeypatch.undo()
    assert json.loads(text) == {"caf\u00e9": "\U0001f600 \u2192"}


class Failing(io.StringIO):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        raise self.error


@pytest.mark.parametrize(
    "error", [BrokenPipeError(), OSError(5, "EIO"), OSError(28, "full"), ValueError("closed")], ids=repr
)
def test_what_cannot_be_told_is_not_told(error: Exception) -> None:
    tell("anything", Failing(error))


def test_every_command_speaks_to_a_terminal_of_another_encoding(tmp_path: Path) -> None:
    home = tmp_path / "caf\u00e9 \u96ea"
    home.mkdir()
    points = [{"x": "\u96ea"}, {"x": "\u00e9"}]
    Run(FixedSearch(points), lambda x: 1.0, StopMax(2), name="x", pool=DirectPool()).prepare(home).run()
    folder = str(home / "run_x")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    for arguments in (
        ["status", folder],
        ["status", folder, "--json"],
        ["top", folder],
        ["verify", folder],
        ["fork", folder],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "runlib", *arguments], cwd=tmp_path, env=environment, capture_output=True, timeout=60
        )
        assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
        assert done.stdout


def test_the_bytes_of_a_name_reach_a_program(tmp_path: Path) -> None:
    home = os.fsencode(tmp_path) + b"/h\xe9"
    os.mkdir(home)
    folder = Path(os.fsdecode(home))
    Run(FixedSearch([{"x": 1}]), lambda x: 1.0, StopMax(1), name="x", pool=DirectPool()).prepare(folder).run()
    done = subprocess.run(
        [sys.executable, "-m", "runlib", "fork", "run_x", "--name", "y"], cwd=home, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert os.path.samefile(os.path.join(home, done.stdout.rstrip(b"\n")), os.path.join(home, b"run_y"))


def test_a_warning_that_is_an_error_for_the_user_is_one(tmp_path: Path) -> None:
    from runlib import RandomSearch, SpaceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(SpaceWarning):
            RandomSearch({"x": ["hp_uniform", "x", 0, 1], "y": [1, 5]})
