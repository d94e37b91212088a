"""Commands from outside: whoever writes takes each exactly once; where nobody writes, they write themselves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runlib import FolderError, Inbox, NotARun, Run, RunlibError, TapeCorrupt
from runlib.engine import disk
from runlib.run.edits.inbox import InboxFolder
from runlib.tape.events import Enqueue, Note, Session, Stopping, Void
from runlib.tape.lock import FolderLock
from tests.fakes import DirectPool, SpySearch, story
from tests.run.test_cut_off import CutDisk, PowerCut, abandon
from tests.run.test_edit import At, events, prepared, restored


@pytest.fixture(autouse=True)
def _look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runlib.run.loop.loop.INBOX", 0.0)


def left(run: Run) -> list[str]:
    folder = run.work_directory / "inbox"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


# -- nobody writes --------------------------------------------------------------------------------


def test_where_nobody_writes_it_writes_itself(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=4).run()
    sessions = run.state.sessions
    inbox = Inbox(run.work_directory)
    assert inbox.enqueue({"x": 0.5})
    assert inbox.void(1, "bad")
    assert inbox.annotate(0, "good")
    state = Run.checkout(run.work_directory).state
    assert (list(state.queue.values()), state.voided) == ([{"x": 0.5}], {1: "bad"})
    assert [note.text for note in state.notes.values()] == ["good"]
    assert state.sessions == sessions
    assert state.ended == run.state.ended
    assert left(run) == []
    FolderLock(run.work_directory).release()  # it is free
    restored(run, 6).run()
    run.void(2)  # takes note of what was added
    assert {"x": 0.5} in [entry[1]["suggestion"] for entry in run.state.trials.values()]


def test_it_needs_no_plugin_of_the_run(tmp_path: Path) -> None:
    class Own(SpySearch):
        kind = "search_of_somebody"

    run = prepared(tmp_path, Own(), count=2).run()
    code = f"from runlib import Inbox; print(Inbox({str(run.work_directory)!r}).void(0, 'from far away'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
    assert Run.checkout(run.work_directory).state.voided == {0: "from far away"}


def test_a_torn_end_is_put_aside_first(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = prepared(tmp_path, count=4).run()
    tape = run.work_directory / "tape.son"
    whole = tape.read_bytes()
    tape.write_bytes(whole[:-60])
    records = Run.checkout(run.work_directory).state.n
    assert Inbox(run.work_directory).void(1)
    state = Run.checkout(run.work_directory).state
    assert (state.n, state.voided, state.ended) == (records + 1, {1: ""}, None)
    assert (run.work_directory / "tape.son.torn-1").exists()
    assert "the tape ended in the middle of record" in caplog.text
    assert len(restored(run, 5).run().state.trials) == 5


def test_there_is_nothing_to_stop(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=2).run()
    before = (run.work_directory / "tape.son").read_bytes()
    with pytest.raises(RunlibError, match="it is not running: there is nothing to stop"):
        Inbox(run.work_directory).stop("now")
    assert (run.work_directory / "tape.son").read_bytes() == before
    assert left(run) == []
    FolderLock(run.work_directory).release()


def test_what_fails_has_no_effect_later(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=4).run()
    tape = run.work_directory / "tape.son"
    whole = tape.read_bytes()
    inbox = Inbox(run.work_directory)
    place = whole.index(b'{"submit"')
    tape.write_bytes(whole[: place + 12] + b"#" + whole[place + 13 :])
    with pytest.raises(TapeCorrupt):
        inbox.enqueue({"x": 1})
    tape.write_bytes(whole)

    class Full(disk.Disk):
        def write(self, fd: int, data: bytes | memoryview) -> int:
            if b'"enqueue"' in bytes(data) and b'"n":' in bytes(data):
                raise OSError(5, "Input/output error")
            return super().write(fd, data)

    with disk.use(Full()), pytest.raises(RunlibError, match="Input/output error"):
        inbox.enqueue({"x": 1})
    assert left(run) == []
    assert Run.checkout(run.work_directory).state.queue == {}


def test_a_folder_that_is_no_run_or_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(NotARun):
        Inbox(tmp_path)
    run = prepared(tmp_path, count=2).run()
    (run.work_directory / "inbox").write_text("in the way")
    with pytest.raises(FolderError, match="inbox cannot be written"):
        Inbox(run.work_directory).enqueue({"x": 1})


def test_faults_are_said_at_once(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=2).run()
    inbox = Inbox(run.work_directory)
    with pytest.raises(RunlibError, match="there is no trial 9 in this run"):
        inbox.void(9)
    inbox.void(0, "why")
    with pytest.raises(RunlibError, match="trial 0 is void already: why"):
        inbox.void(0)
    assert left(run) == []


# -- another process writes -----------------------------------------------------------------------

CLIENT = """
import sys, json
from runlib import Inbox, RunlibError
inbox = Inbox(sys.argv[1])
for name, arguments in json.loads(sys.argv[2]):
    try:
        print(getattr(inbox, name)(*arguments), flush=True)
    except RunlibError as error:
        print(error, flush=True)
