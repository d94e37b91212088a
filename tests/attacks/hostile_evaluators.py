"""An evaluator that attacks the worker it runs in, as its suggestion says; workers import it by name."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time

from runlib.evaluator.base import Evaluator
from runlib.pool.processes import messages
from runlib.pool.processes.frames import HEADER, MARK, Kind, frame


def sockets(kind):
    """The descriptors of this process that are sockets of a kind."""
    found = []
    for fd in range(3, 1100):
        try:
            line = socket.socket(fileno=os.dup(fd))
        except OSError:
            continue
        with line:
            if line.type == kind:
                found.append(fd)
    return found


def the_stream():
    """The descriptor of the line to the manager."""
    [fd] = sockets(socket.SOCK_STREAM)
    return fd


def the_tasks():
    """The descriptor of the line of tasks."""
    [fd] = sockets(socket.SOCK_DGRAM)
    return fd


def write_all(fd, data):
    """Write all of it, to a descriptor that may take it in parts."""
    while data:
        data = data[os.write(fd, data) :]


OPEN = []  # what has to stay open


class Hostile(Evaluator):
    """``{"do": name, ...}`` calls the method of that name."""

    kind = "attack_hostile"

    def __call__(self, suggestion):
        return getattr(self, suggestion["do"])(**{k: v for k, v in suggestion.items() if k != "do"})

    def value(self, x=1.0):
        return x

    def wait(self, mark):
        """Wait until there is a file."""
        while not os.path.exists(mark):
            time.sleep(0.005)
        return 1.0

    def low(self, first=3, last=64):
        """Write to low descriptors, as C libraries do to those that were closed and reused."""
        for fd in range(first, last):
            try:
                os.write(fd, b"a stray print\n")
            except OSError:
                continue
        return 1.0

    def close(self, first=3, last=64):
        """Close descriptors that this does not own."""
        os.closerange(first, last)
        return 1.0

    def cover(self, first=3, last=64):
        """Put another file over descriptors."""
        null = os.open(os.devnull, os.O_RDWR)
        for fd in range(first, last):
            os.dup2(null, fd)
        return 1.0

    def say(self, text, before_return=True):
        """Write bytes, given as latin-1, to the line to the manager."""
        write_all(the_stream(), text.encode("latin-1"))
        if not before_return:
            time.sleep(3600)
        return 1.0

    def claim(self, length, kind=int(Kind.RESULT), body=""):
        """Begin a message that does not come."""
        write_all(the_stream(), HEADER.pack(MARK, kind, length) + body.encode())
        return 1.0

    def tell(self, kind, body, times=1):
        """Send whole messages."""
        write_all(the_stream(), frame(kind, body.encode("latin-1")) * times)
        return 1.0

    def flood(self, text, seconds=0.0):
        """Go on writing in a thread, whatever is done meanwhile."""
        stream, data = os.dup(the_stream()), text.encode("latin-1") * 100

        def write():
            while True:
                write_all(stream, data)

        threading.Thread(target=write, daemon=True).start()
        time.sleep(seconds)
        return 1.0

    def shut(self, line, how, mark=None):
        """End one direction of a line for everybody who has it, once there is a file."""
        if mark is not None:
            self.wait(mark)
        fd = the_stream() if line == "stream" else the_tasks()
        with socket.socket(fileno=os.dup(fd)) as shared:
            shared.shutdown(how)
        return 1.0

    def swap(self, line, by):
        """Replace a line by something else."""
        fd = the_stream() if line == "stream" else the_tasks()
        if by == "socket":
            kind = socket.SOCK_STREAM if line == "stream" else socket.SOCK_DGRAM
            OPEN.extend(socket.socketpair(socket.AF_UNIX, kind))
            os.dup2(OPEN[0].fileno(), fd)
        elif by == "file":
            os.dup2(os.open(os.devnull, os.O_RDWR), fd)
        else:
            os.close(fd)
        return 1.0

    def keep(self, line):
        """Close a line of which a child has a copy, so that the other side sees no end."""
        fd = the_stream() if line == "stream" else the_tasks()
        if not os.fork():
            time.sleep(3600)
        os.close(fd)
        return 1.0

    def steal(self, mark):
        """Read the tasks that others are to get, until there is a file, and all that comes later."""
        tasks = socket.socket(fileno=os.dup(the_tasks()))
        OPEN.append(tasks)

        def read():
            while True:
                tasks.recv(2**17)

        threading.Thread(target=read, daemon=True).start()
        return self.wait(mark)

    def answer(self, ahead):
        """Answer tasks that wait on the line, which this has not been given."""
        tasks = socket.socket(fileno=os.dup(the_tasks()))
        datagram = tasks.recv(2**17, socket.MSG_PEEK)
        tasks.close()
        _, number = struct.unpack_from("!BQ", datagram)
        tid = int(datagram[9:].split(b",")[0][1:])
        for report in (f"[{number - 1},{tid - 1}", f"[{number},{tid}")[: 1 + ahead]:
            body = report + ',{"ok":{"loss":7.0,"duration":0.0}},[]]'
            write_all(the_stream(), frame(Kind.RESULT, body.encode()))
        return 1.0

    def measure(self, text):
        return float(len(text))

    def large(self, size, limit, apart):
        """Return much, in one text or in several, where less is allowed."""
        messages.LIMIT = limit
        return {"loss": 1.0, "text": ["x" * (size // 10)] * 10 if apart else "x" * size}

    def many(self, count, limit):
        """Return many lists, where fewer are allowed."""
        messages.CONTAINERS = limit
        return {"loss": 1.0, "lists": [[] for _ in range(count)]}

    def everything(self):
        """All of it at once."""
        self.low()
        self.flood("\x00\xff nonsense")
        self.tell(int(Kind.READY), "x", times=3)
        self.shut("tasks", socket.SHUT_RDWR)
        os.closerange(3, 65536)
        return 1.0


class Unbuildable(Evaluator):
    """Speaks while it is unpacked, before its worker does."""

    kind = "attack_unbuildable"

    def __init__(self, text="", context=None):
        super().__init__(context)
        self.text = text

    def __setstate__(self, state):
        self.__dict__.update(state)
        if self.text:
            write_all(the_stream(), self.text.encode("latin-1"))

    def __call__(self, suggestion):
        return 1.0
