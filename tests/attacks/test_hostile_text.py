"""Text from somebody who wants the terminal to obey, or the reader to misread, through every command and every file."""

from __future__ import annotations

import json
import logging
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from runlib import LogObserver, NoSuccess, RandomSearch, Run, SpaceWarning, StatusObserver, StopMax
from runlib.cli.ending import reporting
from runlib.cli.main import app
from runlib.engine.data.yamlfile import parse_yaml, write_yaml
from runlib.observe.base import RunInfo
from runlib.observe.progress import render_progress
from runlib.run.continuation.advice import ways_on
from runlib.run.loop.ending import summary
from runlib.run.loop.interrupted import Interrupted, told_in_one_line
from runlib.run.loop.unusable import why_none
from tests.attacks.hostile_tapes import chained
from tests.engine.test_legible import HARM, is_safe
from tests.fakes import DirectPool, SpySearch

TEXTS = st.text(st.sampled_from(HARM.replace("\x00", "") + "a[red]"), min_size=1, max_size=12)
ALL = HARM.replace("\x00", "") + "\x1b]0;x\x07\x1b[2J[red]x[/red]"


def hostile(folder: Path, text: str) -> Path:
    """A run that says ``text`` wherever a run can say something, with a right chain."""
    config = {
        "search": {text: {}},
        "evaluator": {text: {text: text}},
        "stop": {text: {text: text}},
        "objective": text,
        "name": text,
        "description": text,
    }
    session = {"host": text, "pid": 0, "versions": {text: text}, "plugins": [], "recovered": [text, text]}
    error = {"error": text, "error_text": text, "traceback": text}
    events: list[dict[str, Any]] = [
        {"session": session},
        {"suggest": {"tid": 0, "suggestion": {text: text, "x": 1}}},
        {"submit": {"tid": 0, "result": {"ok": {"loss": 1.0, "refined_suggestion": {text: text}, text: text}}}},
        {"suggest": {"tid": 1, "suggestion": {text: "y", "x": text}}},
        {"submit": {"tid": 1, "result": {"error": error}}},
        {"suggest": {"tid": 2, "suggestion": {text: "z", "x": text}}},
        {"retry": {"tid": 2, "attempt": 1, "rule": text, "error": error}},
        {"submit": {"tid": 2, "result": {"ok": {"loss": 2.0}}}},
        {"suggest": {"tid": 3, "suggestion": text}},
        {"void": {"tid": 3, "reason": text, "key": text}},
        {"note": {"text": text, "tid": 0}},
        {"enqueue": {"suggestion": {text: text}}},
        {"end": {"reason": text, "text": text}},
    ]
    records = [{**event, "n": n, "t": 1.7e9 + n} for n, event in enumerate(events, 1)]
    metadata = {"run": config, "format": "runlib-tape/2", "id": text, "created": text, "versions": {text: text}}
    place = folder / f"run_{text.replace('/', '')}"
    place.mkdir(parents=True)
    (place / "tape.son").write_bytes(chained(metadata, records))
    return place


def commands(folder: Path, text: str) -> Iterator[list[str]]:
    place = str(folder)
    for more in ([], ["--json"]):
        yield ["status", place, *more]
        yield ["top", place, *more]
        yield ["verify", place, *more]
        yield ["repair", place, str(folder.parent / f"again {len(more)}"), *more]
    yield ["top", place, "--yaml"]
    yield ["verify", place, "--replay"]
    yield ["fork", place, "--directory", str(folder.parent)]
    yield ["fork", place, "--directory", str(folder.parent), "--search", text]
    yield ["fork", place, "--directory", str(folder.parent), "--name", text]
    yield ["annotate", place, text]
    yield ["void", place, "0", "--reason", text]
    yield ["void", place, "9"]
    yield ["enqueue", place, f"{{x: {text}}}"]
    yield ["stop", place, "--reason", text]
    yield ["restore", place]
    yield ["restore", place, "--stop", f"{{{text}: {{}}}}"]
    yield ["restore", place, "--plugin", text]
    yield ["restore", place, "--context", text]
    yield ["run", place]
    yield ["run", f"{place}/no{text}.yaml"]
    yield ["status", f"{place}{text}"]
    yield ["status", place, f"--{text}"]
    yield ["status", place, text]
    yield ["top", place, "-n", text]
    yield [f"status{text}"]
    yield [f"--{text}", "status"]


def check_commands(folder: Path, text: str) -> None:
    for command in commands(hostile(folder, text), text):
        done = CliRunner().invoke(app, [part.replace("\x00", "") for part in command])
        assert is_safe(done.stdout, "\n\t"), command
        assert is_safe(done.stderr, "\n\t"), command
        assert done.exception is None or isinstance(done.exception, SystemExit), command
        if command[-1] == "--json" and done.exit_code == 0:
            json.loads(done.stdout)
        if command[-1] == "--yaml":
            assert parse_yaml(done.stdout)[0]["suggestion"][text] == text


def test_every_command(tmp_path: Path) -> None:
    check_commands(tmp_path, ALL[:60])
    check_commands(tmp_path / "more", ALL[60:])


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS)
def test_every_command_with_any_text(tmp_path: Path, text: str) -> None:
    shutil.rmtree(tmp_path)
    check_commands(tmp_path / "here", text)


