"""Exit codes, sentences and warnings."""

from __future__ import annotations

import errno
import logging
import warnings

import pytest
import typer

from runlib import errors
from runlib.cli.ending import exit_code, report, reporting, sentence


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.EvaluationError("x"), 1),
        (errors.PoolError("x"), 1),
        (errors.SearchExhausted("x"), 1),
        (errors.TapeCorrupt("x"), 1),
        (errors.ReplayMismatch("x"), 1),
        (OSError(errno.ENOSPC, "No space left on device"), 1),
        (errors.SpaceError("x"), 2),
        (errors.NotARun("x"), 2),
        (errors.RunLocked("x"), 2),
        (errors.MissingExtra("x"), 2),
        (PermissionError(errno.EACCES, "Permission denied"), 2),
        (OSError(errno.EROFS, "Read-only file system"), 2),
    ],
)
def test_exit_code_tells_a_failed_run_from_a_wrong_request(
    error: errors.RunlibError | OSError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(error) == code
    with pytest.raises(typer.Exit) as exit_, reporting():
        raise error
    assert exit_.value.exit_code == code
    assert capsys.readouterr().err == f"error: {sentence(error)}\n"


def test_sentence_is_one_line_without_the_worker_s_traceback() -> None:
    error = errors.EvaluationError("trial 0 failed:\n  badly\n\nIn the worker:\nTraceback ...")
    assert sentence(error) == "trial 0 failed: badly"
    assert sentence(FileNotFoundError(2, "No such file", "a/b")) == "a/b: No such file"
    assert sentence(errors.RunlibError()) == "RunlibError"


def test_place_in_the_worker_is_told_and_all_of_it_if_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    frames = (
        'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\n  File "b.py", line 2, in g\nOops'
    )
    noted = errors.PoolError("cannot be built")
    noted.add_note(f"In the worker:\n{frames}")
    assert report(noted) == 1
    told = capsys.readouterr().err
    assert told == 'error: cannot be built\nin the worker: File "b.py", line 2, in g (for the rest: --traceback)\n'
    report(noted, traceback=True)
    assert capsys.readouterr().err == f"error: cannot be built\nin the worker:\n{frames}\n"


def test_ctrl_c_has_the_exit_code_of_a_shell(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as exit_, reporting():
        raise KeyboardInterrupt
    assert exit_.value.exit_code == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_what_was_not_foreseen_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), reporting():
        _ = 1 / 0


def test_warnings_are_a_line_each_and_only_in_here(capsys: pytest.CaptureFixture[str]) -> None:
    log, show = logging.getLogger("runlib"), warnings.showwarning
    with reporting():
        warnings.simplefilter("always")
        warnings.warn("two\n  lines", RuntimeWarning, stacklevel=1)
        log.warning("the tape %s", "was torn")
        log.error("EvaluationError: told by the one who catches it")
        log.error("an observer failed", exc_info=ValueError("x"))
    told = capsys.readouterr().err.splitlines()
    assert told == ["warning: two lines", "warning: the tape was torn", "warning: an observer failed"]
    assert warnings.showwarning is show
    assert not log.handlers
