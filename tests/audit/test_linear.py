"""Reading, judging and repairing take a time that grows with the tape, whatever stands in it.

The limits are seconds of the processor, many times what is needed, and far below what the square of the length takes.
"""

from __future__ import annotations

import contextlib
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runlib import Run
from runlib.audit import mending
from runlib.audit.mending import Mender
from runlib.audit.repair import repair
from runlib.audit.scan import scan
from runlib.audit.verify import verify
from runlib.errors import RunlibError
from runlib.run.folder.length_hints import read_length_hints
from runlib.tape import codec
from runlib.tape.events import Session, Submit, Suggest
from tests.audit.audit_tools import pieces, set_tape
from tests.tape.tape_tools import METADATA, some_events, write_tape

SOON = 2.0
END = b', "h": "0123456789abcdef"}'


def head() -> bytes:
    return codec.encode_line(METADATA, b"")[0] + b"\n===\n"


def long_record(n: int, previous: bytes, text: str) -> bytes:
    return codec.encode(Suggest(n - 1, {"x": text}), n, 1.0, None, previous)[0]


def damaged_lines(count: int, length: int, by: int = 0x5A) -> bytes:
    """Long lines of which each has a wrong byte, by default one that is no bit away from the right one."""
    data, (_, h) = head(), codec.encode_line(METADATA, b"")
    stream = random.Random(1)
    for n in range(1, count + 1):
        text, h = codec.encode(Suggest(n - 1, {"x": "x" * length}), n, 1.0, None, h)
        place = stream.randrange(30, length)
        data += text[:place] + bytes((text[place] ^ by,)) + text[place + 1 :] + b"\n---\n"
    return data


