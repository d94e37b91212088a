"""A run that is cut off between any two operations on the disk goes on as if it had not been."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runlib import Hyperopt, Run, StopMax
from runlib.engine import disk
from runlib.engine.data.canonical import dump
from runlib.pool.base import Finished, Lost, Task
from runlib.tape.events import End, Enqueue, Note, Session, Suggest, Void, event_to_data
from tests.fakes import DirectPool, SpySearch, quadratic, story

SPACE = {"x": ["hp_choice", "x", [["hp_uniform", "a", 0, 1], ["hp_quniform", "b", 0, 1, 0.25]]]}


class PowerCut(BaseException):
    """Nothing after this reaches the disk; no handler of errors can go on."""


class CutDisk(disk.Disk):
    """A disk that takes ``count`` writes to the tape and then no operation at all."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.tapes: set[int] = set()

    def open(self, path: Path, flags: int, at: int | None = None) -> int:
        self.check()
        fd = super().open(path, flags, at)
        if path.name == "tape.son":
            self.tapes.add(fd)
        else:
            self.tapes.discard(fd)
        return fd

    def write(self, fd: int, data: bytes | memoryview) -> int:
        self.check()
        if fd in self.tapes:
            self.left -= 1
            self.check()
        return super().write(fd, data)

    def sync(self, fd: int) -> None:
        self.check()

    def replace(self, source: Path, target: Path, at: int | None = None) -> None:
        self.check()
        super().replace(source, target, at)

    def check(self) -> None:
        if self.left < 0:
            raise PowerCut


def make(tmp_path: Path, search: Any, **more: Any) -> Run:
    return Run(search, quadratic, StopMax(8), pool=DirectPool(), **more).prepare(tmp_path)


def abandon(run: Run) -> None:
    """What the end of the process does: descriptors are closed, nothing is written."""
    assert run._access is not None
    run._manual = None
    opened, run._access.opened = run._access.opened, None
    if opened is not None:
        opened.lock.release()
        opened.tape._file.close()


def go_on(folder: Path, **more: Any) -> Run:
    return Run.restore(folder, evaluator=quadratic, pool=DirectPool(), **more).run()


@pytest.mark.parametrize(
    "search",
    [
        lambda: SpySearch(),
        lambda: SpySearch(points=3),
        lambda: Hyperopt(SPACE, n_startup_jobs=3),
        lambda: Hyperopt({"x": ["hp_choice", "x", [0.1, 0.2, 0.3]]}, method="rand"),
    ],
)
def test_one_worker_cut_off_at_every_record(tmp_path: Path, search: Any) -> None:
    whole = make(tmp_path, search()).run()
    expected = story(whole.state)
    for count in range(1, len(expected) + 2):  # the first write is that of metadata and session
        with disk.use(CutDisk(count)):
            run = make(tmp_path, search())
            with pytest.raises(PowerCut):
                run.run()
            abandon(run)
        assert story(run.state) == expected[: len(story(run.state))]
        assert story(go_on(run.work_directory).state) == expected


@pytest.mark.parametrize("ahead", [1, 2, 3])
def test_repeats_ahead_of_the_worker_cut_off_at_every_record(tmp_path: Path, ahead: int) -> None:
    context = {"ahead": ahead}
    expected = story(make(tmp_path, SpySearch(points=5, seed=0), context=context).run().state)
    for count in range(1, len(expected) + 2):
        with disk.use(CutDisk(count)):
            run = make(tmp_path, SpySearch(points=5, seed=0), context=context)
            with pytest.raises(PowerCut):
                run.run()
            abandon(run)
        assert story(go_on(run.work_directory).state) == expected


def test_cut_off_again_and_again(tmp_path: Path) -> None:
    expected = story(make(tmp_path, SpySearch()).run().state)
    run = make(tmp_path, SpySearch())
    folder = run.work_directory
    run.close()
    cuts = 0
    while Run.checkout(folder).state.ended is None:
        with disk.use(CutDisk(3)):
            try:
                go_on(folder)
            except PowerCut:
                cuts += 1
    assert cuts > 3
    assert story(Run.checkout(folder).state) == expected


