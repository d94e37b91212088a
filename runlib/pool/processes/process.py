"""Represents one worker process for the manager: its start, messages, end and reaping. It makes no decisions.

A worker has its own session and three lines to the manager. The *stream* carries its payload and its reports. The
*tasks* are datagrams, one for each task. The manager keeps a second descriptor of the worker's end, so that it can take
back a task that the worker has not begun, with the kernel alone and without asking the worker. The *life* line carries
no data. The kernel kills the worker's group when the manager's end of it closes (see ``lifeline``).

On Linux the child of the manager is the worker's supervisor. It starts the worker, ends in the same way as the worker,
and does not end before all processes that the worker started are gone. A fourth line, *control*, connects it with the
manager. On other systems the worker itself is the child, and the manager kills its group.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from runlib.engine.descriptors import fill_standard
from runlib.pool.output import standard_output
from runlib.pool.processes.frames import CHUNK, PREFIX, WORDS, Inbox, Kind, Message, Outbox
from runlib.pool.processes.orderly import RECENT, held_back
from runlib.pool.sizes import describe_bytes

__all__ = ["DATAGRAM", "WorkerProcess", "has_supervisors"]

DATAGRAM = 32 * 1024  # a longer task goes through the stream; this is well below what a socket holds unread


def has_supervisors() -> bool:
    """Returns whether workers have supervisors here, which limit memory and let no process outlive the worker."""
    return sys.platform == "linux" and find_spec("_ctypes") is not None


class WorkerProcess:
    """Represents a started worker.

    Args:
        environment: The environment variables that are added to those of this process.
        memory_limit: The number of bytes that the worker and all processes that it starts may take. It is kept only
            with a supervisor.

    Attributes:
        pid: The number of the child of this process: the supervisor, or the worker if there is none.
        supervised: Whether the worker has a supervisor.
        overrun: The number of bytes that the worker took when the supervisor ended it for that, or None if it did not.
            It is known once the worker is reaped.
        exit_code: The return code of the child, as in ``subprocess``, or None until it is reaped.
    """

    def __init__(self, environment: Mapping[str, str], memory_limit: int | None = None) -> None:
        fill_standard()  # otherwise a line could become the worker's standard input or output
        self.stream, stream = socket.socketpair()
        self._tasks, self._unread = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        # Some systems hold no more than 2 KiB by default.
        self._tasks.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 6 * DATAGRAM)
        self._unread.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 6 * DATAGRAM)
        self._control, control = socket.socketpair()
        life, self._life = os.pipe()
        fds = [stream.fileno(), self._unread.fileno(), life]
        self.supervised = has_supervisors()
        self._memory_limit = memory_limit or 0
        command = _command(fds)
        if self.supervised:
            command = _under_supervision(command, control.fileno(), self._memory_limit, fds)
            fds.append(control.fileno())
        try:
            self._popen = _start(command, fds, environment)
        except BaseException:
            self._close_lines()
            raise
        finally:
            stream.close()
            control.close()
            os.close(life)
        self._control.setblocking(False)
        self.overrun: int | None = None
        self.unstarted: int | None = None
        self.exit_code: int | None = None
        self._said = b""  # the output of the supervisor
        self.stream.setblocking(False)
        self._tasks.setblocking(False)
        self._inbox = Inbox()
        self._outbox = Outbox(self.stream)
        self.pid = self._popen.pid
        self.handle = _open_handle(self.pid)
        self.ended_stream = False
        self.all_sent = True

    def send(self, kind: Kind, body: bytes) -> None:
        """Adds a message to the stream, and sends what it can. ``flush`` sends the rest."""
        self._outbox.put(kind, body)
        self.flush()

    def flush(self) -> bool:
        """Goes on sending, and returns whether everything is sent."""
        self.all_sent = self._outbox.flush()
        return self.all_sent

    def send_task(self, kind: Kind, number: int = 0, data: bytes = b"") -> bool:
        """Puts a message on the line of tasks, which the worker reads after the messages before it.

        The death of a worker is noticed by its handle, and what it has not read is then taken back.

        Returns:
            False if the worker closed the line or lets it fill up.
        """
        try:
            self._tasks.send(PREFIX.pack(kind, number) + data)
        except OSError:
            return False
        return True

    def take_back(self) -> list[int]:
        """Takes back the messages that the worker has not begun, and returns the numbers of their tasks in order."""
        numbers = []
        with suppress(OSError):
            while datagram := self._unread.recv(DATAGRAM + PREFIX.size, socket.MSG_DONTWAIT):
                kind, number = PREFIX.unpack_from(datagram)
                if kind in (Kind.TASK, Kind.ANNOUNCED):
                    numbers.append(number)
        return numbers

    def took_all(self) -> bool:
        """Returns whether the line of tasks is empty."""
        try:
            return not self._unread.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK)
        except OSError:
            return True

    def read(self) -> list[Message]:
        """Reads at most one piece and returns the messages that are complete: a huge one must not delay the others."""
        piece = self._receive()
        return self._feed(piece) if piece else []

    def read_all(self) -> Iterator[Message]:
        """Yields the messages that are left of a worker that is dead or sends no more for now."""
        while self.fault is None and (piece := self._receive()):
            yield from self._feed(piece)

    def _feed(self, piece: bytes) -> list[Message]:
        try:
            return self._inbox.feed(piece)
        except MemoryError:
            self.refuse("a message for which the manager has no memory")
            return []

    @property
    def fault(self) -> str | None:
        """Returns why the worker's data is no message, as text after ``sent``. After a fault no more is read."""
        return self._inbox.fault

    def refuse(self, fault: str) -> None:
        """Reads nothing from the worker any more, for the reason given."""
        self._inbox.refuse(fault)

    @property
    def arriving(self) -> int:
        """Returns the number of bytes of a message that is not complete yet."""
        return len(self._inbox.rest())

    def _receive(self) -> bytes:
        try:
            piece = self.stream.recv(CHUNK)
        except BlockingIOError:
            return b""
        except ConnectionResetError:
            piece = b""
        self.ended_stream = not piece
        return piece

    def last_words(self) -> str:
        """Returns what the interpreter wrote as it crashed: the traceback of a segmentation fault."""
        text = self._inbox.rest()
        return text.decode("utf-8", "replace") if text.startswith(WORDS) else ""

    def signal(self, number: int) -> None:
        """Sends SIGTERM to the worker's group, or SIGKILL to the worker and all processes that it started.

        Without a supervisor, processes that left the worker's group receive neither.
        """
        if self.supervised:
            self.wake()
            with suppress(BrokenPipeError, ConnectionResetError, BlockingIOError):
                self._control.send(b"K" if number == signal.SIGKILL else b"T")
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def wake(self) -> None:
        """Continues the supervisor in case it was stopped."""
        if self.supervised and self._popen.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, signal.SIGCONT)

    def give_up(self) -> None:
        """Kills the child itself, because its supervisor does not respond. Processes of the worker may survive."""
        with suppress(ProcessLookupError, PermissionError):
            self._popen.kill()

    @property
    def signalled(self) -> bool:
        """Returns whether the supervisor received a signal a moment ago that is sent to all processes of a job."""
        self._listen()
        times = [float(line[1:]) for line in self._lines() if line.startswith(b"S")]
        return bool(times) and time.monotonic() - times[-1] < RECENT

    def _lines(self) -> list[bytes]:
        return self._said.split(b"\n")[:-1]

    def _listen(self) -> None:
        with suppress(OSError):  # there is nothing more to read, or the line is closed
            self._said += self._control.recv(4096)

    def has_ended(self) -> bool:
        """Returns whether the worker is dead. The worker is not reaped, so that its number is not reused."""
        if self._popen.returncode is not None:
            return True
        if not hasattr(os, "waitid"):
            return self._popen.poll() is not None
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    def reap(self) -> str:
        """Reaps a dead worker and releases all its resources.

        Returns:
            A text for the user that says how it ended: ``was killed by signal 9 (SIGKILL)``.
        """
        self.exit_code = code = self._popen.wait()
        self._listen()
        self.overrun = next((int(line) for line in self._lines() if line.isdigit()), None)
        self.unstarted = next((int(line[1:]) for line in self._lines() if line.startswith(b"F")), None)
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None
        self._close_lines()
        if self.overrun is None:
            return describe_exit(code)
        return (
            f"took {describe_bytes(self.overrun)}, more than the memory_limit of {describe_bytes(self._memory_limit)},"
        )

    def _close_lines(self) -> None:
        self.stream.close()
        self._tasks.close()
        self._unread.close()
        self._control.close()
        os.close(self._life)


