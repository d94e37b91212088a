"""The supervisor: a tiny process between the manager and one worker. It ends when all that the worker began is gone.

What a trial starts can leave its process group and its session, lose its parents and clear its environment; it
cannot leave its line of descent. The supervisor is a *subreaper* (``PR_SET_CHILD_SUBREAPER`` in prctl(2)): whatever
below it loses its parent becomes its own child. So at the end it kills its children, and those that fall to it by
that, until the kernel says that it has none; as it kills only what it has not reaped, no number can by then stand
for somebody else. A list of groups, a mark in the environment or a walk over ``/proc`` from outside would each miss
something, at the latest when the worker is dead.

That happens when the worker ends, when the manager says so (``K``), when the manager is gone (end of the control
line, or of the process: a fork of it may hold the line open), and when the processes of the worker together take
more memory than they may, which is told to the manager (a line with the number of bytes), as is a worker that cannot be
started (a line with ``F`` and the number of the error). ``T`` asks the worker's group to end. At last the supervisor
ends in the way the worker did, so that the manager reads the worker's end off it. Should the supervisor itself be
killed, the kernel kills the worker (``PR_SET_PDEATHSIG``); in that case alone, what had left the worker's group stays.
Should somebody stop it, the manager, or the kernel when that is gone, lets it go on.

A signal by which all processes of a job are asked to end does not end it, but is told to the manager (a line with
``S`` and the time), as errors of the worker may come of it.

Linux alone has this. Elsewhere (macOS) workers are children of the manager, their groups are killed by it and by the
``guardian``, and a process in a session of its own survives them.

Run as a script: ``python -I -S supervisor.py MANAGER CONTROL LIMIT LINES COMMAND...``: the manager's id, the
descriptor of the control line, bytes (0 for no limit), the worker's descriptors with commas, the worker's program.
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

PDEATHSIG, SUBREAPER, DUMPABLE = 1, 36, 4  # of prctl(2)
DEAF = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
PATIENCE = 10.0  # seconds for killed processes to disappear; those stuck in the kernel are left to it
TIDY = 0.5  # seconds for the children of a worker that ended in order
GLANCE = 0.05  # seconds between looks while they do
WEIGH = 0.1  # seconds between looks at the memory
SHARE = 20  # looking takes at most this part of the time
PAGE = os.sysconf("SC_PAGE_SIZE")
LISTED = os.path.exists(f"/proc/self/task/{os.getpid()}/children")  # not every kernel keeps these lists


def main(manager: int, control: int, limit: int, lines: list[int], command: list[str]) -> None:
    """Start the worker, watch over it, and end as it ended."""
    os.set_inheritable(control, False)
    os.set_blocking(control, False)
    wakeup = _hear_of_signals()
    before = _stand_signals()
    _prctl(SUBREAPER, 1)
    _prctl(PDEATHSIG, signal.SIGCONT)
    try:
        worker = _spawn(command, before)
    except OSError as error:  # there is no room for another process; the manager tries again
        os.write(control, b"F%d\n" % (error.errno or 0))
        os._exit(1)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    _let_go(lines)
    _end_like(_Watch(worker, manager, control, limit).run(wakeup))


def _hear_of_signals() -> int:
    """A descriptor on which there is a byte for each signal: a child ended, or one of ``DEAF`` came."""
    wakeup, written = os.pipe()
    for end in (wakeup, written):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    return wakeup


def _stand_signals() -> dict[signal.Signals, Any]:
    """Live on whatever comes; returns what was done about it before.

    All are blocked while the worker is started, which lets them through when it is ready for them.
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
    """The worker, in a session of its own; it dies with this process."""
    supervisor = os.getpid()
    worker = os.fork()
    if worker:
        return worker
    try:
        os.setsid()
        _prctl(PDEATHSIG, signal.SIGKILL)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if os.getppid() == supervisor:  # else it ended before the kernel was asked
            os.execv(command[0], command)
    finally:
        os._exit(127)


def _let_go(lines: list[int]) -> None:
    """Hold nothing that is the worker's: its lines, the terminal, the folder."""
    for line in lines:
        os.close(line)
    null = os.open(os.devnull, os.O_WRONLY)  # standard input is that from the start
    for number in (1, 2):
        os.dup2(null, number)
    os.close(null)
    os.chdir("/")