def test_a_torn_record_is_kept_aside_and_the_run_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    expected = story(make(tmp_path, SpySearch()).run().state)
    run = make(tmp_path, SpySearch()).run()
    tape = run.work_directory / "tape.son"
    data = tape.read_bytes()
    cut = data.index(b'{"suggest"', len(data) // 2) + 20
    tape.write_bytes(data[:cut])
    restored = go_on(run.work_directory)
    assert story(restored.state) == expected
    torn = run.work_directory / "tape.son.torn-1"
    assert torn.read_bytes() == data[cut - 20 : cut]
    assert "bytes that were being written are kept in" in caplog.text


def test_no_finished_trial_is_evaluated_again(tmp_path: Path) -> None:
    calls: list[float] = []

    def evaluator(x: float) -> float:
        calls.append(x)
        return quadratic(x)

    with disk.use(CutDisk(11)):
        run = Run(SpySearch(), evaluator, StopMax(8), pool=DirectPool()).prepare(tmp_path)
        with pytest.raises(PowerCut):
            run.run()
        abandon(run)
    finished, before = len(run.state.trials), len(calls)
    restored = Run.restore(run.work_directory, evaluator=evaluator, pool=DirectPool()).run()
    assert 0 < finished < 8
    assert len(restored.state.trials) == 8
    assert len(calls) == before + 8 - finished


@pytest.mark.parametrize("count", [0, 1])
def test_a_run_that_was_cut_off_at_once_goes_on_as_it_was_meant_to(tmp_path: Path, count: int) -> None:
    """There is no moment at which the folder is there and does not say how the run is computed."""
    context = {"max_workers": 3, "ahead": 2}
    with disk.use(CutDisk(count)):
        try:
            run = make(tmp_path, SpySearch(), context=context)
        except PowerCut:
            assert not list(tmp_path.glob("run_*"))
            return
        abandon(run)
    restored = Run.restore(run.work_directory, evaluator=quadratic, pool=DirectPool())
    assert {key: restored.context[key] for key in context} == context
    restored.close()


def test_the_folder_of_a_run_never_lacks_the_session(tmp_path: Path) -> None:
    seen: list[int] = []

    class Looking(disk.Disk):
        def rename_folder(self, source: Path, target: Path) -> None:
            super().rename_folder(source, target)
            seen.append(Run.checkout(target).state.sessions)

    with disk.use(Looking()):
        run = make(tmp_path, SpySearch())
    assert seen == [1]
    assert [type(record.event) for record in run.state.tape] == [Session]
    assert run.state.sessions == 1
    run.run()
    assert (run.work_directory / "log.log").read_text().count("opened by process") == 1


# -- edits and attempts ---------------------------------------------------------------------------

SCRIPT: dict[str, tuple[int, Any]] = {  # key of a command -> at how many ended trials it is left
    "a": (0, Enqueue({"x": 0.75})),
    "b": (2, Void(1, "bad")),
    "c": (2, Enqueue({"x": 2})),
    "d": (3, Enqueue({"x": 0.75})),
    "e": (3, Note("so far so good", 0)),
    "f": (6, Void(6, "hangs")),
    "g": (7, Void(0)),
    "h": (7, Enqueue({"x": 1})),
}


class ScriptedPool(DirectPool):
    """Leaves a command at a time in the inbox, each at its point of the history, and loses some first attempts."""

    kind = "pool_scripted"
    run: Run

    def collect(self, timeout: float) -> list[Finished | Lost]:
        state, inbox = self.run.state, self.run.work_directory / "inbox"
        for key, (when, command) in SCRIPT.items():
            if len(state.trials) + len(state.voided) >= when and key not in state.commands:
                inbox.mkdir(exist_ok=True)
                (inbox / f"{key}.json").write_bytes(dump(event_to_data(command)))
                return []
        return super().collect(timeout)

    def _evaluate(self, task: Task) -> Finished:
        if task.tid % 3 == 1 and len(self.run.state.attempts.get(task.tid, [])) < 2:
            return Finished(task.tid, {"error": {"error": "Flaky", "error_text": "", "traceback": ""}}, ("Flaky",))
        return super()._evaluate(task)


def scripted(run: Run) -> Run:
    assert isinstance(run.pool, ScriptedPool)
    run.pool.run = run
    return run


def whole_story(run: Run) -> list[Any]:
    """All events but those of sessions; what is wanted by the record's place among these."""
    told, places = [], {}
    for record in run.state.tape:
        if isinstance(record.event, Suggest) and record.event.queued is not None:
            told.append(replace(record.event, queued=places[record.event.queued]))
        elif not isinstance(record.event, Session | End):
            told.append(record.event)
            places[record.n] = len(told)
    return told


@pytest.mark.parametrize(
    "search",
    [SpySearch, lambda: SpySearch(points=9), lambda: Hyperopt({"x": ["hp_uniform", "x", 0, 1]}, method="rand")],
)
def test_edits_and_attempts_cut_off_at_every_record(
    tmp_path: Path, search: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runlib.run.loop.loop.INBOX", 0.0)

    def begun() -> Run:
        run = Run(search(), quadratic, StopMax(12), pool=ScriptedPool(), retries={"Flaky": 2}, observers=[])
        return scripted(run.prepare(tmp_path))

    whole = begun().run()
    expected = whole_story(whole)
    assert whole.state.commands == set(SCRIPT)
    assert set(whole.state.voided) >= {0, 1, 6}
    assert len(whole.state.trials) == 12
    for count in range(1, len(expected) + 2):
        with disk.use(CutDisk(count)):
            run = begun()
            with pytest.raises(PowerCut):
                run.run()
            abandon(run)
        restored = Run.restore(run.work_directory, evaluator=quadratic, pool=ScriptedPool(), observers=[])
        assert whole_story(scripted(restored).run()) == expected
        assert restored.state.trials == whole.state.trials
        assert list((run.work_directory / "inbox").iterdir()) == []
    Run.restore(whole.work_directory, evaluator=quadratic, pool=DirectPool(), verify=True).close()
