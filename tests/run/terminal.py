"""Programs run as a person does who sits at a terminal, and reads there how to go on."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

__all__ = ["call_on_screen", "command_on_screen", "in_terminal", "python", "shell"]

BIN = str(Path(sys.executable).parent)


def environment() -> dict[str, str]:
    """That of the tests, with the command ``runlib`` of this Python, and lines that are not broken."""
    return {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "COLUMNS": "1000", "TERM": "dumb"}


def in_terminal(arguments: list[str], folder: Path, text: str | None = None) -> str:
    """What Python with these arguments shows on a terminal, whatever its exit code."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env=environment(),
        text=True,
    )
    os.close(theirs)
    if process.stdin is not None:
        process.stdin.write(text or "")
        process.stdin.close()
    shown = b""
    with open(ours, "rb", buffering=0) as screen:
        while True:
            try:
                more = screen.read(65536)
            except OSError:  # how a terminal says that nobody writes to it any more
                more = b""
            if not more:
                break
            shown += more
    process.wait(60)
    return shown.decode().replace("\r\n", "\n")


def command_on_screen(shown: str) -> str:
    """The last command that the screen advises."""
    return re.findall(r"(runlib restore .*)$", shown, re.MULTILINE)[-1]


def call_on_screen(shown: str) -> str:
    """The last call of Python that the screen advises."""
    return re.findall(r"Run\.restore\('.*?'[^()]*(?:\([^()]*\))?\)(?:\.run\(\))?", shown)[-1]


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A line that is typed into a shell."""
    return subprocess.run(line, shell=True, cwd=folder, env=environment(), capture_output=True, text=True, timeout=100)


def python(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Lines that are piped into ``python -``."""
    command = [sys.executable, "-"]
    return subprocess.run(
        command, input=text, cwd=folder, env=environment(), capture_output=True, text=True, timeout=100
    )
