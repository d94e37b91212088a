"""The command on a terminal: a line that is redrawn, Ctrl-C typed by a person, one account of the end."""

from __future__ import annotations

import os
import pty
import re
import select
import sys
from pathlib import Path

import pytest

from runlib.engine.data.yamlfile import write_yaml
from tests.cli.conftest import config, environment

CTRL_C = b"\x03"
MOVES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Person:
    """Somebody at a terminal who runs ``runlib``; keeps all that was shown."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.shown = ""
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.chdir(folder)
            command = [sys.executable, "-m", "runlib", *words]
            os.execve(sys.executable, command, {**environment(), "TERM": "xterm", "COLUMNS": "200"})

    def type(self, keys: bytes) -> None:
        os.write(self._fd, keys)

    def watch(self, seconds: float) -> bool:
        """Look for some time at most; False once the command has ended."""
        if not select.select([self._fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self._fd, 1 << 16)
        except OSError:  # what Linux says when the other side of a terminal is closed
            data = b""
        self.shown += data.decode()
        return bool(data)

    def wait(self) -> int:
        """The exit code."""
        while self.watch(20):
            pass
        os.close(self._fd)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


def test_ctrl_c_ends_in_order_and_says_how_to_go_on(project: Path) -> None:
    slow = {"evaluator": {"eval_function": {"function": "model.py:waiting"}}}
    (project / "project" / "run.yaml").write_text(write_yaml(config(run=slow)))
    person = Person(project, "run", "project/run.yaml")
    while not (project / "started").exists() or "1 running" not in person.shown:
        if not person.watch(0.05):
            pytest.fail(person.shown)
    person.type(CTRL_C)
    assert person.wait() == 130
    text = MOVES.sub("", person.shown)
    assert "red_fox  0/6 trials  1 running" in text
    assert "run_red_fox: stopped by SIGINT. 0 trials, 0 failed." in text
    assert text.rstrip().splitlines()[-1] == f"to go on: runlib restore {project / 'run_red_fox'}"
    assert text.count("restore") == 1
    assert "Traceback" not in text
    assert "\x1b[?25l" not in person.shown  # the cursor is visible


def test_end_is_told_once_and_the_progress_line_is_gone(project: Path) -> None:
    person = Person(project, "run", "project/run.yaml")
    assert person.wait() == 0
    text = MOVES.sub("", person.shown)
    assert text.count("Counted trials: 6/6") == 1
    assert text.count("restore") == 1
    assert person.shown.rindex("\x1b[2K") < person.shown.index("Counted trials")