"""


def client(run: Run, *commands: list[Any]) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", CLIENT, str(run.work_directory), json.dumps(commands)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


class Patient(DirectPool):
    """Ends no trial before something is so."""

    kind = "pool_patient"

    def __init__(self, ready: Callable[[], bool], context: Any = None) -> None:
        super().__init__(self.choose, context=context)
        self.ready = ready

    def choose(self, waiting: list[Any]) -> list[Any]:
        return waiting[:1] if self.ready() else []


def test_from_another_process_while_it_turns(tmp_path: Path) -> None:
    clients: list[subprocess.Popen[str]] = []

    def ready() -> bool:
        if len(run.state.trials) == 2 and not clients:
            commands = [["enqueue", [{"x": 0.77}]], ["void", [0, "no"]], ["void", [55]], ["annotate", [None, "hello"]]]
            clients.append(client(run, *commands))
        return not clients or clients[0].poll() is not None

    run = prepared(tmp_path, count=4, pool=Patient(ready))
    run.run()
    said = clients[0].communicate()[0].splitlines()
    assert said[:2] == ["True", "True"]
    assert "there is no trial 55 in this run" in said[2]
    assert said[3] == "True"
    assert run.state.voided == {0: "no"}
    assert {"x": 0.77} in [entry[1]["suggestion"] for entry in run.state.trials.values()]
    assert left(run) == []
    assert len(run.state.commands) == 3


def test_another_process_stops_it(tmp_path: Path) -> None:
    clients: list[subprocess.Popen[str]] = []

    def ready() -> bool:
        if len(run.state.trials) == 2:
            if not clients:
                clients.append(client(run, ["stop", ["the queue is full"]]))
            return False  # only the stop ends it
        return True

    run = prepared(tmp_path, count=9, pool=Patient(ready))
    run.run()
    assert clients[0].communicate()[0] == "True\n"
    assert run.state.ended is not None
    assert run.state.ended.text == "asked to stop: the queue is full"
    assert story(restored(run).run().state) == story(prepared(tmp_path, count=9).run().state)


def patience(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that waiting moves on; returns the waits."""
    waits: list[float] = []
    inbox._clock = lambda: sum(waits)
    inbox._sleep = waits.append
    return waits


def test_a_writer_that_does_not_listen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = prepared(tmp_path, count=2)  # held, and not running
    inbox = Inbox(run.work_directory)
    waits = patience(inbox, monkeypatch)
    assert inbox.enqueue({"x": 0.9}) is False
    assert 5 < sum(waits) < 5.2
    waits.clear()
    assert inbox.stop("later") is False
    assert len(left(run)) == 1  # the stop was taken back
    run.run()
    assert run.state.trials[0][1]["suggestion"] == {"x": 0.9}
    assert len(run.state.trials) == 2
    assert events(run, Stopping) == []


def test_a_run_object_that_is_closed_speaks_to_the_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("runlib.run.edits.edit.PATIENCE", 0.0)
    run = prepared(tmp_path, count=2)
    run.run()
    holder = restored(run, 4)
    run.void(0, "by the other one")
    assert "did not take it yet; it does so when the run goes on" in caplog.text
    with pytest.raises(RunlibError, match="did not listen; it was not stopped"):
        run.stop("now")
    holder.run()
    assert holder.state.voided == {0: "by the other one"}
    assert len(holder.state.trials) == 4


def test_who_waits_may_go_and_the_command_with_him(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=2)
    inbox = Inbox(run.work_directory)

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    inbox._sleep = interrupted
    with pytest.raises(KeyboardInterrupt):
        inbox.enqueue({"x": 0.9})
    assert left(run) == []
    run.close()


def test_a_stop_that_the_writer_took_as_its_last_act_was_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = prepared(tmp_path, count=2)
    really = InboxFolder.has
    asked: list[str] = []

    def has(inbox: InboxFolder, key: str) -> bool:
        there = really(inbox, key)
        if not asked:  # right after it was seen to wait, the writer takes it and ends
            asked.append(key)
            inbox.remove(key)
            run.close()
        return there

    monkeypatch.setattr(InboxFolder, "has", has)
    assert Inbox(run.work_directory).stop("now") is True
    FolderLock(run.work_directory).release()


def test_a_stop_meant_for_a_run_that_died_does_not_stop_the_next(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=3)
    key = InboxFolder(run.work_directory).put(Stopping("too late"))
    abandon(run)
    again = restored(run).run()
    assert len(again.state.trials) == 3
    assert events(again, Stopping) == []
    assert InboxFolder(run.work_directory).answer(key) == "it is not running: there is nothing to stop"
    assert left(run) == []


# -- exactly once ---------------------------------------------------------------------------------


class CutAt(CutDisk):
    """Also counts what is taken out of the inbox: after ``count`` operations there are no more."""

    def unlink(self, path: Path, at: int | None = None) -> None:
        self.check()
        if path.parent.name == "inbox":
            self.left -= 1
            self.check()
        super().unlink(path, at)

    def sync(self, fd: int) -> None:
        self.check()
        if fd in self.tapes:
            self.left -= 1
            self.check()


