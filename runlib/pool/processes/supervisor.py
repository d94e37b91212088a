"""Supervises one worker from a small process between it and the manager, until all processes of the worker are gone.

A process that a trial starts can leave its process group and its session, lose its parents and clear its environment,
but it always stays a descendant of the supervisor. The supervisor is a *subreaper* (``PR_SET_CHILD_SUBREAPER`` in
prctl(2)): every process below it that loses its parent becomes its own child. So at the end it kills its children, and
the children that it gains in this way, until the kernel says that it has none. It kills only processes that it has not
reaped, so that their numbers cannot be reused by then. A list of groups, a mark in the environment, or a search of
``/proc`` from outside would each miss some processes, at the latest when the worker is dead.

It does so when the worker ends, when the manager asks for it (``K``), when the manager is gone (the control line ends,
or the process does: a fork of it may hold the line open), and when the processes of the worker together take more
memory than allowed. It reports the memory to the manager as a line with the number of bytes. It reports a worker that
cannot be started as a line with ``F`` and the number of the error. ``T`` asks the worker's group to end. The supervisor
ends in the same way as the worker, so that the manager can read the worker's end from it. If the supervisor itself is
killed, the kernel kills the worker (``PR_SET_PDEATHSIG``). Only in this case do processes that left the worker's group
stay. If the supervisor is stopped, the manager continues it, or the kernel does when the manager is gone.

A signal that asks all processes of a job to end does not end the supervisor. It is reported to the manager as a line
with ``S`` and the time, because errors of the worker may be due to it.

Only Linux has this. On other systems (macOS) workers are children of the manager, which kills their groups, as the
``guardian`` does. A process in a session of its own survives there.

It is run as a script: ``python -I -S supervisor.py MANAGER CONTROL LIMIT LINES COMMAND...``. The arguments are the
process number of the manager, the descriptor of the control line, the memory limit in bytes (0 for no limit), the
descriptors of the worker with commas, and the program of the worker.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

__all__ = ["main"]

PDEATHSIG, SUBREAPER, DUMPABLE = 1, 36, 4  # options of prctl(2)
DEAF = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
PATIENCE = 10.0  # seconds for killed processes to disappear; those stuck in the kernel are given up
TIDY = 0.5  # seconds for the children of a worker that ended normally
GLANCE = 0.05  # seconds between checks meanwhile
WEIGH = 0.1  # seconds between checks of the memory
SHARE = 20  # a check takes at most this fraction (1/20) of the time
PAGE = os.sysconf("SC_PAGE_SIZE")
LISTED = os.path.exists(f"/proc/self/task/{os.getpid()}/children")  # not every kernel keeps these lists


def main(manager: int, control: int, limit: int, lines: list[int], command: list[str]) -> None:
    """Starts the worker, supervises it, and ends in the same way."""
    os.set_inheritable(control, False)
    os.set_blocking(control, False)
    wakeup = _open_wakeup()
    before = _survive_signals()
    _prctl(SUBREAPER, 1)
    _prctl(PDEATHSIG, signal.SIGCONT)
    try:
        worker = _spawn(command, before)
    except OSError as error:  # there is no room for another process; the manager tries again
        os.write(control, b"F%d\n" % (error.errno or 0))
        os._exit(1)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    _release(lines)
    _end_like(_Watch(worker, manager, control, limit).run(wakeup))


def _open_wakeup() -> int:
    """Returns a descriptor that gets a byte for each signal: when a child ends, or when one of ``DEAF`` comes."""
    wakeup, written = os.pipe()
    for end in (wakeup, written):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    return wakeup


def _survive_signals() -> dict[signal.Signals, Any]:
    """Makes this process survive the signals of ``DEAF``, and returns their handlers from before.

    All are blocked while the worker is started. The worker unblocks them when it is ready for them.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, DEAF)
    before = {number: signal.getsignal(number) for number in DEAF}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    return before


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _spawn(command: list[str], handlers: dict[signal.Signals, Any]) -> int:
    """Starts the worker in a session of its own, and returns its number. The worker dies with this process."""
    supervisor = os.getpid()
    worker = os.fork()
    if worker:
        return worker
    try:
        os.setsid()
        _prctl(PDEATHSIG, signal.SIGKILL)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if os.getppid() == supervisor:  # otherwise the supervisor ended before the kernel was asked
            os.execv(command[0], command)
    finally:
        os._exit(127)


def _release(lines: list[int]) -> None:
    """Releases everything that is the worker's: its lines, the terminal, and the folder."""
    for line in lines:
        os.close(line)
    null = os.open(os.devnull, os.O_WRONLY)  # standard input leads there from the start
    for number in (1, 2):
        os.dup2(null, number)
    os.close(null)
    os.chdir("/")


