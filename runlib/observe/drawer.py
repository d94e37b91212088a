"""The drawer: a tiny process that writes to a terminal what trials print, and below that one line of progress.

All that is printed while the line is there comes through one pipe, whoever prints: the manager, its workers, what they
start, C code. Whole lines are written above the line of progress, which is taken away and drawn again. What does not
end a line (a prompt) is written after a moment, and the line of progress is away until that line ends or others
follow. A line that was redrawn by carriage returns is written as it stood at its end.

It is a process of its own, so that a print is never in the way of a run: no thread of the manager has to get its turn
for a pipe to be emptied. It hears no signal of the terminal, and it ends once the manager says so or is gone; what was
printed by then is written. A child of it does the work: if somebody kills that, another one goes on, for a pipe that
nobody empties would stop whoever prints.

Run as a script: ``python -I -S drawer.py PRINTS LINES``: two descriptors, the pipe, and a socket that brings lines of
progress, each behind a zero byte.
"""

from __future__ import annotations

import io
import os
import select
import sys
import time

__all__ = ["Drawing", "draw", "main"]

ERASE = b"\r\x1b[2K"
MOMENT = 0.2  # seconds after which what ends no line is written
LINGER = 1.0  # seconds that it may stand alone, while there is progress to be shown
LAST_WORDS = 0.1  # seconds without anything new in the pipe, at the end
BLOCK = 1 << 16


class Drawing:
    """What is to be written to the terminal: a pure function of what came.

    Attributes:
        waiting: Printed since the last end of a line, and not written.
    """

    def __init__(self) -> None:
        self._line = b""
        self._drawn = False  # the line of progress is on the terminal
        self._open = False  # the cursor stands behind something that ends no line
        self.waiting = b""

    def prints(self, data: bytes) -> bytes:
        """Something was printed."""
        if self._open and b"\n" not in data:
            return data
        whole, end, rest = (self.waiting + data).rpartition(b"\n")
        self.waiting = _as_it_stands(rest)
        if not end:
            return self.moment() if len(self.waiting) > BLOCK else b""
        was_open, self._open = self._open, False
        lines = b"".join(_as_it_stood(line) + b"\n" for line in whole.split(b"\n"))
        return (b"" if was_open else self._away()) + lines + self._draw()

    def progress(self, line: bytes, quiet: float = 0.0) -> bytes:
        """The line of progress changed; ``quiet`` are the seconds since something was printed."""
        self._line = line
        if self._open and quiet < LINGER:
            return b""
        before, self._open = b"\n" if self._open else self._away(), False
        return before + self._draw()

    def moment(self) -> bytes:
        """Nothing was printed for a moment: what waits may be a prompt."""
        if not self.waiting or (b"\r" in self.waiting and len(self.waiting) <= BLOCK):
            return b""
        text, self.waiting = self._away() + self.waiting, b""
        self._open = True
        return text

    def end(self) -> bytes:
        """Nothing comes any more."""
        text, self.waiting = self._away() + self.waiting, b""
        return text

    def _draw(self) -> bytes:
        self._drawn = bool(self._line)
        return self._line

    def _away(self) -> bytes:
        drawn, self._drawn = self._drawn, False
        return ERASE if drawn else b""


def _as_it_stood(line: bytes) -> bytes:
    return line.rstrip(b"\r").rpartition(b"\r")[2]


def _as_it_stands(rest: bytes) -> bytes:
    """The part of a line that is kept until its end comes: what was redrawn is not."""
    if b"\r" not in rest:
        return rest
    return b"\r" + _as_it_stood(rest) + (b"\r" if rest.endswith(b"\r") else b"")


class _Screen:
    """The terminal. To one that hung up nothing is written; what is printed is read nevertheless, and lost."""

    def __init__(self) -> None:
        self._file: io.FileIO | None = io.FileIO(1, "w", closefd=False)

    def write(self, data: bytes) -> None:
        """Write all of it."""
        try:
            while data and self._file is not None:
                data = data[self._file.write(data) or 0 :]
        except OSError:
            self._file = None


def main(prints: int, lines: int) -> None:
    """Let a child draw, and another one if that is killed."""
    left = b""  # of a child that was killed: the line of progress, most likely
    while True:
        child = os.fork()
        if child == 0:
            draw(prints, lines, left)
            os._exit(0)
        if os.waitpid(child, 0)[1] == 0:
            return
        left = ERASE


def draw(prints: int, lines: int, first: bytes = b"") -> None:
    """Draw until the manager is gone, or says that it is done, and nothing is printed any more."""
    poll, drawing, screen = select.poll(), Drawing(), _Screen()
    screen.write(first)
    for fd in (prints, lines):
        poll.register(fd, select.POLLIN)
    reading, unread, printed_at = {prints, lines}, b"", 0.0
    while reading:
        ready = [fd for fd, _ in poll.poll(1000 * _patience(drawing, lines not in reading))]
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


def _patience(drawing: Drawing, at_the_end: bool) -> float:
    """Seconds until something is to be done though nothing came."""
    if at_the_end:
        return LAST_WORDS
    return MOMENT if drawing.waiting else 3600.0


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
