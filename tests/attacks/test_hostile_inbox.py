"""Whatever lies in an inbox: it ends on the tape or is refused, and the run can be restored for ever after."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from runlib import Run, StopMax
from runlib.audit.repair import repair
from runlib.audit.verify import verify
from runlib.cli.best import best_trials
from runlib.cli.main import app
from runlib.errors import ConfigError, SearchError, TapeError
from runlib.observe.base import RunInfo
from runlib.observe.status import render_status
from runlib.run.edits.edit import Inbox
from runlib.run.edits.inbox import EXPIRED, KEPT, LONGEST, InboxFolder
from runlib.tape import codec
from runlib.tape.events import Enqueue
from tests.attacks.attack_tools import go_on
from tests.fakes import DirectPool, SpySearch, story

pytestmark = pytest.mark.timeout(60)


def anything(suggestion: Any) -> float:
    """Bears whatever it is given."""
    return float(len(repr(suggestion)) % 7)


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def enqueue(text: str) -> bytes:
    return b'{"enqueue":{"suggestion":' + text.encode() + b"}}"


REFUSED = {
    "too many digits": enqueue('{"x": {"$int": "' + "9" * 700 + '"}}'),
    "very many digits": enqueue('{"x": {"$int": "' + "9" * 5000 + '"}}'),
    "negative digits": enqueue('{"x": {"$int": "-' + "9" * 700 + '"}}'),
    "too deep": enqueue(nested(235)),
    "just too deep": enqueue(nested(203)),
    "much too deep": enqueue(nested(100_000)),
    "deep dicts": enqueue('{"a":' * 230 + "1" + "}" * 230),
    "an unknown tag": enqueue('{"x": {"$date": "2020"}}'),
    "no number in a tag": enqueue('{"x": {"$int": "1e5"}}'),
    "no float in a tag": enqueue('{"x": {"$float": "one"}}'),
    "a lone surrogate": enqueue('{"x": "\\ud800"}'),
    "a lone surrogate as a key": enqueue('{"\\udfff": 1}'),
    "NaN": enqueue("NaN"),
    "no UTF-8": b'{"enqueue":{"suggestion":"\xff"}}',
    "too long": enqueue('"' + "a" * LONGEST + '"'),
    "another field": b'{"enqueue":{"suggestion":1,"more":2}}',
    "no suggestion": b'{"enqueue":{}}',
    "a result": b'{"submit":{"tid":0,"result":{"ok":{"loss":0}}}}',
    "a session": b'{"session":{"host":"h","changed":{"stop":{}}}}',
    "an end": b'{"end":{"reason":"stop"}}',
    "a list": b"[]",
    "nothing": b"",
    "null": b"null",
    "a number": b"7",
    "text": b'"enqueue"',
    "no dict below": b'{"enqueue":7}',
    "a void of text": b'{"void":{"tid":"0"}}',
    "a void of nothing": b'{"void":{"tid":null}}',
    "a void of a truth": b'{"void":{"tid":true}}',
    "a void far away": b'{"void":{"tid":99999999999999999999999}}',
    "a void below": b'{"void":{"tid":-1}}',
    "a reason of numbers": b'{"stop":{"reason":7}}',
    "a remark of lists": b'{"note":{"text":[]}}',
    "a remark on a truth": b'{"note":{"text":"x","tid":true}}',
}
TAKEN = {
    "nothing": "null",
    "a truth": "true",
    "a number": "1",
    "text": '"x"',
    "a list": "[]",
    "an empty dict": "{}",
    "an empty key": '{"": 1}',
    "a tag as a key": '{"$$float": "nan"}',
    "two tags": '{"$$float": "nan", "$$int": "x"}',
    "NaN": '{"x": {"$float": "nan"}}',
    "infinity": '{"x": {"$float": "-inf"}}',
    "many digits": '{"x": {"$int": "' + "9" * 600 + '"}}',
    "deep": nested(200),
    "long": '{"x": "' + "a" * 20_000 + '"}',
    "wide": json.dumps({f"k{i}": i for i in range(500)}),
    "controls": '{"x": "\\u0000\\u001b[2J\\u202e"}',
    "another type": '{"x": {"x": {"x": []}}}',
}


def leave(folder: Path, content: bytes, name: str = "1.json") -> Path:
    (folder / "inbox").mkdir(exist_ok=True)
    path = folder / "inbox" / name
    path.write_bytes(content)
    return path


def make(directory: Path, search: Any = None, count: int = 6) -> Run:
    return Run(search or SpySearch(), anything, StopMax(count), name="x", pool=DirectPool()).prepare(directory)


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_command_is_refused_and_changes_nothing(tmp_path: Path, what: str) -> None:
    whole = make(tmp_path / "whole").run()
    run = make(tmp_path)
    path = leave(run.work_directory, REFUSED[what])
    run.run()
    assert not path.exists()
    assert story(run.state) == story(whole.state)
    assert not run.state.queue
    assert not run.state.commands
    assert verify(run.work_directory).verdict == "intact"
    assert len(go_on(run.work_directory, 8, anything).state.trials) == 8


@pytest.mark.parametrize("what", REFUSED)
def test_so_it_is_where_nobody_runs(tmp_path: Path, what: str) -> None:
    run = make(tmp_path).run()
    leave(run.work_directory, REFUSED[what])
    assert Inbox(run.work_directory).annotate(None, "takes what waits along")
    state = go_on(run.work_directory, 8, anything).state
    assert (len(state.trials), len(state.notes), len(state.commands)) == (8, 1, 1)


@pytest.mark.parametrize("what", TAKEN)
@pytest.mark.parametrize(
    "kind", ["search_spy", "search_random", pytest.param("search_hyperopt", marks=pytest.mark.slow)]
)
def test_what_is_a_suggestion_is_tried_and_the_run_goes_on(tmp_path: Path, what: str, kind: str) -> None:
    space = {"x": ["hp_uniform", "x", 0, 1]}
    search = SpySearch() if kind == "search_spy" else {kind: {"space": space}}
    run = make(tmp_path, search)
    leave(run.work_directory, enqueue(TAKEN[what]))
    run.run()
    folder = run.work_directory
    assert len(run.state.commands) == 1
    assert not run.state.queue
    assert verify(folder, replay=True).verdict == "intact"
    state = Run.checkout(folder).state
    assert len(best_trials(state, 10)) == 6
    assert CliRunner().invoke(app, ["top", str(folder)]).exit_code == 0
    assert render_status(state, RunInfo(folder, "x", StopMax(6), 1))
    fork = Run.fork(folder, directory=tmp_path, name="fork", stop=StopMax(8), pool=DirectPool()).run()
    assert len(fork.state.trials) == 8
    assert repair(folder, tmp_path / "repaired").exact
    assert len(go_on(folder, 8, anything).state.trials) == 8


OLD = [
    '{"x":{"$int":"' + "9" * 700 + '"}}',
    '{"x":{"$int":"-' + "9" * 700 + '"}}',
    '[{"y":[{"$int":"' + str(2**2049) + '"}]}]',
    nested(203),
    nested(235),
]


@pytest.mark.parametrize("suggestion", OLD, ids=["large", "small", "inside", "deep", "deeper"])
def test_a_tape_that_holds_such_a_command_can_be_repaired(tmp_path: Path, suggestion: str) -> None:
    """An older version put it there, and could not go on."""
    run = make(tmp_path)
    run.close()
    folder = run.work_directory
    add_raw(folder / "tape.son", f'{{"n":2,"t":1.0,"enqueue":{{"suggestion":{suggestion},"key":"k1"}}')
    assert verify(folder).verdict == "damaged"
    with pytest.raises(TapeError):
        Run.restore(folder)
    report = repair(folder, tmp_path / "repaired")
    assert (report.kept, [found.n for found in report.dropped]) == (1, [2])
    whole = make(tmp_path / "whole").run()
    assert story(go_on(tmp_path / "repaired", 6, anything).state) == story(whole.state)


def add_raw(tape: Path, body: str) -> None:
    """Append a record with a right hash, whatever stands in it; the brace at its end is left away."""
    data = tape.read_bytes()
    h = codec.chain(codec.stored_hash(data.split(b"\n")[-3]) or b"", body.encode())
    tape.write_bytes(data + body.encode() + b', "h": "' + h + b'"}\n---\n')


class Picky(SpySearch):
    """A search of a user that takes suggestions apart when it adopts them."""

    kind = "search_picky"

    def adopt(self, suggestion: Any) -> int:
        _ = suggestion["x"] + 0.0
        self.suggested += 1
        return self.suggested - 1

    def forget(self, tid: int) -> None:
        return None


def test_a_search_that_cannot_adopt_says_which_record_it_is(tmp_path: Path) -> None:
    run = make(tmp_path, Picky())
    leave(run.work_directory, enqueue('{"x": "y"}'))
    with pytest.raises(SearchError, match=r"search_picky cannot adopt the suggestion that record \d+ wants"):
        run.run()


def test_many_refused_files_do_not_stay(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = make(tmp_path)
    for number in range(1000):
        leave(run.work_directory, b"nonsense", f"{number:04}.json")
    run.run()
    left = sorted(path.name for path in (run.work_directory / "inbox").iterdir())
    assert left == [f"{number:04}.refused" for number in range(1000 - KEPT, 1000)]
    assert len([r for r in caplog.records if "refused" in r.getMessage()]) <= 25


def test_answers_that_nobody_fetched_expire(tmp_path: Path) -> None:
    run = make(tmp_path)
    for number in range(3):
        old = leave(run.work_directory, b"why", f"{number}.refused")
        os.utime(old, (time.time() - EXPIRED - 1,) * 2)
    young = leave(run.work_directory, b"why", "7.refused")
    run.run()
    assert list((run.work_directory / "inbox").iterdir()) == [young]


@pytest.mark.parametrize("name", ["a" * 250 + ".json", "\udcff.json", "\x1b[2J.json", ".json", "..json", " .json"])
def test_names_that_are_none_are_no_trouble(tmp_path: Path, name: str) -> None:
    run = make(tmp_path)
    leave(run.work_directory, b"nonsense", name)
    assert len(run.run().state.trials) == 6
    assert len(go_on(run.work_directory, 8, anything).state.trials) == 8
    assert name.startswith(".") or not (run.work_directory / "inbox" / name).exists()


def test_a_folder_in_the_inbox_is_taken_away_with_all_that_is_in_it(tmp_path: Path) -> None:
    run = make(tmp_path)
    deep = run.work_directory / "inbox" / "1.json" / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "c").write_text("x")
    run.run()
    assert not (run.work_directory / "inbox" / "1.json").exists()


def test_what_would_not_be_read_is_not_left(tmp_path: Path) -> None:
    run = make(tmp_path)
    with pytest.raises(ConfigError, match="is too long for an inbox"):
        InboxFolder(run.work_directory).put(Enqueue("a" * LONGEST))
    assert InboxFolder(run.work_directory).waiting() == []


def test_an_answer_that_is_a_pipe_is_none(tmp_path: Path) -> None:
    run = make(tmp_path)
    (run.work_directory / "inbox").mkdir()
    os.mkfifo(run.work_directory / "inbox" / "k.refused")
    assert InboxFolder(run.work_directory).answer("k") is None
