"""Shows a line of progress on the terminal, so that all other output appears above the line and never inside it.

The descriptors of standard output and error that lead to the terminal are redirected to a pipe. So the output of worker
processes, of processes that they start, and of C code is caught as well. The ``drawer`` empties the pipe and draws.
Afterwards the descriptors are restored. There is at most one such line in a process at a time.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from runlib.engine.extras import load

__all__ = ["Terminal", "is_terminal", "open_terminal"]

PATIENCE = 5.0  # seconds to wait for the drawer to write what was printed
_shown: list[Terminal] = []  # the terminal that shows a line of progress now, if any


def open_terminal() -> Terminal | None:
    """Returns the terminal of standard error.

    Returns None if standard error is no terminal, cannot move its cursor, or has a line of progress already.
    """
    number = _number(sys.stderr)
    if _shown or number is None or (os.environ.get("TERM") or "dumb") in ("dumb", "unknown"):
        return None
    return Terminal(number)


def is_terminal(stream: Any) -> bool:
    """Returns whether a stream is a terminal or says that it is. The answer is no for a missing or closed stream."""
    with contextlib.suppress(AttributeError, ValueError):
        return bool(stream.isatty())
    return False


def _number(stream: Any) -> int | None:
    """Returns the descriptor of a stream, or None if the stream has none or is no terminal."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        number: int = stream.fileno()
        return number if os.isatty(number) else None
    return None


class Terminal:
    """Represents a terminal with a line of progress.

    Args:
        number: The descriptor of the terminal in this process.
    """

    def __init__(self, number: int) -> None:
        self._flush()
        self._own = os.dup(number)
        self._read, written = os.pipe()
        try:
            self._lines, self._drawer = self._start()
        except BaseException:  # no process can be started now; nothing is redirected yet
            for fd in (self._own, self._read, written):
                os.close(fd)
            raise
        self._turned = {fd: os.dup(fd) for fd in _descriptors(self._own)}
        for fd in self._turned:
            os.dup2(written, fd, inheritable=fd <= 2)
        os.close(written)
        _shown.append(self)

    def _start(self) -> tuple[socket.socket, subprocess.Popen[bytes]]:
        ours, theirs = socket.socketpair()
        with theirs, contextlib.ExitStack() as on_error:
            on_error.enter_context(ours)
            fds = self._read, theirs.fileno()
            program = [sys.executable, "-I", "-S", str(Path(__file__).with_name("drawer.py")), *map(str, fds)]
            drawer = subprocess.Popen(
                program,
                stdin=subprocess.DEVNULL,
                stdout=self._own,
                stderr=subprocess.DEVNULL,
                pass_fds=fds,
                start_new_session=True,
            )
            on_error.pop_all()
        return ours, drawer

    def show(self, text: str, done: int, total: int | None) -> None:
        """Draws the line again: a bar, if there is a total, and a text."""
        line = _rendered(text, done, total, self._width()).encode() + b"\0"
        try:
            self._lines.sendall(line)
        except OSError:  # the drawer was killed together with its child
            self._lines.close()
            self._drawer.wait()
            self._lines, self._drawer = self._start()
            self._lines.sendall(line)

    def _width(self) -> int:
        given = os.environ.get("COLUMNS", "")
        if given.isdecimal() and int(given):
            return int(given)
        with contextlib.suppress(OSError):
            return os.get_terminal_size(self._own).columns or 80
        return 80

    def close(self) -> None:
        """Removes the line after everything that was printed is written, and restores the descriptors."""
        self._flush()
        for fd, before in self._turned.items():
            os.dup2(before, fd, inheritable=fd <= 2)
            os.close(before)
        self._end_drawer()
        os.close(self._read)
        os.close(self._own)
        _shown.remove(self)

    def _end_drawer(self) -> None:
        """Waits until the drawer has written what was printed, and kills it after ``PATIENCE`` seconds."""
        with self._lines, contextlib.suppress(OSError):
            self._lines.settimeout(PATIENCE)
            try:
                self._lines.shutdown(socket.SHUT_WR)
                self._lines.recv(1)  # this returns when nobody holds the other side any more
            except TimeoutError:  # the terminal does not accept the output
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._drawer.pid, signal.SIGKILL)
        self._drawer.wait()

    @staticmethod
    def _flush() -> None:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(AttributeError, OSError, ValueError):
                stream.flush()


def _descriptors(terminal: int) -> list[int]:
    """Returns the descriptors of standard output and error that lead to this terminal."""
    wanted = os.fstat(terminal).st_rdev
    found = {fd for fd in (1, 2) if os.isatty(fd)} | {_number(sys.stdout), _number(sys.stderr)}
    return sorted(fd for fd in found if fd is not None and os.fstat(fd).st_rdev == wanted)


def _rendered(text: str, done: int, total: int | None, width: int) -> str:
    """Returns one line that is never wider than the terminal, with a bar before the text if there is a total."""
    line: Any = load("rich.text").Text(text, no_wrap=True, overflow="ellipsis")
    if total:
        bar = load("rich.progress_bar").ProgressBar(total=total, completed=done, width=20)
        grid = load("rich.table").Table.grid(padding=(0, 1))
        grid.add_row(bar, line)
        line = grid
    # The last column stays free, because some terminals begin a new line there by themselves.
    console = load("rich.console").Console(file=io.StringIO(), force_terminal=True, width=max(1, width - 1))
    console.print(line, end="")
    return str(console.file.getvalue()).rstrip("\n")