@pytest.mark.parametrize("count", range(1, 30))
def test_each_command_has_one_effect_wherever_the_writer_dies(tmp_path: Path, count: int) -> None:
    run = prepared(tmp_path, count=3).run()
    inbox = InboxFolder(run.work_directory)
    wanted: list[Any] = [Void(1, "x"), Enqueue({"x": 0.4}), Note("hm", 0), Void(0), Enqueue({"x": 0.6})]
    again = restored(run, 6)
    keys = [inbox.put(command) for command in wanted]
    died = False
    with disk.use(CutAt(count)):
        try:
            again.run()
        except PowerCut:
            died = True
        abandon(again)
    if died:
        again = restored(run, 6).run()
    made = events(again, Void, Enqueue, Note)
    assert [event.key for event in made] == keys
    assert [type(event) for event in made] == [type(command) for command in wanted]
    assert left(run) == []
    assert set(again.state.voided) == {0, 1}
    tried = [entry[1]["suggestion"]["x"] for entry in again.state.trials.values()]
    assert [x for x in tried if x in (0.4, 0.6)] == [0.4, 0.6]
    assert len(again.state.trials) == 6
    assert Run.checkout(run.work_directory).state.trials == again.state.trials


# -- strange things in the folder -----------------------------------------------------------------

STRANGE: list[tuple[str, bytes]] = [
    ("1.json", b"no json"),
    ("2.json", b"{}"),
    ("3.json", b"[1]"),
    ("4.json", b'{"submit":{"tid":0,"result":{"ok":{"loss":0.0}}}}'),
    ("5.json", b'{"end":{"reason":"no"}}'),
    ("6.json", b'{"void":{"tid":true}}'),
    ("7.json", b'{"void":{"tid":1,"more":2}}'),
    ("8.json", b'{"note":{"text":5}}'),
    ("9.json", b'{"later":{"tid":1}}'),
    ("a.json", b'{"enqueue":{"suggestion":{"$new":1}}}'),
    ("b.json", b'{"session":{}}'),
]


@pytest.mark.parametrize(("name", "data"), STRANGE)
def test_what_is_no_command_is_refused_and_changes_nothing(
    tmp_path: Path, name: str, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    run = prepared(tmp_path, count=3, observers=[At(0, lambda: leave(run, name, data))])
    run.run()
    assert len(run.state.trials) == 3
    assert f"{name} is no command" in caplog.text
    assert left(run) == [name.replace(".json", ".refused")]
    assert Run.checkout(run.work_directory).state.trials == run.state.trials


def leave(run: Run, name: str, data: bytes) -> None:
    (run.work_directory / "inbox").mkdir()
    (run.work_directory / "inbox" / name).write_bytes(data)


def test_a_folder_among_the_commands_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = prepared(
        tmp_path, count=5, observers=[At(0, lambda: (run.work_directory / "inbox/1.json").mkdir(parents=True))]
    )
    run.run()
    assert len(run.state.trials) == 5
    assert caplog.text.count("is no command") <= 2  # by the loop, and by what takes the rest at its end


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=3)
    (run.work_directory / "inbox").mkdir()
    Path(os.fsdecode(os.fsencode(run.work_directory / "inbox") + b"/\xff.json")).write_text('{"note":{"text":"x"}}')
    run.run()
    assert len(run.state.trials) == 3
    assert run.state.notes == {}


def test_a_full_disk_does_not_end_a_run_that_refuses(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Full(disk.Disk):
        def replace(self, source: Path, target: Path, at: int | None = None) -> None:
            if target.suffix == ".refused":
                raise OSError(28, "No space left on device")
            super().replace(source, target, at)

    run = prepared(tmp_path, count=4, observers=[At(0, lambda: leave(run, "1.json", b"no json"))])
    with disk.use(Full()):
        run.run()
    assert len(run.state.trials) == 4
    assert "cannot be taken away: No space left on device" in caplog.text


def test_a_command_written_by_hand_is_as_good_as_any(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=3, observers=[At(0, lambda: leave(run, "mine.json", b'{"void": {"tid": 0}}'))])
    run.run()
    assert run.state.voided == {0: ""}
    assert run.state.commands == {"mine"}


def test_an_end_by_an_error_takes_the_rest_and_says_the_error(tmp_path: Path) -> None:
    def evaluator(x: float) -> float:
        InboxFolder(run.work_directory).put(Note("written at the last moment"))
        raise ZeroDivisionError

    run = prepared(tmp_path, count=3, evaluator=evaluator)
    with pytest.raises(RunlibError, match="ZeroDivisionError"):
        run.run()
    assert [note.text for note in Run.checkout(run.work_directory).state.notes.values()] == [
        "written at the last moment"
    ]


def test_the_sessions_know_nothing_of_it(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=2).run()
    Inbox(run.work_directory).annotate(None, "between")
    before = run.state.runtime
    assert Run.checkout(run.work_directory).state.runtime == pytest.approx(before, abs=0.5)
    assert len(events(restored(run, 3).run(), Session)) == 2
