"""Frames: how messages lie in a stream, each preceded by its length in eight bytes.

The side of the manager never blocks: ``Inbox`` puts together what arrives in pieces, ``Outbox`` keeps what the
other side has not taken yet. The side of the worker blocks: it has nothing else to do.
"""

from __future__ import annotations

import socket
import struct
from collections import deque

__all__ = ["Inbox", "Outbox", "frame", "receive", "send"]

HEADER = struct.Struct("!Q")
MAX_BODY = 2**40  # what claims to be longer is no frame: text, where a crash wrote its last words
CHUNK = 2**20
SMALL = 2**16


def frame(body: bytes) -> bytes:
    """One message as it is sent."""
    return HEADER.pack(len(body)) + body


class Inbox:
    """Messages put together from the pieces in which they arrive."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, piece: bytes) -> list[bytes]:
        """Take in a piece.

        Returns:
            The messages that became whole, in their order.
        """
        if not self._buffer and len(piece) - HEADER.size == _length(piece):
            return [piece[HEADER.size :]]  # by far the most frequent case, without a copy of a copy
        self._buffer += piece
        return self._take()

    def _take(self) -> list[bytes]:
        messages = []
        start = 0
        while (length := _length(self._buffer, start)) is not None:
            end = start + HEADER.size + length
            if length > MAX_BODY or end > len(self._buffer):
                break
            with memoryview(self._buffer) as view:  # of a result of many megabytes there is one copy, not two
                messages.append(bytes(view[start + HEADER.size : end]))
            start = end
        del self._buffer[:start]
        return messages

    def rest(self) -> bytes:
        """What is left over when no more will come: text if the process crashed, or part of a message."""
        return bytes(self._buffer)


def _length(buffer: bytes | bytearray, start: int = 0) -> int | None:
    if len(buffer) - start < HEADER.size:
        return None
    length: int = HEADER.unpack_from(buffer, start)[0]
    return length


class Outbox:
    """Bytes on their way to a socket that does not block."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._views: deque[memoryview] = deque()

    def put(self, body: bytes) -> None:
        """Append a message; ``body`` is not copied, so that all workers can share a large one."""
        self._views.append(memoryview(HEADER.pack(len(body))))
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


def send(stream: socket.socket, body: bytes) -> None:
    """Send one message, waiting until it is taken."""
    if len(body) < SMALL:
        stream.sendall(frame(body))
    else:
        stream.sendall(HEADER.pack(len(body)))
        stream.sendall(body)


def receive(stream: socket.socket) -> bytes | None:
    """Wait for one message; None if the other side is gone."""
    header = _exactly(stream, HEADER.size)
    if header is None:
        return None
    body = _exactly(stream, HEADER.unpack(header)[0])
    return None if body is None else bytes(body)


def _exactly(stream: socket.socket, size: int) -> bytearray | None:
    data = bytearray(size)
    view = memoryview(data)
    while len(view):
        count = stream.recv_into(view)
        if not count:
            return None
        view = view[count:]
    return data
