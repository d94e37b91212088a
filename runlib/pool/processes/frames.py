"""Frames: how messages lie in a stream, each behind a mark, its kind, and its length.

The side of the manager never blocks, and believes nothing: ``Inbox`` puts together what arrives in pieces and finds
what is no frame, ``Outbox`` keeps what the other side has not taken yet. The side of the worker blocks: it has nothing
else to do.
"""

from __future__ import annotations

import enum
import socket
import struct
from collections import deque
from typing import NamedTuple

__all__ = ["LIMIT", "PREFIX", "WORDS", "Inbox", "Kind", "Message", "Outbox", "frame", "receive", "send"]

MARK = b"\xf7rl\x01"  # no text begins so, in UTF-8 or ASCII
HEADER = struct.Struct("!4sBQ")
PREFIX = struct.Struct("!BQ")  # of what is put on the line of tasks: its kind, and the number of the task in its slot
LIMIT = 2**28  # bytes in a message to the manager, which has it in memory several times
CHUNK = 2**20
SMALL = 2**16
WORDS = b"Fatal Python error"  # how the interpreter begins what it says as it crashes
LONGEST_WORDS = 2**16
SHOWN = 40


class Kind(enum.IntEnum):
    """What a message is, in a stream or on the line of tasks.

    Attributes:
        BOOT: To the worker: what makes it like the manager.
        PAYLOAD: To the worker: its evaluator.
        TASK: To the worker: an evaluation to be done.
        ANNOUNCED: To the worker: one that is too long for the line of tasks, and comes in the stream.
        PROBE: To the worker: nothing; that it is taken shows that the worker is at no evaluation.
        LEAVE: To the worker: this is all.
        READY: To the manager: the evaluator is built.
        UNBUILT: To the manager: it cannot be built.
        RESULT: To the manager: what came of a task.
        SIGNALLED: To the manager: the next result may come of a signal that somebody sent.
    """

    BOOT = 1
    PAYLOAD = 2
    TASK = 3
    ANNOUNCED = 4
    PROBE = 5
    LEAVE = 6
    READY = 17
    UNBUILT = 18
    RESULT = 19
    SIGNALLED = 20


class Message(NamedTuple):
    """One message: its kind, which the other side may have invented, and its body."""

    kind: int
    body: bytes


def frame(kind: int, body: bytes) -> bytes:
    """One message as it is sent."""
    return HEADER.pack(MARK, kind, len(body)) + body


class Inbox:
    """Messages put together from the pieces in which they arrive.

    Attributes:
        fault: Why what arrived is no frame, for people; None as long as it is. From then on nothing is taken in.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.fault: str | None = None

    def feed(self, piece: bytes) -> list[Message]:
        """Take in a piece.

        Returns:
            The messages that became whole, in their order; those before a fault as well.
        """
        if self.fault is not None:
            return []
        if not self._buffer:  # by far the most frequent case, without a copy of a copy
            messages, end = _whole(piece)
            if end < len(piece):
                self._buffer += piece[end:]
        else:
            self._buffer += piece
            messages, end = _whole(self._buffer)
            del self._buffer[:end]
        if self._buffer:
            self._judge()
        return messages

    def _judge(self) -> None:
        """Find what cannot become a frame, nor is what the interpreter says as it crashes."""
        begin = bytes(self._buffer[: HEADER.size])
        if begin.startswith(MARK):
            if len(begin) == HEADER.size and (length := HEADER.unpack(begin)[2]) > LIMIT:
                self.refuse(f"a message of {length} bytes, more than the {LIMIT} that it may have")
        elif self._begins_words():
            del self._buffer[LONGEST_WORDS:]
        elif not MARK.startswith(begin):
            self.refuse(f"what is no message: it begins with {bytes(self._buffer[:SHOWN])!r}")

    def _begins_words(self) -> bool:
        begin = bytes(self._buffer[: len(WORDS)])
        return bool(begin) and WORDS.startswith(begin)

    def refuse(self, fault: str) -> None:
        """Take in nothing any more, for this reason."""
        self.fault = fault
        self._buffer.clear()

    def rest(self) -> bytes:
        """What is left over when no more will come: text if the process crashed, or part of a message."""
        return bytes(self._buffer)


def _whole(data: bytes | bytearray) -> tuple[list[Message], int]:
    """The messages that are whole, and where the last one ends."""
    messages = []
    start, body = 0, HEADER.size
    while body <= len(data):
        mark, kind, length = HEADER.unpack_from(data, start)
        if mark != MARK or length > LIMIT or body + length > len(data):
            break
        start = body + length
        messages.append(Message(kind, _part(data, body, start)))
        body = start + HEADER.size
    return messages, start


def _part(data: bytes | bytearray, begin: int, end: int) -> bytes:
    if isinstance(data, bytes):
        return data[begin:end]
    with memoryview(data) as view:  # of a result of many megabytes there is one copy, not two
        return bytes(view[begin:end])


class Outbox:
    """Bytes on their way to a socket that does not block."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._views: deque[memoryview] = deque()

    def put(self, kind: int, body: bytes) -> None:
        """Append a message; ``body`` is not copied, so that all workers can share a large one."""
        self._views.append(memoryview(HEADER.pack(MARK, kind, len(body))))
        self._views.append(memoryview(body))

    def flush(self) -> bool:
        """Send what the socket takes now; True when nothing is left (or nobody is there to read it)."""
        while self._views:
            try:
                sent = self._stream.send(self._views[0][:CHUNK])
            except BlockingIOError:
                return False
            except (BrokenPipeError, ConnectionResetError):
                self._views.clear()
                return True
            self._views[0] = self._views[0][sent:]
            if not len(self._views[0]):
                self._views.popleft()
        return True


def send(stream: socket.socket, kind: int, body: bytes) -> None:
    """Send one message, waiting until it is taken."""
    if len(body) < SMALL:
        stream.sendall(frame(kind, body))
    else:
        stream.sendall(HEADER.pack(MARK, kind, len(body)))
        stream.sendall(body)


def receive(stream: socket.socket) -> Message | None:
    """Wait for one message; None if the other side is gone.

    Raises:
        ValueError: What came is no message: somebody else read from the stream.
    """
    header = _exactly(stream, HEADER.size)
    if header is None:
        return None
    mark, kind, length = HEADER.unpack(header)
    if mark != MARK:
        raise ValueError(f"what came is no message: it begins with {bytes(header)!r}")
    body = _exactly(stream, length)
    return None if body is None else Message(kind, bytes(body))


def _exactly(stream: socket.socket, size: int) -> bytearray | None:
    data = bytearray(size)
    view = memoryview(data)
    while len(view):
        count = stream.recv_into(view)
        if not count:
            return None
        view = view[count:]
    return data