def _command(fds: list[int]) -> list[str]:
    return [sys.executable, *_options(), "-P", "-m", "runlib.pool.processes.worker", *map(str, fds)]


def _under_supervision(command: list[str], control: int, memory_limit: int, fds: list[int]) -> list[str]:
    program = [sys.executable, "-I", "-S", str(Path(__file__).with_name("supervisor.py"))]
    return [*program, str(os.getpid()), str(control), str(memory_limit), ",".join(map(str, fds)), *command]


def _start(command: list[str], fds: list[int], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    # The path of this process in its order lets the worker find the same runlib. The worker restores the variable.
    path = {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if isinstance(entry, str))}
    with standard_output() as (out, err), held_back():
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**os.environ, **environment, **path},
            pass_fds=fds,
            start_new_session=True,
        )


def _options() -> list[str]:
    """Returns the options of the interpreter that change the behaviour of code."""
    options = ["-" + "O" * sys.flags.optimize] if sys.flags.optimize else []
    options += [f"-W{option}" for option in sys.warnoptions]
    return options + [f"-X{name}" if value is True else f"-X{name}={value}" for name, value in sys._xoptions.items()]


def _open_handle(pid: int) -> int | None:
    """Returns a descriptor that becomes readable when the process ends, or None if the system has none."""
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def describe_exit(code: int) -> str:
    """Returns how a process ended, as text for the user, from its return code (negative for a signal)."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"was killed by signal {-code}"