def test_what_a_value_says_cannot_look_like_a_line_of_ours(tmp_path: Path) -> None:
    text = "a\nEnded: all is well.\rFolder: /nowhere\x85Tape:   99 records.\u2028Best: 0"
    folder = hostile(tmp_path, text)
    for command in (["status"], ["top"], ["verify"]):
        lines = CliRunner().invoke(app, [*command, str(folder)]).stdout.splitlines()
        assert not any(line.startswith(("Ended: all", "Folder: /nowhere", "Tape:   99", "Best: 0")) for line in lines)


def failing(text: str) -> Any:
    """An evaluator that fails with an exception whose name and text are hostile."""
    error = type(text, (ValueError,), {})

    def evaluate(suggestion: dict[str, Any]) -> float:
        x: float = suggestion.get("x", 1.0)
        if x < 0.5:
            raise error(text)
        return x

    return evaluate


@pytest.mark.parametrize("text", [ALL.replace("\r", ""), ALL[:40], ALL[40:], "a\nb"])
def test_a_run_and_all_that_it_writes_for_people(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / f"in {text.replace('/', '')}"
    given: dict[str, Any] = {"observers": [StatusObserver(), LogObserver()], "caught_exceptions": ["ValueError"]}
    run = Run(SpySearch(), failing(text), StopMax(6), pool=DirectPool(), **given)
    run.prepare(place)
    run.annotate(None, text)
    run.enqueue({text: text})
    run.run()
    logging.getLogger("runlib").warning("%s", text)
    run.void(0, text)
    Run.restore(run.work_directory, evaluator=run.evaluator, pool=DirectPool(), new_stop=StopMax(9)).run()
    for name in ("status.txt", "log.log", "suggestion-0.yml"):
        found = (run.work_directory / name).read_text()
        assert is_safe(found), name
    info = RunInfo(run.work_directory, text, run.stop, 1)
    assert is_safe(render_progress(run.state, info, 1.0), "")
    assert is_safe(summary(run, 0), "")
    assert is_safe(str(ways_on(run, count=3)), "")
    assert is_safe(ways_on(run).by_command, "")
    assert is_safe(repr(run), "")
    out = capsys.readouterr()
    assert is_safe(out.out)
    assert is_safe(out.err)
    assert all(is_safe(record.getMessage()) for record in caplog.records)


def test_a_run_in_which_nothing_succeeds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / f"in {ALL.replace('/', '')}"
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)

    def evaluate(suggestion: dict[str, Any]) -> dict[str, Any]:
        if suggestion["x"] > 0.5:
            raise type(ALL, (ValueError,), {})(ALL)
        return {ALL: ALL}

    run = Run(SpySearch(), evaluate, StopMax(3), pool=DirectPool(), caught_exceptions=["ValueError", "InvalidResult"])
    run.prepare(place).run()
    assert run.state.trials.ok_count == 0
    assert is_safe(why_none(run.state), "")
    with pytest.raises(NoSuccess) as caught:
        _ = run.best
    assert is_safe(str(caught.value), "")
    out = capsys.readouterr()
    assert "none of 3 trials succeeded" in out.out
    assert "cannot be used" in out.err
    assert is_safe(out.out)
    assert is_safe(out.err)


def test_what_is_left_out_of_a_result(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = Run(SpySearch(), lambda suggestion: {"loss": 1.0, ALL: object()}, StopMax(1), pool=DirectPool())
    run.prepare(tmp_path).run()
    [said] = [record.getMessage() for record in caplog.records if record.name == "runlib.results"]
    assert "left out" in said
    assert is_safe(said, "")


def test_what_an_interrupted_script_says() -> None:
    with pytest.raises(Interrupted) as caught, told_in_one_line(lambda: ALL):
        raise KeyboardInterrupt
    assert is_safe(str(caught.value), "")


def test_a_function_that_is_in_no_file(tmp_path: Path) -> None:
    name = f"__main__:{ALL.replace('<', '')}"
    metadata = {"run": {"evaluator": {"eval_function": {"function": name}}}, "format": "runlib-tape/2"}
    session = {"session": {"program": {"how": "notebook"}}, "n": 1, "t": 1.7e9}
    (tmp_path / "run_x").mkdir()
    (tmp_path / "run_x" / "tape.son").write_bytes(chained(metadata, [session]))
    ways = ways_on(Run.checkout(tmp_path / "run_x"))
    assert "FILE.py" in str(ways)
    assert is_safe(str(ways), "")
    assert is_safe(ways.by_command, "")


def test_warnings_of_spaces() -> None:
    with pytest.warns(SpaceWarning) as caught:
        RandomSearch({ALL: [1, 2]})
    assert all(is_safe(str(warning.message), "") for warning in caught)


def test_the_best_suggestions_say_what_was_tried(tmp_path: Path) -> None:
    assert parse_yaml(write_yaml({ALL: [ALL]})) == {ALL: [ALL]}


def test_warnings_of_commands_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with reporting():
        warnings.simplefilter("always")
        warnings.warn(ALL, RuntimeWarning, stacklevel=1)
        logging.getLogger("runlib").warning(ALL)
    said = capsys.readouterr().err
    assert is_safe(said)
    assert [line[:9] for line in said.splitlines()] == ["warning: ", "warning: "]