TAPES: dict[str, Callable[[], bytes]] = {
    "ends of lines in one line": lambda: head() + END * 40_000,
    "ends of lines in the metadata": lambda: END * 40_000 + b"\n===\n",
    "a record full of ends": lambda: head() + b'{"x":' + END * 40_000 + b"\n---\n",
    "ten damaged lines of 4 kB": lambda: damaged_lines(10, 3900),
    "damaged lines": lambda: damaged_lines(2000, 400),
    "lines that claim one number": lambda: (
        head() + b"".join(b'{"a":%d,"n":7,"t":1, "h": "%016x"}\n---\n' % (k, k) for k in range(20_000))
    ),
    "numbers in turn": lambda: (
        head() + b"".join(b'{"a":%d,"n":%d,"t":1, "h": "%016x"}\n---\n' % (k, 5 + k % 2, k) for k in range(20_000))
    ),
    "beginnings of lines": lambda: head() + b'{"a":' * 200_000,
    "beginnings of records": lambda: head() + (b'{"a":1,"n":3,"t":4' * 20 + b"\n---\n") * 2000,
    "terminators": lambda: head() + b"---\n" * 250_000,
    "separators": lambda: head() + b"\n---\n" * 200_000,
    "line feeds": lambda: head() + b"\n" * 1_000_000,
    "numbers without end": lambda: head() + b'"n":1,"t":' * 100_000,
    "brackets": lambda: head() + b"[" * 1_000_000 + b"\n---\n",
    "nothing": lambda: head() + b"\x00" * 1_000_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("make", TAPES.values(), ids=TAPES)
def test_a_megabyte_of_anything_is_judged_and_repaired_soon(tmp_path: Path, make: Callable[[], bytes]) -> None:
    folder = set_tape(tmp_path / "run_x", make())
    doors: list[Callable[[], Any]] = [
        lambda: Run.checkout(folder),
        lambda: verify(folder),
        lambda: repair(folder, tmp_path / "run_y"),
    ]
    for door in doors:
        began = time.process_time()
        with contextlib.suppress(RunlibError):
            door()
        assert time.process_time() - began < SOON


def test_a_last_line_full_of_ends_is_read_in_one_go(tmp_path: Path) -> None:
    events = [Session({"host": "h"}), Suggest(0, {"x": ', "h": "0123456789abcdef"}' * 40_000})]
    data = write_tape(tmp_path / "tape.son", events)
    (tmp_path / "tape.son").write_bytes(data[:-4])  # its terminator is missing, so that its end is looked for
    began = time.process_time()
    assert Run.checkout(tmp_path).state.next_tid == 1
    assert time.process_time() - began < SOON
    text = data.rpartition(b"\n---\n")[0] + END * 40_000
    began = time.process_time()
    assert codec.find_intact(text.rpartition(b"\n")[2], data.split(b"\n---\n")[0][-18:-2]) is not None
    assert time.process_time() - began < SOON


def test_files_beside_the_tape_are_searched_in_one_go(tmp_path: Path) -> None:
    (tmp_path / "status.txt").write_bytes(b"Tape:   1 records" * 100_000)
    (tmp_path / "tape.son.torn-1").write_bytes(b'"n":1,"t":' + b"1" * 500_000 + b'"n":1,"t":1,"d":' * 50_000)
    began = time.process_time()
    assert read_length_hints(tmp_path) == []
    assert time.process_time() - began < SOON


def test_numbers_that_are_missing_are_told_in_runs(tmp_path: Path) -> None:
    line, h = codec.encode_line(METADATA, b"")
    data = line + b"\n===\n"
    for n in (1, 2, 9_000_000_000_000_000):
        text, h = codec.encode(Suggest(n - 1, 1) if n < 3 else Session({}), n, 1.0, None, h)
        data += text + b"\n---\n"
    folder = set_tape(tmp_path / "run_x", data)
    assert scan(data).missing == [range(3, 9_000_000_000_000_000)]
    texts = [found.text for found in verify(folder).findings]
    assert "records 3 to 8999999999999999 are missing" in texts
    report = repair(folder, tmp_path / "run_y")
    assert report.kept == 3
    assert report.lost == 9_000_000_000_000_000 - 3
    assert verify(tmp_path / "run_y").verdict == "intact"


def test_a_trial_that_cannot_be_is_dropped(tmp_path: Path) -> None:
    line, h = codec.encode_line(METADATA, b"")
    data = line + b"\n===\n"
    for n, tid in enumerate((0, 9_000_000_000_000_000, 1), 1):
        text, h = codec.encode(Suggest(tid, tid), n, 1.0, None, h)
        data += text + b"\n---\n"
    report = repair(set_tape(tmp_path / "run_x", data), tmp_path / "run_y")
    assert [found.text for found in report.dropped] == ["record 2 is intact but its trial, 9000000000000000, cannot be"]
    assert (report.kept, report.lost_trials) == (2, ())


# -- putting right ----------------------------------------------------------------------------------


def test_a_wrong_bit_is_put_right_in_every_line_though_other_bytes_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_path_tape(some_events(61))
    lines = pieces(data)
    broken = [line if n % 2 else flipped(line, 25, 0x5A if n < 20 else 0x04) for n, line in enumerate(lines)]
    joined = data
    for line, other in zip(lines, broken, strict=True):
        joined = joined.replace(line, other)
    monkeypatch.setattr(mending, "EFFORT", 15_000)  # enough for a few lines of the first kind
    found = scan(joined)
    mended = {line.n for line in found.lines if line.mended}
    assert found.gave_up
    changed = {n for n, (line, other) in enumerate(zip(lines, broken, strict=True), 1) if line != other}
    assert {n for n in changed if n > 20} <= mended
    assert mended < changed


def write_path_tape(events: list[Any]) -> bytes:
    line, h = codec.encode_line(METADATA, b"")
    data = line + b"\n===\n"
    for n, event in enumerate(events, 1):
        text, h = codec.encode(event, n, 1.0, None, h)
        data += text + b"\n---\n"
    return data


def flipped(line: bytes, place: int, by: int) -> bytes:
    at = len(line) - 60 if len(line) < 60 + place else place
    return line[:at] + bytes((line[at] ^ by,)) + line[at + 1 :]


def test_a_wrong_bit_is_put_right_in_ten_lines_of_four_kilobytes() -> None:
    data = damaged_lines(10, 3900, 0x08)
    began = time.process_time()
    found = scan(data)
    assert time.process_time() - began < SOON
    assert (len(found.lines), sum(line.mended for line in found.lines), found.gave_up) == (10, 10, False)


def test_giving_up_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mending, "EFFORT", 1000)
    folder = set_tape(tmp_path / "run_x", damaged_lines(5, 300))
    report = repair(folder, tmp_path / "run_y")
    assert any("more is damaged than there is time to put right" in note for note in report.notes)


@pytest.mark.parametrize("by", [1, 2, 0x80, 0x5A, 0xFF, 3])
def test_any_other_byte_is_put_right(by: int) -> None:
    line, _ = codec.encode(Submit(0, {"ok": {"loss": 1.0}}), 1, 1.0, 0, b"0" * 16)
    for place in (0, 20, len(line) - 30, len(line) - 5):
        wrong = line[:place] + bytes((line[place] ^ by,)) + line[place + 1 :]
        assert Mender().mend(wrong, [b"f" * 16, b"0" * 16]) == (line, b"0" * 16)


def test_regular_expressions_of_this_package_have_no_nested_repetition() -> None:
    for path in Path(codec.__file__).parents[1].rglob("*.py"):
        for pattern in re.findall(r're\.compile\(r?b?"((?:[^"\\]|\\.)*)"', path.read_text()):
            assert not re.search(r"[+*]\)[+*]", pattern), (path.name, pattern)
