"""The power fails at every operation of a run on its disk: what was shown or started is there, and the run goes on.

The disk is a simulated one; see ``power.py`` for the states in which it may be left.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from runlib import Run, StopMax
from runlib.engine import disk
from runlib.observe.base import Observer
from runlib.observe.log import LogObserver
from runlib.observe.status import StatusObserver
from runlib.pool.base import Task
from runlib.state.state import State
from runlib.tape.events import Record
from tests.crash.power import Model, RecordingDisk
from tests.fakes import DirectPool, SpySearch, quadratic, story

TRIALS = 40
QUICK = 9  # of so many operations the quick run tries one


class Ear(Observer):
    """Tells what it hears: that is what a person, or another program, has seen."""

    kind = "observe_ear_of_power_loss"

    def __init__(self, tell: Callable[[Any], None] | None = None, context: Mapping[str, Any] | None = None) -> None:
        super().__init__(context)
        self.tell = tell

    def _get_config(self) -> dict[str, Any]:
        return {}

    def observe(self, event: Record, state: State) -> None:
        if self.tell is not None:
            self.tell(("shown", event.n))


def telling_pool(tell: Callable[[Any], None]) -> DirectPool:
    """A pool that tells what it was given to do."""
    pool = DirectPool()
    schedule = pool.schedule

    def schedule_and_tell(task: Task) -> None:
        tell(("started", task.tid))
        schedule(task)

    pool.schedule = schedule_and_tell  # type: ignore[method-assign]
    return pool


@dataclass
class Recorded:
    """A run on a recording disk.

    Attributes:
        disk: What it did.
        before: The disk when it began.
        whole: The story of a run that was not interrupted.
        kept: The number of records that were durable before it began.
    """

    disk: RecordingDisk
    before: Model
    whole: list[Any]
    kept: int = 0


def new_run(root: Path) -> Recorded:
    """A whole run, from the making of its folder."""
    recording = RecordingDisk(root)
    observers = [StatusObserver(), LogObserver(), Ear(recording.tell)]
    with disk.use(recording):
        run = Run(SpySearch(), quadratic, StopMax(TRIALS), pool=telling_pool(recording.tell), observers=observers)
        run.prepare(root).run()
    return Recorded(recording, Model(), story(run.state))


def restored_run(root: Path) -> Recorded:
    """The end of a run whose tape was torn: the tail is put aside and cut off, and the run goes on."""
    run = Run(SpySearch(), quadratic, StopMax(TRIALS), pool=DirectPool()).prepare(root).run()
    tape = run.work_directory / "tape.son"
    data = tape.read_bytes()
    end = data.index(b'{"submit":{"tid":34')
    tape.write_bytes(data[: end + 20] + b"\0" * 30)
    before = Model.of(root)
    recording = RecordingDisk(root)
    with disk.use(recording):
        pool = telling_pool(recording.tell)
        Run.restore(run.work_directory, evaluator=quadratic, pool=pool, observers=[Ear(recording.tell)]).run()
    return Recorded(recording, before, story(run.state), data[:end].count(b"\n---\n"))


@dataclass
class Told:
    """What had left the process when the power failed."""

    shown: int
    started: set[int] = field(default_factory=set)


def told_after(recorded: Recorded, count: int) -> Told:
    told = Told(recorded.kept)
    for done, (what, which) in recorded.disk.told:
        if done <= count and what == "shown":
            told.shown = max(told.shown, which)
        elif done <= count:
            told.started.add(which)
    return told


def put(state: dict[str, bytes | None], root: Path) -> None:
    for path, data in state.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if data is None:
            target.mkdir(exist_ok=True)
        else:
            target.write_bytes(data)


def open_again(state: dict[str, bytes | None], recorded: Recorded, told: Told) -> str:
    """Open what the power loss left, and go on; returns what was found."""
    with in_memory() as name:
        root = Path(name)
        put(state, root)
        folders = list(root.glob("run_*"))
        if not folders:
            assert (told.shown, told.started) == (0, set())
            return "not begun"
        [folder] = folders
        found = Run.checkout(folder).state
        known = story(found)
        assert found.n >= told.shown
        assert known == recorded.whole[: len(known)]
        assert told.started <= {*found.trials, *found.live_trials}
        before = len(list(folder.glob("tape.son.torn-*")))
        run = Run.restore(folder, evaluator=quadratic, pool=DirectPool(), observers=[]).run()
        assert story(run.state) == recorded.whole
        assert story(Run.checkout(folder).state) == recorded.whole
        return "torn" if len(list(folder.glob("tape.son.torn-*"))) > before else "whole"


def in_memory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)


def fail_everywhere(recorded: Recorded, every: int) -> Counter[str]:
    """Let the power fail after each operation (or each ``every``-th), and open all that it may leave."""
    found: Counter[str] = Counter()
    model, operations = recorded.before, recorded.disk.done
    for count, operation in enumerate([None, *operations]):
        if operation is not None:
            model.apply(operation)
        if count % every:
            continue
        found["moments"] += 1
        told = told_after(recorded, count)
        for state in model.after_power_loss():
            found["states"] += 1
            found[open_again(state, recorded, told)] += 1
    return found


SCENES = pytest.mark.parametrize("scenario", [new_run, restored_run])


@pytest.mark.parametrize("scenario", [pytest.param(new_run, marks=pytest.mark.slow), restored_run])
def test_power_loss_now_and_then(scenario: Callable[[Path], Recorded]) -> None:
    with in_memory() as root:
        found = fail_everywhere(scenario(Path(root)), QUICK)
    assert found["whole"] + found["torn"] + found["not begun"] == found["states"]
    assert found["whole"] > 5


@SCENES
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_power_loss_at_every_operation(scenario: Callable[[Path], Recorded]) -> None:
    with in_memory() as root:
        recorded = scenario(Path(root))
        found = fail_everywhere(recorded, 1)
    assert found["whole"] + found["torn"] + found["not begun"] == found["states"]
    assert found["torn"] > 20
    kinds = Counter(operation[0] for operation in recorded.disk.done)
    print(
        f"\n{scenario.__name__}, {TRIALS} trials, {kinds.total()} operations ({kinds['write']} writes, {kinds['sync']} "
        f"syncs): the power failed at {found['moments']} moments and left {found['states']} states; "
        f"{found['states'] - found['not begun']} opened and went on exactly ({found['torn']} of them with a torn tail "
        f"set aside), {found['not begun']} held no run yet, 0 lost, 0 that did not open"
    )


# -- the disk itself ------------------------------------------------------------------------------


def test_the_model_is_what_the_real_disk_shows() -> None:
    with in_memory() as name:
        root = Path(name)
        recorded = new_run(root)
        for operation in recorded.disk.done:
            recorded.before.apply(operation)
        shown = {str(p.relative_to(root)): p.read_bytes() if p.is_file() else None for p in root.rglob("*")}
        assert shown in list(recorded.before.after_power_loss())


def test_what_was_not_forced_down_may_be_gone() -> None:
    with in_memory() as name:
        root = Path(name)
        recording = RecordingDisk(root)
        with disk.use(recording):
            file = disk.AppendFile(root / "a", create=True)
            disk.sync_folder(root)
            file.append(b"one")
            file.sync()
            file.append(b"two")
            file.close()
            disk.replace_file(root / "b", b"three")
        model = Model()
        for operation in recording.done:
            model.apply(operation)
        states = list(model.after_power_loss())
    assert {"a": b"one"} in states
    assert {"a": b"onetwo", "b": b"three"} in states
    assert {"a": b"one\0\0\0", "b": bytes(5)} in states
    assert {"a": b"one\0wo", "b": b"\0hree"} in states
    assert all(state["a"].startswith(b"one") for state in states)  # type: ignore[union-attr]
