"""What is not as a writer leaves it is said where people look: on the tape, in log and status, on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runlib import Run, StopMax
from runlib.errors import TapeFormat
from runlib.run.folder.length_hints import losses, read_length_hints
from runlib.tape.events import event_from_data
from tests.fakes import DirectPool, SpySearch, quadratic, story

END = b"\n---\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Run(SpySearch(), quadratic, StopMax(8), pool=DirectPool()).prepare(tmp_path).run().work_directory


def go_on(folder: Path) -> Run:
    return Run.restore(folder, evaluator=quadratic, pool=DirectPool()).run()


def cut(folder: Path, records: int, more: int = 0) -> bytes:
    """Keep so many records, and some bytes of the next; returns the tape as it was."""
    whole = (folder / "tape.son").read_bytes()
    parts = whole.split(END)
    (folder / "tape.son").write_bytes(END.join([*parts[:records], b""]) + parts[records][:more])
    return whole


def said_in(folder: Path) -> tuple[str, str]:
    return (folder / "log.log").read_text(), (folder / "status.txt").read_text()


def test_a_torn_end_is_said_on_the_tape_in_the_log_and_in_the_status(folder: Path) -> None:
    before = story(Run.checkout(folder).state)
    cut(folder, 11, 40)
    (folder / "status.txt").unlink()
    run = go_on(folder)
    said = "the tape ended in the middle of record 12; 40 bytes that were being written are kept in tape.son.torn-1"
    assert run.state.last_session["recovered"] == [said]
    log, status = said_in(folder)
    assert f"; {said}\n" in log
    assert f"\nRecovered:   {said}.\n" in status
    assert story(run.state) == before


def test_a_line_whose_end_is_missing_is_not_called_half_a_record(folder: Path) -> None:
    tape = folder / "tape.son"
    whole = tape.read_bytes()
    n = Run.checkout(folder).state.n
    for damaged, said in (
        (whole[:-3], f"the end of the line of record {n} was missing, and is there now"),
        (
            whole[:-1] + b"x",
            f"the tape ended behind record {n}; 5 bytes that were being written are kept in tape.son.torn-1",
        ),
    ):
        tape.write_bytes(damaged)
        with Run.restore(folder, evaluator=quadratic, pool=DirectPool()) as run:
            assert run.state.last_session["recovered"] == [said]
        assert tape.read_bytes().startswith(whole)


def test_a_tape_that_is_shorter_than_its_status_says_is_reported_before_that_is_replaced(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    n = Run.checkout(folder).state.n
    cut(folder, 11)
    run = go_on(folder)
    said = f"the tape has 11 records, but status.txt says that it had {n}: the rest is lost"
    assert run.state.last_session["recovered"] == [said]
    assert f"{folder}: {said}" in caplog.text
    log, status = said_in(folder)
    assert said in log
    assert said in status


def test_a_tape_that_is_shorter_than_what_was_put_aside_is_reported(folder: Path) -> None:
    whole = (folder / "tape.son").read_bytes().split(END)
    cut(folder, 11)
    (folder / "status.txt").unlink()
    (folder / "tape.son.torn-1").write_bytes(whole[14])
    assert list(losses(read_length_hints(folder), 11)) == [
        "the tape has 11 records, but tape.son.torn-1 follows on 14 of them: the rest is lost"
    ]
    with Run.restore(folder, evaluator=quadratic, pool=DirectPool()) as run:
        assert len(run.state.last_session["recovered"]) == 1


def test_a_whole_run_has_nothing_to_say(folder: Path) -> None:
    run = go_on(folder)
    assert "recovered" not in run.state.last_session
    assert "Recovered" not in said_in(folder)[1]
    assert list(losses(read_length_hints(folder), run.state.n)) == []


@pytest.mark.parametrize("recovered", ["text", [1], None])
def test_what_is_no_list_of_texts_is_of_another_format(recovered: Any) -> None:
    with pytest.raises(TapeFormat, match=r"recovered.*must be"):
        event_from_data("session", {"recovered": recovered})
