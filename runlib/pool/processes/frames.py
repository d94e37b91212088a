"""Defines frames: each message in a stream comes after a mark, its kind, and its length.

The manager's side never blocks and trusts nothing. ``Inbox`` assembles what arrives in pieces and detects what is no
frame. ``Outbox`` keeps what the other side has not accepted yet. The worker's side blocks, because it has nothing else
to do.
"""

from __future__ import annotations

import enum
import socket
import struct
from collections import deque
from typing import NamedTuple

__all__ = ["LIMIT", "PREFIX", "WORDS", "Inbox", "Kind", "Message", "Outbox", "frame", "receive", "send"]

MARK = b"\xf7rl\x01"  # no text in UTF-8 or ASCII begins with this
HEADER = struct.Struct("!4sBQ")
PREFIX = struct.Struct("!BQ")  # of messages on the line of tasks: the kind, and the number of the task in its slot
LIMIT = 2**28  # bytes in a message to the manager, which holds it in memory several times
CHUNK = 2**20
SMALL = 2**16
WORDS = b"Fatal Python error"  # how the output of the interpreter begins when it crashes
LONGEST_WORDS = 2**16
SHOWN = 40


class Kind(enum.IntEnum):
    """Names what a message is, in a stream or on the line of tasks.

    Attributes:
        BOOT: A message to the worker with the settings that make it like the manager.
        PAYLOAD: A message to the worker with its evaluator.
        TASK: A message to the worker with an evaluation to be done.
        ANNOUNCED: A message to the worker about a task that is too long for the line of tasks and comes in the stream.
        PROBE: An empty message to the worker. If it is taken, the worker is at no evaluation.
        LEAVE: The last message to the worker, which asks it to end.
        READY: A message to the manager: the evaluator is built.
        UNBUILT: A message to the manager: the evaluator cannot be built.
        RESULT: A message to the manager with the result of a task.
        SIGNALLED: A message to the manager: the next result may be due to a signal from outside.
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
    """Holds one message: its kind, which the other side may have made up, and its body."""

    kind: int
    body: bytes


def frame(kind: int, body: bytes) -> bytes:
    """Returns the bytes of one message as they are sent."""
    return HEADER.pack(MARK, kind, len(body)) + body


class Inbox:
    """Assembles messages from the pieces in which they arrive.

    Attributes:
        fault: A text for the user that says why the data is no frame, or None if it is. After a fault no data is
            accepted.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.fault: str | None = None

    def feed(self, piece: bytes) -> list[Message]:
        """Takes in a piece of data.

        Returns:
            The messages that became complete, in their order, including those before a fault.
        """
        if self.fault is not None:
            return []
        if not self._buffer:  # by far the most frequent case; it copies the data only once
            messages, end = _whole(piece)
            if end < len(piece):
                self._buffer += piece[end:]
        else:
            self._buffer += piece
            messages, end = _whole(self._buffer)
            del self._buffer[:end]
        if self._buffer:
            self._check_rest()
        return messages

    def _check_rest(self) -> None:
        """Detects data that cannot become a frame and is not what the interpreter writes as it crashes."""
        begin = bytes(self._buffer[: HEADER.size])
        if begin.startswith(MARK):
            if len(begin) == HEADER.size and (length := HEADER.unpack(begin)[2]) > LIMIT:
                self.refuse(f"a message of {length} bytes, more than the {LIMIT} that it may have")
        elif self._begins_crash_text():
            del self._buffer[LONGEST_WORDS:]
        elif not MARK.startswith(begin):
            self.refuse(f"what is no message: it begins with {bytes(self._buffer[:SHOWN])!r}")

    def _begins_crash_text(self) -> bool:
        begin = bytes(self._buffer[: len(WORDS)])
        return bool(begin) and WORDS.startswith(begin)

    def refuse(self, fault: str) -> None:
        """Accepts no data any more, for the reason given."""
        self.fault = fault
        self._buffer.clear()

    def rest(self) -> bytes:
        """Returns what is left when no more data comes: text if the process crashed, or a part of a message."""
        return bytes(self._buffer)


def _whole(data: bytes | bytearray) -> tuple[list[Message], int]:
    """Returns the messages that are complete, and the position where the last one ends."""
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
    with memoryview(data) as view:  # a result of many megabytes is copied once, not twice
        return bytes(view[begin:end])


class Outbox:
    """Holds bytes on their way to a socket that does not block."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._views: deque[memoryview] = deque()

    def put(self, kind: int, body: bytes) -> None:
        """Appends a message. ``body`` is not copied, so that all workers can share a large one."""
        self._views.append(memoryview(HEADER.pack(MARK, kind, len(body))))
        self._views.append(memoryview(body))

    def flush(self) -> bool:
        """Sends what the socket accepts now. Returns True if nothing is left, or if the other side is gone."""
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
    """Sends one message, and waits until it is accepted."""
    if len(body) < SMALL:
        stream.sendall(frame(kind, body))
    else:
        stream.sendall(HEADER.pack(MARK, kind, len(body)))
        stream.sendall(body)


def receive(stream: socket.socket) -> Message | None:
    """Waits for one message, and returns it, or None if the other side is gone.

    Raises:
        ValueError: The data is no message, because other code read from the stream.
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
