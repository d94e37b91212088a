"""What the drawer writes: whole lines above the line of progress, whoever prints, and nothing lost."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runlib.observe import drawer
from runlib.observe.drawer import ERASE, Drawing


def screen(data: bytes) -> list[str]:
    """The lines of a terminal to which this was written: a carriage return begins a line anew."""
    lines = [""]
    for part in re.split(rb"(\n|\r\x1b\[2K)", data):
        if part == b"\n":
            lines.append("")
        elif part == ERASE:
            lines[-1] = ""
        else:
            lines[-1] += part.decode()
    return lines


def test_lines_stand_above_the_line_of_progress() -> None:
    drawing = Drawing()
    shown = drawing.progress(b"[1/3]") + drawing.prints(b"one\ntwo\n") + drawing.progress(b"[2/3]")
    assert screen(shown) == ["one", "two", "[2/3]"]
    assert screen(shown + drawing.progress(b"") + drawing.end()) == ["one", "two", ""]


def test_a_line_that_comes_in_pieces_is_written_when_it_is_whole() -> None:
    drawing = Drawing()
    shown = drawing.progress(b"[1/3]") + drawing.prints(b"hel") + drawing.progress(b"[2/3]") + drawing.prints(b"lo\n")
    assert screen(shown) == ["hello", "[2/3]"]


def test_a_prompt_is_written_after_a_moment_and_takes_the_line_away() -> None:
    drawing = Drawing()
    shown = drawing.progress(b"[1/3]") + drawing.prints(b"(Pdb) ") + drawing.moment()
    assert screen(shown) == ["(Pdb) "]
    shown += drawing.progress(b"[2/3]", quiet=0.1)  # it may be answered
    assert screen(shown) == ["(Pdb) "]
    assert screen(shown + drawing.prints(b"yes\nnext\n")) == ["(Pdb) yes", "next", "[2/3]"]


def test_a_text_that_ends_no_line_for_long_is_left_to_itself() -> None:
    drawing = Drawing()
    shown = drawing.progress(b"[1/3]") + drawing.prints(b"...") + drawing.moment()
    assert screen(shown + drawing.progress(b"[3/3]", quiet=5.0)) == ["...", "[3/3]"]


def test_a_bar_of_a_trial_is_written_as_it_stood_at_its_end() -> None:
    drawing = Drawing()
    shown = drawing.progress(b"[1/3]") + drawing.prints(b"\r 10%\r 50%") + drawing.moment()
    assert screen(shown) == ["[1/3]"]
    assert screen(shown + drawing.prints(b"\r100%\r\n")) == ["100%", "[1/3]"]


def test_a_bar_of_a_trial_that_never_ends_takes_no_memory() -> None:
    drawing = Drawing()
    for share in range(10_000):
        assert drawing.prints(b"\r%d%%" % share) == b""
    assert len(drawing.waiting) < 10
    assert screen(drawing.prints(b"\r") + drawing.prints(b"\n")) == ["9999%", ""]


def test_an_endless_line_is_written_in_parts() -> None:
    drawing = Drawing()
    shown = b"".join(drawing.prints(b"x" * 10_000) for _ in range(100))
    assert len(drawing.waiting) <= drawer.BLOCK
    assert screen(shown + drawing.end()) == ["x" * 1_000_000]


def test_what_ends_no_line_is_there_at_the_end() -> None:
    drawing = Drawing()
    assert screen(drawing.progress(b"[1/3]") + drawing.prints(b"bye") + drawing.progress(b"") + drawing.end()) == [
        "bye"
    ]


@given(st.lists(st.one_of(st.text("ab\n", max_size=6).map(str.encode), st.sampled_from([None, 0.0, 2.0]))))
def test_nothing_that_is_printed_is_lost_or_mixed(events: list[bytes | float | None]) -> None:
    drawing, shown, printed, broken = Drawing(), b"", b"", False
    for event in events:
        if isinstance(event, bytes):
            printed += event
            shown += drawing.prints(event)
        elif event is None:
            shown += drawing.moment()
        else:
            before = shown
            shown += drawing.progress(b"#", quiet=event)
            broken |= shown[len(before) :].startswith(b"\n")
    shown += drawing.progress(b"", quiet=9.0)
    shown += drawing.end()
    lines = screen(shown)
    assert not any("#" in line for line in lines)
    assert "".join(lines) == printed.replace(b"\n", b"").decode()
    if not broken:  # by progress behind a text that stood alone for long
        assert "\n".join(lines).rstrip("\n") == printed.decode().rstrip("\n")


class Program:
    """The drawer as a process; what it draws to is a pipe."""

    def __init__(self) -> None:
        self._read, self.prints = os.pipe()
        self.lines, theirs = socket.socketpair()
        with theirs:
            fds = self._read, theirs.fileno()
            command = [sys.executable, "-I", "-S", str(Path(drawer.__file__)), *map(str, fds)]
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, pass_fds=fds)
        os.close(self._read)

    def end(self) -> bytes:
        """All that it drew, after the manager is gone."""
        self.lines.close()
        shown, _ = self.process.communicate(timeout=20)
        assert self.process.returncode == 0
        return shown


def test_the_program_ends_with_its_manager_and_writes_what_was_printed() -> None:
    program = Program()
    program.lines.sendall(b"[1/2]\0[2/")
    program.lines.sendall(b"2]\0")
    os.write(program.prints, b"a line\n" * 5000)
    os.write(program.prints, b"bye")
    shown = program.end()  # the pipe is still open, as it is where something that a trial began goes on
    os.close(program.prints)
    assert screen(shown) == ["a line"] * 5000 + ["bye"]


def test_the_program_reads_on_where_nobody_looks() -> None:
    program = Program()
    assert program.process.stdout is not None
    program.process.stdout.close()
    for _ in range(20):  # more than a pipe holds
        os.write(program.prints, b"x" * 50_000 + b"\n")
    os.close(program.prints)
    program.lines.close()
    assert program.process.wait(20) == 0


@pytest.mark.parametrize("data", [b"\xff\xfe\n", b"\x1b[31mred\x1b[0m\n", "größer\n".encode()])
def test_bytes_are_handed_on_as_they_are(data: bytes) -> None:
    assert Drawing().prints(data) == data