class _Watch:
    """Holds what is known about one worker."""

    def __init__(self, worker: int, manager: int, control: int, limit: int) -> None:
        self.worker = worker
        self.manager = manager
        self.control = control
        self.limit = limit
        self.status: int | None = None
        self.ending = False
        self.weigh_at = 0.0
        self.told_at = -GLANCE

    def run(self, wakeup: int) -> int:
        """Supervises until no process is left, and returns how the worker ended, as in ``os.waitpid``."""
        poll = select.poll()
        handle = _handle_of(self.manager)
        for number in (wakeup, self.control, *([] if handle is None else [handle])):
            poll.register(number, select.POLLIN)
        self.ending = os.getppid() != self.manager  # the descriptor may belong to a later process with this number
        while self.status is None and not self.ending:
            ready = {number for number, _ in poll.poll(self._poll_timeout(handle))}
            self._reap(wakeup)
            if self.control in ready:
                self._read_control()
            self.ending |= os.getppid() != self.manager
            self._check_memory()
        self._end(wakeup)
        return signal.SIGKILL if self.status is None else self.status

    def _poll_timeout(self, handle: int | None) -> float | None:
        if self.limit:
            return max(0.0, self.weigh_at - time.monotonic()) * 1000
        return 1000.0 if handle is None else None

    def _read_control(self) -> None:
        try:
            said = os.read(self.control, 4096)
        except BlockingIOError:
            return
        except ConnectionResetError:
            said = b""
        self.ending |= not said or b"K" in said
        if b"T" in said and self.status is None:
            try:
                os.killpg(self.worker, signal.SIGTERM)
            except OSError:  # the worker has no group of its own yet
                with suppress(OSError):
                    os.kill(self.worker, signal.SIGTERM)

    def _check_memory(self) -> None:
        begin = time.monotonic()
        if not self.limit or self.status is not None or begin < self.weigh_at:
            return
        used = _memory(self.limit)
        now = time.monotonic()
        self.weigh_at = now + max(WEIGH, SHARE * (now - begin))
        if used > self.limit:
            self.ending = True
            with suppress(OSError):  # the manager is gone
                os.write(self.control, b"%d\n" % used)

    def _reap(self, wakeup: int) -> bool:
        """Reaps the children that ended, and reports signals. Returns False if there are no other children."""
        with suppress(BlockingIOError):
            if any(number != signal.SIGCHLD for number in os.read(wakeup, 65536)):
                self._report_signal()
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.worker:
                self.status = status

    def _report_signal(self) -> None:
        now = time.monotonic()
        if now - self.told_at >= GLANCE:  # many signals cause few reports
            self.told_at = now
            with suppress(OSError):  # the manager is gone, or does not read
                os.write(self.control, b"S%.3f\n" % now)

    def _end(self, wakeup: int) -> None:
        """Kills the children, and the processes that become children by that, until there are none.

        If the worker ended normally, they get a moment: trackers of shared memory clean up when the worker is gone.
        """
        kill_at = time.monotonic() + (TIDY if self.status == 0 and not self.ending else 0.0)
        if self.status is None:
            _kill(self.worker)  # the worker is first, as it may start more processes
        while self._reap(wakeup) and time.monotonic() < kill_at + PATIENCE:
            self.ending |= time.monotonic() >= kill_at
            if self.ending and not _kill_children():
                return
            ready, _, _ = select.select([wakeup] if self.ending else [wakeup, self.control], [], [], GLANCE)
            if self.control in ready:
                self._read_control()


def _handle_of(manager: int) -> int | None:
    """Returns a descriptor that becomes readable when the manager ends, or None if the kernel has none."""
    with suppress(AttributeError, OSError):
        return os.pidfd_open(manager)
    return None


def _kill_children() -> bool:
    """Kills all children. Returns False if there are some and none may be killed, because they run as another user."""
    killed = [_kill(pid) for pid in list(_children(os.getpid()))]
    return not killed or any(killed)


def _kill(pid: int) -> bool:
    """Kills a child, and returns False if it may not be killed."""
    try:
        os.kill(pid, signal.SIGKILL)
    except PermissionError:
        return False
    except ProcessLookupError:
        return True  # it is being reaped
    return True


def _children(pid: int) -> Iterator[int]:
    """Yields the children of a process, including those of all its threads."""
    if not LISTED:
        yield from (child for child in map(int, filter(str.isdigit, os.listdir("/proc"))) if _parent(child) == pid)
        return
    with suppress(OSError):  # the process ended
        for thread in os.listdir(f"/proc/{pid}/task"):
            yield from map(int, _read(f"/proc/{pid}/task/{thread}/children").split())


def _parent(pid: int) -> int | None:
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return int(fields[1]) if fields else None


def _descendants(pid: int) -> Iterator[int]:
    for child in list(_children(pid)):
        yield child
        yield from _descendants(child)


def _memory(limit: int) -> int:
    """Returns the bytes in memory of all processes below this one.

    The quick sum counts a shared page once for each process. If it exceeds the limit, the sum is taken again with the
    share of each process (proportional set size), which takes the kernel longer.
    """
    processes = list(_descendants(os.getpid()))
    resident = {pid: _resident(pid) for pid in processes}
    total = sum(resident.values())
    return total if total <= limit else sum(_proportional(pid, resident[pid]) for pid in processes)


def _resident(pid: int) -> int:
    fields = _read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * PAGE if fields else 0


def _proportional(pid: int, default: int) -> int:
    """Returns the bytes of the line ``Pss:``, which is in KiB, or the default if there is no such line."""
    for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return default


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read() or b""
    except OSError:
        return b""


def _end_like(status: int) -> None:
    """Ends this process with the same exit code, or by the same signal but without a core file."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        _prctl(DUMPABLE, 0)
        with suppress(OSError, ValueError):  # SIGKILL has no handler
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), list(map(int, sys.argv[4].split(","))), sys.argv[5:])
