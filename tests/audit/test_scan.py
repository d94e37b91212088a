"""All intact records are found, wherever a tape is damaged; one wrong byte is put right."""

from __future__ import annotations

import pytest

from runlib.audit.mending import Mender
from runlib.audit.scan import Scan, scan
from runlib.tape import codec
from runlib.tape.events import Submit
from tests.audit.audit_tools import SEPARATOR, flip, join, pieces, smear
from tests.tape.tape_tools import some_events, write_tape


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Twelve records."""
    return write_tape(tmp_path_factory.mktemp("tape") / "tape.son", some_events(13)[:12])


def numbers(found: Scan) -> list[int]:
    return [line.n for line in found.lines]


def test_a_whole_tape(tape: bytes) -> None:
    found = scan(tape)
    assert (found.head, numbers(found)) == ("intact", list(range(1, 13)))
    assert (found.strays, found.doubled, found.damages, found.missing, found.moved) == ([], [], [], [], [])
    assert [tape[line.offset : line.offset + len(line.text)] for line in found.lines] == [
        line.text for line in found.lines
    ]


def test_every_single_bit_costs_at_most_one_record_and_its_successor(tape: bytes) -> None:
    whole = {line.n: line.text for line in scan(tape).lines}
    lost = {0: 0, 1: 0, 2: 0}
    for place in range(len(tape)):
        for bit in range(8):
            found = scan(flip(tape, place, bit), mending=False)
            assert all(whole[line.n] == line.text for line in found.lines)  # none is invented
            gone = sorted(whole.keys() - set(numbers(found)))
            assert len(gone) < 2 or (len(gone) == 2 and gone[1] == gone[0] + 1), (place, bit)
            lost[len(gone)] += 1
    assert sum(lost.values()) == 8 * len(tape)
    assert lost[1] > lost[0] > 0


def test_a_single_wrong_byte_is_put_right(tape: bytes) -> None:
    whole = scan(tape)
    for place in range(0, len(tape), 23):
        found = scan(flip(tape, place, place % 8))
        assert [line.text for line in found.lines] == [line.text for line in whole.lines]
        assert found.metadata == whole.metadata
        terminator = bool(found.damages) or tape[place : place + 1] in b"-=\n"
        assert terminator or found.head == "mended" or any(line.mended for line in found.lines)


def test_a_line_with_two_wrong_bytes_is_not_put_right(tape: bytes) -> None:
    above, line = pieces(tape)[3][-18:-2], pieces(tape)[4]
    assert Mender().mend(flip(line, 20), [above]) == (line, above)
    assert Mender().mend(flip(flip(line, 20), 30), [above]) is None
    assert Mender().mend(flip(line, 20), [b"0123456789abcdef"]) is None
    assert Mender().mend(line[:-1], [above]) is None


def test_a_long_line_is_left_alone() -> None:
    line, h = codec.encode(Submit(0, {"ok": {"loss": 1.0, "text": "x" * 5000}}), 1, 0.0, None, b"")
    assert Mender().mend(flip(line, 30), [b""]) is None
    assert Mender().mend(flip(line, len(line) - 5), [b""]) == (line, b"")  # but its end costs nothing
    assert h == line[-18:-2]


def test_a_damaged_hash_costs_nothing_where_the_next_line_shows_it(tape: bytes) -> None:
    line = pieces(tape)[4]
    found = scan(tape.replace(line, line[:-12] + b"zzzz" + line[-8:]), mending=False)
    assert numbers(found) == list(range(1, 13))
    assert [item.n for item in found.lines if item.mended] == [5]
    assert found.lines[4].text == line
    assert found.damages == []


def test_deleted_doubled_swapped(tape: bytes) -> None:
    parts = pieces(tape)
    deleted = scan(join(parts[:4] + parts[5:]), mending=False)
    assert (deleted.missing, [damage.n for damage in deleted.damages]) == ([range(5, 6)], [6])
    assert numbers(deleted) == [1, 2, 3, 4, 7, 8, 9, 10, 11, 12]
    assert "nothing shows it" in deleted.describe(deleted.damages[0])
    doubled = scan(join(parts[:5] + parts[4:]))
    assert (numbers(doubled), [line.n for line in doubled.doubled]) == (list(range(1, 13)), [5])
    swapped = scan(join([*parts[:4], parts[5], parts[4], *parts[6:]]))
    assert (numbers(swapped), [line.n for line in swapped.moved]) == (list(range(1, 13)), [6])
    assert swapped.damages == []


@pytest.mark.parametrize("rest", [b"", b"\n", b"\n-", b"\n---"])
def test_a_terminator_that_is_cut_off_costs_nothing(tape: bytes, rest: bytes) -> None:
    assert numbers(scan(tape.removesuffix(SEPARATOR) + rest)) == list(range(1, 13))


def test_a_torn_line_with_the_next_one_behind_it(tape: bytes) -> None:
    parts = pieces(tape)
    found = scan(join([*parts[:6], parts[6][:30] + parts[6], *parts[7:]]))
    assert numbers(found) == list(range(1, 13))
    assert [(damage.n, damage.end - damage.offset) for damage in found.damages] == [(None, 30)]


def test_a_second_writer_shows(tape: bytes) -> None:
    parts = pieces(tape)
    other, _ = codec.encode(Submit(2, {"ok": {"loss": 9.0}}), 7, 1.0, 6, parts[5][-18:-2])
    found = scan(join([*parts[:6], other, *parts[6:]]))
    assert numbers(found) == list(range(1, 13))
    assert [line.text for line in found.strays] == [other]


def test_zeros_in_the_middle(tape: bytes) -> None:
    parts = pieces(tape)
    zeros = bytes(len(parts[5]) + len(parts[6]) + len(SEPARATOR))
    found = scan(join([*parts[:5], zeros, *parts[7:]]), mending=False)
    assert numbers(found) == [1, 2, 3, 4, 5, 9, 10, 11, 12]  # the hash before the eighth is gone too
    assert [damage.n for damage in found.damages] == [6, 8]


def test_smearing_loses_that_record_alone(tape: bytes) -> None:
    for n in range(2, 13):
        found = scan(smear(tape, n))
        assert numbers(found) == [k for k in range(1, 13) if k != n]
        assert [damage.n for damage in found.damages] == [n]


def test_bytes_that_are_no_tape() -> None:
    for data in (b"", b"\n", b"hello", b"{}\n===\n", b"\x00" * 500, SEPARATOR * 20):
        found = scan(data)
        assert (found.lines, found.strays) == ([], [])
    assert scan(b"").head == "lost"


def test_a_head_that_is_gone(tape: bytes) -> None:
    begin = tape.index(b'{"session"')
    beheaded = scan(tape[begin:])
    assert (beheaded.head, numbers(beheaded)) == ("readable", list(range(2, 13)))  # the first stands in its place
    smeared = scan(b"??????" + tape[6:])
    assert (smeared.head, smeared.metadata, numbers(smeared)) == ("lost", None, list(range(1, 13)))