class _Watch:
    """What is known of one worker."""

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
        """Watch until nothing is left, and return how the worker ended, as ``os.waitpid`` has it."""
        poll = select.poll()
        handle = _handle_of(self.manager)
        for number in (wakeup, self.control, *([] if handle is None else [handle])):
            poll.register(number, select.POLLIN)
        self.ending = os.getppid() != self.manager  # the descriptor may be that of a later process of this number
        while self.status is None and not self.ending:
            ready = {number for number, _ in poll.poll(self._patience(handle))}
            self._reap(wakeup)
            if self.control in ready:
                self._obey()
            self.ending |= os.getppid() != self.manager
            self._weigh()
        self._end(wakeup)
        return signal.SIGKILL if self.status is None else self.status

    def _patience(self, handle: int | None) -> float | None:
        if self.limit:
            return max(0.0, self.weigh_at - time.monotonic()) * 1000
        return 1000.0 if handle is None else None

    def _obey(self) -> None:
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
            except OSError:  # it has no group of its own yet
                with suppress(OSError):
                    os.kill(self.worker, signal.SIGTERM)

    def _weigh(self) -> None:
        begin = time.monotonic()
        if not self.limit or self.status is not None or begin < self.weigh_at:
            return
        used = _memory(self.limit)
        now = time.monotonic()
        self.weigh_at = now + max(WEIGH, SHARE * (now - begin))
        if used > self.limit:
            self.ending = True
            with suppress(OSError):  # nobody is left to hear it
                os.write(self.control, b"%d\n" % used)

    def _reap(self, wakeup: int) -> bool:
        """Bury the children that ended, and tell of signals; False when there are no others."""
        with suppress(BlockingIOError):
            if any(number != signal.SIGCHLD for number in os.read(wakeup, 65536)):
                self._tell_of_signal()
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.worker:
                self.status = status

    def _tell_of_signal(self) -> None:
        now = time.monotonic()
        if now - self.told_at >= GLANCE:  # not the more, the more there are
            self.told_at = now
            with suppress(OSError):  # nobody is left to hear it, or nobody reads
                os.write(self.control, b"S%.3f\n" % now)

    def _end(self, wakeup: int) -> None:
        """Kill the children, and what becomes a child by that, until there is none.

        After a worker that ended in order they have a moment: trackers of shared memory tidy up when it is gone.
        """
        kill_at = time.monotonic() + (TIDY if self.status == 0 and not self.ending else 0.0)
        if self.status is None:
            _kill(self.worker)  # the first, as it may go on to start others
        while self._reap(wakeup) and time.monotonic() < kill_at + PATIENCE:
            self.ending |= time.monotonic() >= kill_at
            if self.ending and not _kill_children():
                return
            ready, _, _ = select.select([wakeup] if self.ending else [wakeup, self.control], [], [], GLANCE)
            if self.control in ready:
                self._obey()


def _handle_of(manager: int) -> int | None:
    """A descriptor that becomes readable when the manager ends, where the kernel has such."""
    with suppress(AttributeError, OSError):
        return os.pidfd_open(manager)
    return None


def _kill_children() -> bool:
    """Kill all children; False if there are some, and none may be killed (they run as somebody else)."""
    killed = [_kill(pid) for pid in list(_children(os.getpid()))]
    return not killed or any(killed)


def _kill(pid: int) -> bool:
    """Kill a child; False if it may not be killed."""
    try:
        os.kill(pid, signal.SIGKILL)
    except PermissionError:
        return False
    except ProcessLookupError:
        return True  # it is being reaped
    return True


def _children(pid: int) -> Iterator[int]:
    """The children of a process, those of all its threads."""
    if not LISTED:
        yield from (child for child in map(int, filter(str.isdigit, os.listdir("/proc"))) if _parent(child) == pid)
        return
    with suppress(OSError):  # it ended
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
    """Bytes in memory of all that is below this process.

    The quick sum counts a page as often as it is shared; what is above the limit by that is summed again, each
    process with its share (proportional set size), which takes the kernel longer.
    """
    processes = list(_descendants(os.getpid()))
    resident = {pid: _resident(pid) for pid in processes}
    total = sum(resident.values())
    return total if total <= limit else sum(_proportional(pid, resident[pid]) for pid in processes)


def _resident(pid: int) -> int:
    fields = _read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * PAGE if fields else 0


def _proportional(pid: int, default: int) -> int:
    """Kibibytes stand in the line ``Pss:``; a kernel or a process that does not show it has the default."""
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
    """End with the same exit code, or by the same signal but without a core file of this process."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        _prctl(DUMPABLE, 0)
        with suppress(OSError, ValueError):  # SIGKILL has no handler
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), list(map(int, sys.argv[4].split(","))), sys.argv[5:])
