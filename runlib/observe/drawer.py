"""Writes the output of trials to a terminal, and keeps one line of progress below it, in a process of its own.

While the line is shown, all output comes through one pipe: that of the manager, of its workers, of processes that they
start, and of C code. The drawer writes whole lines above the line of progress, which it erases and draws again. Text
without a line feed, such as a prompt, is written after a short delay; the line of progress is then hidden until that
line ends or other lines follow. Of a line that was redrawn with carriage returns, the last version is written.

The drawer is a separate process so that a print never blocks a run: the pipe is emptied even if no thread of the
manager gets to run. It receives no signal of the terminal. It ends when the manager says so or has died, and it writes
everything that was printed until then. A child process does the work. If the child is killed, the drawer starts another
one, because a pipe that nobody empties would block every process that prints.

It is run as a script: ``python -I -S drawer.py PRINTS LINES``. The two arguments are descriptors: that of the pipe, and
that of a socket that brings lines of progress, each followed by a zero byte.
"""

from __future__ import annotations

import io
import os
import select
import sys
import time

__all__ = ["Drawing", "draw", "main"]

ERASE = b"\r\x1b[2K"
MOMENT = 0.2  # seconds after which text without a line feed is written
LINGER = 1.0  # seconds for which such text may hide the line of progress when there is new progress
LAST_WORDS = 0.1  # after the manager is gone, the drawer ends when the pipe was silent for this many seconds
BLOCK = 1 << 16


class Drawing:
    """Computes what is written to the terminal. It depends only on the data that it was given.

    Attributes:
        waiting: The text that was printed after the last line feed and is not written yet.
    """

    def __init__(self) -> None:
        self._line = b""
        self._drawn = False  # whether the line of progress is on the terminal
        self._open = False  # whether the cursor is behind text without a line feed
        self.waiting = b""

    def prints(self, data: bytes) -> bytes:
        """Takes text that was printed, and returns the bytes to write."""
        if self._open and b"\n" not in data:
            return data
        whole, end, rest = (self.waiting + data).rpartition(b"\n")
        self.waiting = _without_redrawn(rest)
        if not end:
            return self.moment() if len(self.waiting) > BLOCK else b""
        was_open, self._open = self._open, False
        lines = b"".join(_last_version(line) + b"\n" for line in whole.split(b"\n"))
        return (b"" if was_open else self._erase()) + lines + self._draw()

    def progress(self, line: bytes, quiet: float = 0.0) -> bytes:
        """Takes a new line of progress, and returns the bytes to write.

        ``quiet`` is the number of seconds since the last print.
        """
        self._line = line
        if self._open and quiet < LINGER:
            return b""
        before, self._open = b"\n" if self._open else self._erase(), False
        return before + self._draw()

    def moment(self) -> bytes:
        """Returns the bytes to write when nothing was printed for ``MOMENT``: the waiting text may be a prompt."""
        if not self.waiting or (b"\r" in self.waiting and len(self.waiting) <= BLOCK):
            return b""
        text, self.waiting = self._erase() + self.waiting, b""
        self._open = True
        return text

    def end(self) -> bytes:
        """Returns the bytes to write when no more data comes."""
        text, self.waiting = self._erase() + self.waiting, b""
        return text

    def _draw(self) -> bytes:
        self._drawn = bool(self._line)
        return self._line

    def _erase(self) -> bytes:
        drawn, self._drawn = self._drawn, False
        return ERASE if drawn else b""


def _last_version(line: bytes) -> bytes:
    return line.rstrip(b"\r").rpartition(b"\r")[2]


def _without_redrawn(rest: bytes) -> bytes:
    """Returns the part of an unfinished line that is kept until its end comes, without the text that was redrawn."""
    if b"\r" not in rest:
        return rest
    return b"\r" + _last_version(rest) + (b"\r" if rest.endswith(b"\r") else b"")


class _Screen:
    """Writes to the terminal. After the terminal hung up, output is still read from the pipe, but is discarded."""

    def __init__(self) -> None:
        self._file: io.FileIO | None = io.FileIO(1, "w", closefd=False)

    def write(self, data: bytes) -> None:
        """Writes all of the data."""
        try:
            while data and self._file is not None:
                data = data[self._file.write(data) or 0 :]
        except OSError:
            self._file = None


def main(prints: int, lines: int) -> None:
    """Starts a child that draws, and starts another one whenever the child is killed."""
    left = b""  # what a killed child left on the terminal: most likely the line of progress
    while True:
        child = os.fork()
        if child == 0:
            draw(prints, lines, left)
            os._exit(0)
        if os.waitpid(child, 0)[1] == 0:
            return
        left = ERASE


def draw(prints: int, lines: int, first: bytes = b"") -> None:
    """Draws until the manager has died or says that it is done, and nothing is printed any more."""
    poll, drawing, screen = select.poll(), Drawing(), _Screen()
    screen.write(first)
    for fd in (prints, lines):
        poll.register(fd, select.POLLIN)
    reading, unread, printed_at = {prints, lines}, b"", 0.0
    while reading:
        ready = [fd for fd, _ in poll.poll(1000 * _timeout(drawing, lines not in reading))]
        quiet = time.monotonic() - printed_at
        if not ready and lines not in reading:
            break
        if quiet >= MOMENT and prints not in ready:
            screen.write(drawing.moment())
        for fd in ready:
            if not (data := os.read(fd, BLOCK)):
                reading.discard(fd)
                poll.unregister(fd)
            if fd == prints:
                printed_at = time.monotonic()
                screen.write(drawing.prints(data))
                continue
            *whole, unread = (unread + data).split(b"\0")
            if whole or not data:
                screen.write(drawing.progress(whole[-1] if data else b"", quiet))
    screen.write(drawing.end())


def _timeout(drawing: Drawing, at_the_end: bool) -> float:
    """Returns the seconds after which something has to be done even if no data came."""
    if at_the_end:
        return LAST_WORDS
    return MOMENT if drawing.waiting else 3600.0


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
