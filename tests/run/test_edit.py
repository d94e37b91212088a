"""Edits are appended: what is void counts as if it had not been, what is enqueued comes first, a stop ends in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runlib import (
    ConfigError,
    Evaluator,
    Hyperopt,
    Inbox,
    ReadOnlyRun,
    Run,
    RunlibError,
    SearchWaiting,
    StopCost,
    StopMax,
)
from runlib.engine.data.plain import NotPlain
from runlib.observe.base import Observer
from runlib.pool.base import Finished, Task
from runlib.run.edits.inbox import InboxFolder
from runlib.state.state import State
from runlib.tape.events import Enqueue, Note, Record, Stopping, Submit, Suggest, Void
from tests.fakes import DirectPool, SpySearch, quadratic, story

SPACE = {"x": ["hp_uniform", "x", 0, 1]}


class At(Observer):
    """Does something once, when a trial has finished."""

    kind = "observe_at"

    def __init__(self, tid: int = 0, action: Callable[[], None] | None = None, context: Any = None) -> None:
        super().__init__(context)
        self.tid, self.action = tid, action

    def _get_config(self) -> dict[str, Any]:
        return {}

    def observe(self, event: Record, state: State) -> None:
        if isinstance(event.event, Submit) and event.event.tid == self.tid and self.action is not None:
            action, self.action = self.action, None
            action()


@pytest.fixture(autouse=True)
def _look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runlib.run.loop.loop.INBOX", 0.0)


def prepared(tmp_path: Path, search: Any = None, count: int = 6, evaluator: Any = quadratic, **more: Any) -> Run:
    more = {"pool": DirectPool(), **more}
    return Run(search or SpySearch(), evaluator, StopMax(count), **more).prepare(tmp_path)


def restored(run: Run, count: int | None = None, evaluator: Any = quadratic, **more: Any) -> Run:
    stop = {} if count is None else {"new_stop": StopMax(count)}
    return Run.restore(run.work_directory, evaluator=evaluator, pool=DirectPool(), **stop, **more)


def events(run: Run, *kinds: type) -> list[Any]:
    return [record.event for record in run.state.tape if isinstance(record.event, kinds)]


def knowledge(state: State) -> dict[str, Any]:
    """What is counted of finished trials."""
    names = "best top since_best errors_in_a_row repeats total_cost count_by_error"
    values = {name: getattr(state, name) for name in names.split()}
    return {**values, "trials": dict(state.trials), "evals": dict(state.evals)}


# -- void -----------------------------------------------------------------------------------------


def outcome(x: float) -> dict[str, float]:
    if x > 0.9:
        raise TimeoutError("slow")
    return {"loss": (x - 0.3) ** 2, "cost": 2.0}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("which", ["best", "last", "first"])
def test_a_void_trial_counts_as_if_it_had_not_been(tmp_path: Path, which: str, seed: int) -> None:
    run = prepared(tmp_path, SpySearch(points=None, seed=seed), 12, outcome).run()
    assert run.best is not None
    tid = {"best": run.best.tid, "last": list(run.state.trials)[-1], "first": 0}[which]
    run.void(tid, "a bad disk")
    expected = State()
    for record in run.state.tape:
        event = record.event
        if getattr(event, "tid", None) != tid and isinstance(event, Suggest | Submit):
            expected.apply(Record(record.n, record.t, event))
    assert knowledge(run.state) == knowledge(expected)
    assert run.state.voided == {tid: "a bad disk"}
    assert run.state.trials.ok_count == expected.trials.ok_count
    assert knowledge(Run.checkout(run.work_directory).state) == knowledge(expected)
    assert tid not in run.state.live_trials


def test_a_stop_counts_it_no_more_and_the_run_goes_on(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=6).run()
    assert run.stop.done(run.state)
    run.void(2)
    run.void(4)
    assert run.stop.room(run.state) == 2
    run.run()
    assert len(run.state.trials) == 6
    assert run.state.ended is not None
    assert run.state.ended.reason == "stop"
    assert not {2, 4} & run.state.trials.keys()


def test_its_cost_is_not_spent(tmp_path: Path) -> None:
    run = Run(SpySearch(), lambda x: {"loss": x, "cost": 2.0}, StopCost(10), pool=DirectPool()).prepare(tmp_path).run()
    assert (run.state.total_cost, len(run.state.trials)) == (10.0, 5)
    run.void(1)
    assert (run.state.total_cost, run.stop.done(run.state)) == (8.0, False)


def test_with_it_go_the_trials_that_have_its_result(tmp_path: Path) -> None:
    run = prepared(tmp_path, SpySearch(points=3), 8).run()
    owners = [event.of for event in events(run, Submit) if event.of is not None]
    owner = max(set(owners), key=owners.count)
    shared = {owner, *(event.tid for event in events(run, Submit) if event.of == owner)}
    others = set(run.state.trials) - shared
    assert len(shared) > 1
    run.void(max(shared), "all of it")  # one that was answered, and not evaluated
    assert set(run.state.voided) == shared
    assert set(run.state.trials) == others
    suggestion = next(event.suggestion for event in events(run, Suggest) if event.tid == owner)
    assert suggestion not in [entry[1]["suggestion"] for entry in run.state.evals.values()]


def test_what_is_void_is_evaluated_again_when_it_is_suggested_again(tmp_path: Path) -> None:
    calls: list[float] = []

    def evaluator(x: float) -> float:
        calls.append(x)
        return quadratic(x)

    run = prepared(tmp_path, SpySearch(points=1), 3, evaluator).run()
    assert calls == [0]
    run.void(0)
    run.run()
    assert calls == [0, 0]
    assert len(run.state.trials) == 3
    assert len(run.state.voided) == 3


def test_without_reuse_another_evaluation_of_the_suggestion_stands_in(tmp_path: Path) -> None:
    losses = iter([3.0, 1.0, 2.0, 5.0])
    run = prepared(tmp_path, SpySearch(points=1), 3, lambda x: next(losses), reuse=False).run()
    [eid] = run.state.evals
    run.void(2)
    assert run.state.evals[eid][1]["loss"] == 1.0
    run.void(0)
    assert run.state.evals[eid][1]["loss"] == 1.0
    run.void(1)
    assert dict(run.state.evals) == {}
    assert run.best is None
    run.void(next(iter(run.state.live_trials)))
    assert (run.state.live_trials, run.state.voided) == ({}, dict.fromkeys([2, 0, 1, 3], ""))


def test_the_earlier_failure_that_stands_in_is_not_reused(tmp_path: Path) -> None:
    outcomes: list[Any] = [TimeoutError(), 1.0, 2.0]

    def evaluator(x: float) -> float:
        result = outcomes.pop(0)
        if isinstance(result, Exception):
            raise result
        return float(result)

    run = prepared(tmp_path, SpySearch(points=1), 3, evaluator).run()
    assert [run.state.trials[tid][0] for tid in (0, 1, 2)] == ["error", "ok", "ok"]
    run.void(1)
    assert set(run.state.voided) == {1, 2}
    run.run()
    assert outcomes == []
    assert run.state.trials.ok_count == 2


@pytest.mark.parametrize("method", ["tpe", "rand"])
def test_hyperopt_goes_on_like_one_that_never_heard_of_it(tmp_path: Path, method: str) -> None:
    run = prepared(tmp_path, Hyperopt(SPACE, method=method, n_startup_jobs=4), 9).run()
    run.void(5)
    run.run()
    made = {event.tid: event for event in events(run, Suggest)}
    never = Hyperopt(SPACE, method=method, n_startup_jobs=4, errors_ok=False)
    for tid in range(10):  # trial 9 was live when trial 5 was voided
        never.recall(tid, made[tid].suggestion, made[tid].memo)
        if tid not in (5, 9):
            never.submit(tid, loss=quadratic(**made[tid].suggestion))
    never.submit(5, error=True)
    never.submit(9, loss=quadratic(**made[9].suggestion))
    assert never.suggest() == (10, made[10].suggestion)


def test_a_search_that_cannot_forget_is_made_anew_without_it(tmp_path: Path) -> None:
    run = prepared(tmp_path, SpySearch(), 6).run()
    run.void(3)
    assert (3, None) in run.search.heard  # type: ignore[attr-defined]
    assert [tid for tid, _ in run.search.heard] == [0, 1, 2, 3, 4, 5]  # type: ignore[attr-defined]


class Held(DirectPool):
    """Trials end only when they are let go; what is cancelled is gone."""

    kind = "pool_held"

    def __init__(self, held: set[int], then: Callable[[], None], context: Any = None) -> None:
        super().__init__(self.choose, context=context)
        self.held, self.then = held, then

    def choose(self, waiting: list[Task]) -> list[Task]:
        free = [task for task in waiting if task.tid not in self.held]
        if not free:
            self.then()
        return free[:1]

    def cancel(self, tid: int) -> None:
        super().cancel(tid)
        self.waiting = [task for task in self.waiting if task.tid != tid]


def test_a_trial_that_runs_is_cancelled_and_its_slot_refilled(tmp_path: Path) -> None:
    asked: list[int] = []

    def act() -> None:
        if not asked:
            asked.append(1)
            run.void(1, "hangs")

    pool = Held({1}, act)
    run = prepared(tmp_path, count=4, pool=pool)
    run.run()
    assert pool.cancelled[0] == 1
    assert run.state.voided == {1: "hangs"}
    assert list(run.state.trials) == [0, 2, 3, 4]
    assert pool.started == [0, 1, 2, 3, 4]
    assert (1, None) in run.search.heard  # type: ignore[attr-defined]


def test_it_is_durable_before_the_trial_is_cancelled(tmp_path: Path) -> None:
    seen: list[bool] = []

    class Watching(Held):
        kind = "pool_watching"

        def cancel(self, tid: int) -> None:
            writer = run._require_access().held.tape
            seen.append(writer._durable == run.state.n and tid in run.state.voided)
            super().cancel(tid)

    pool = Watching({1}, lambda: None if seen or 1 in run.state.voided else run.void(1))
    run = prepared(tmp_path, count=2, pool=pool)
    run.run()
    assert seen[0]


def test_a_result_that_comes_too_late_is_ignored(tmp_path: Path) -> None:
    pool = Held({1}, lambda: late())
    run = prepared(tmp_path, count=3, pool=pool)

    def late() -> None:
        if 1 not in run.state.voided:
            run.void(1)
        pool.said = [Finished(1, {"ok": {"loss": -5.0, "duration": 0.1}})]

    run.run()
    assert run.best is not None
    assert run.best.loss >= 0
    assert 1 not in run.state.trials


def test_a_trial_in_a_real_worker_is_killed_and_the_worker_replaced(tmp_path: Path) -> None:
    begun = tmp_path / "begun"

    def evaluator(x: float) -> float:
        import pathlib
        import time

        while x < 0.5:
            pathlib.Path(begun).touch()
            time.sleep(0.01)
        return x

    run = Run(SpySearch(), evaluator, StopMax(3), context={"max_workers": 1}, observers=[]).prepare(tmp_path)

    def void_what_hangs() -> None:
        while not ended.wait(0.01):
            if begun.exists():
                tid, suggestion = next(iter(run.state.live_trials.items()))
                if suggestion["x"] < 0.5 and tid not in asked:
                    begun.unlink()
                    asked.append(tid)
                    run.void(tid, "hangs")

    asked: list[int] = []
    ended = threading.Event()
    thread = threading.Thread(target=void_what_hangs)
    thread.start()
    run.run()
    ended.set()
    thread.join()
    assert asked
    assert set(run.state.voided) == set(asked)
    assert len(run.state.trials) == 3
    assert all(entry[1]["loss"] >= 0.5 for entry in run.state.trials.values())


def test_twice_or_of_no_trial_it_is_refused(tmp_path: Path) -> None:
    run = prepared(tmp_path)
    with pytest.raises(RunlibError, match="there is no trial 0 in this run: it has none yet"):
        run.void(0)
    run.run()
    run.void(2, "once")
    n = run.state.n
    with pytest.raises(RunlibError, match="trial 2 is void already: once"):
        run.void(2)
    for tid in (7, -1, 99):
        with pytest.raises(RunlibError, match=f"there is no trial {tid} in this run: its trials are 0 to 6"):
            run.void(tid)
    assert Run.checkout(run.work_directory).state.n == n


def test_what_another_process_voided_meanwhile_is_seen_first(tmp_path: Path) -> None:
    run = prepared(tmp_path).run()
    assert Inbox(run.work_directory).void(2, "elsewhere")
    with pytest.raises(RunlibError, match="trial 2 is void already: elsewhere"):
        run.void(2)
    run.void(3)
    assert list(Run.checkout(run.work_directory).state.voided) == [2, 3]
    restored(run, 8).run()
    run.void(7)  # of which this object had not heard
    assert list(run.state.voided) == [2, 3, 7]


@pytest.mark.parametrize("at", [3, 20])
def test_in_the_order_of_suggestions_it_is_told_or_forgotten(tmp_path: Path, at: int) -> None:
    """Trial 0 is void before the search hears of it (it is suggested first, and ends last), or long after."""
    first = {"left": True}

    def order(waiting: list[Task]) -> list[Task]:
        late = [task for task in waiting if task.tid != 0]
        return late[:1] if late and first["left"] and len(run.state.trials) < 2 else waiting[:1]

    search = SpySearch()
    context = {"max_workers": 4}
    run = prepared(
        tmp_path, search, 12, order="suggested", context=context, pool=DirectPool(order), observers=[voiding := At()]
    )
    voiding.tid, voiding.action = (1, lambda: run.void(1)) if at == 3 else (9, lambda: run.void(1))
    run.run()
    assert list(run.state.voided) == [1]
    heard = dict(run.search.heard)  # type: ignore[attr-defined]
    assert heard[1] is None
    assert list(heard) == sorted(heard)
    again = restored(run, 16, context=context, verify=True).run()
    whole = dict(again.search.heard)  # type: ignore[attr-defined]
    assert {tid: whole[tid] for tid in heard} == heard
    assert len(again.state.trials) == 16


def test_the_best_files_of_an_ended_run_agree(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=5).run()
    folder = run.work_directory
    assert run.best is not None
    before = (folder / "suggestion-1.yml").read_bytes()
    run.void(run.best.tid)
    assert (folder / "suggestion-0.yml").read_bytes() == before
    assert not (folder / "suggestion-4.yml").exists()
    Inbox(folder).void(Run.checkout(folder).best.tid)  # type: ignore[union-attr]
    assert (folder / "suggestion-2.yml").exists()
    assert not (folder / "suggestion-3.yml").exists()


# -- enqueue --------------------------------------------------------------------------------------


class Adopting(SpySearch):
    """Keeps what it adopted."""

    kind = "search_adopting"
    adopted: list[Any]

    def adopt(self, suggestion: Any) -> int:
        self.__dict__.setdefault("adopted", []).append(suggestion)
        self.suggested += 1
        return self.suggested - 1

    def forget(self, tid: int) -> None:
        self.heard = [(told, loss) for told, loss in self.heard if told != tid]


def test_it_is_tried_before_what_the_search_would_suggest(tmp_path: Path) -> None:
    run = prepared(tmp_path, Adopting())
    wanted = [{"x": 0.31}, {"x": 0.29}]
    for suggestion in wanted:
        run.enqueue(suggestion)
    assert list(run.state.queue.values()) == wanted
    run.run()
    made = events(run, Suggest)
    assert [event.suggestion for event in made[:2]] == wanted
    numbers = [record.n for record in run.state.tape if isinstance(record.event, Enqueue)]
    assert [event.queued for event in made] == [*numbers, *[None] * 5]
    assert run.search.adopted == wanted  # type: ignore[attr-defined]
    assert run.state.queue == {}
    assert run.search.heard[0] == (0, quadratic(0.31))  # type: ignore[attr-defined]


@pytest.mark.parametrize("search", [Adopting, SpySearch, lambda: Hyperopt(SPACE, n_startup_jobs=2)])
def test_the_search_is_restored_with_it(tmp_path: Path, search: Any) -> None:
    whole = prepared(tmp_path, search(), 8)
    whole.enqueue({"x": 0.5})
    whole.run()
    half = prepared(tmp_path, search(), 4)
    half.enqueue({"x": 0.5})
    half.run()
    assert story(restored(half, 8, verify=True).run().state) == story(whole.state)


def test_between_two_runs_and_what_is_live_comes_first(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=4).run()
    [live] = run.state.live_trials
    run.enqueue({"x": 0.25})
    assert list(Run.checkout(run.work_directory).state.queue.values()) == [{"x": 0.25}]
    again = restored(run, 7).run()
    assert list(again.state.trials)[4:6] == [live, live + 1]
    assert again.state.trials[live + 1][1]["suggestion"] == {"x": 0.25}


def test_an_exhausted_search_leaves_room_for_it(tmp_path: Path) -> None:
    run = prepared(tmp_path, SpySearch(total=2), 9).run()
    assert run.state.ended is not None
    assert run.state.ended.reason == "exhausted"
    for x in (0.1, 0.2, 0.3):
        run.enqueue({"x": x})
    run.run()
    assert [entry[1]["suggestion"]["x"] for entry in run.state.trials.values()][2:] == [0.1, 0.2, 0.3]
    assert run.state.ended.reason == "exhausted"


def test_a_search_that_waits_does_not_keep_it_waiting(tmp_path: Path) -> None:
    class Waiting(SpySearch):
        kind = "search_waiting"

        def suggest(self) -> tuple[int, Any]:
            if len(self.heard) < self.suggested:
                raise SearchWaiting
            return super().suggest()

    pool = DirectPool(lambda waiting: [] if enqueue() else waiting[:1])
    run = prepared(tmp_path, Waiting(), 3, pool=pool, context={"max_workers": 2})
    todo = [{"x": 0.7}]

    def enqueue() -> bool:
        if todo and not run.state.trials:
            run.enqueue(todo.pop())
            return True
        return False

    run.run()
    assert pool.most_at_once == 2
    assert events(run, Suggest)[1].suggestion == {"x": 0.7}


def test_outside_the_space_it_is_tried_all_the_same(tmp_path: Path) -> None:
    run = prepared(tmp_path, Hyperopt(SPACE, n_startup_jobs=2), 5)
    run.enqueue({"x": 17.0})
    run.run()
    assert run.state.trials[0][1]["loss"] == quadratic(17.0)
    assert len(run.state.trials) == 5
    restored(run, 7, verify=True).close()


def test_what_the_evaluator_cannot_take_ends_the_run_and_can_be_voided(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=3)
    run.enqueue({"y": 1})
    with pytest.raises(RunlibError, match=r"trial 0 failed with TypeError.* unless it is voided"):
        run.run()
    run.void(0, "no x in it")
    run.run()
    assert list(run.state.trials) == [1, 2, 3]


def test_a_known_evaluation_answers_it(tmp_path: Path) -> None:
    calls: list[float] = []

    def evaluator(x: float) -> float:
        calls.append(x)
        return x

    run = prepared(tmp_path, count=2, evaluator=evaluator).run()
    run.enqueue({"x": calls[0]})
    again = restored(run, 4, evaluator).run()
    [queued] = [event for event in events(again, Suggest) if event.queued]
    [answer] = [event for event in events(again, Submit) if event.tid == queued.tid]
    assert answer.of == 0
    assert len(set(calls)) == len(calls) == 3


@pytest.mark.parametrize("suggestion", [{"x": float("nan")}, None, 3, [], {"$float": "nan"}, {"x": 2**70}])
def test_any_plain_data_can_be_enqueued_and_read_again(tmp_path: Path, suggestion: Any) -> None:
    seen: list[Any] = []
    run = prepared(tmp_path, count=2, evaluator=seeing(seen))
    run.enqueue(suggestion)
    run.run()
    assert repr(seen[0]) == repr(suggestion)
    state = Run.checkout(run.work_directory).state
    assert repr(state.trials[0][1]["suggestion"]) == repr(suggestion)


def seeing(seen: list[Any]) -> Evaluator:
    class Seeing(Evaluator):
        kind = "eval_seeing"

        def __call__(self, suggestion: Any) -> float:
            seen.append(suggestion)
            return float(len(seen))

    return Seeing()


def test_what_cannot_stand_on_the_tape_is_refused_before_it_is_written(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=2).run()
    before = (run.work_directory / "tape.son").read_bytes()
    inbox = Inbox(run.work_directory)
    for one in (run, inbox):
        with pytest.raises(NotPlain, match=r"^suggestion\.x: "):
            one.enqueue({"x": object()})
        for tid in (True, "0", None, 1.5):
            with pytest.raises(ConfigError, match=r"^tid: takes the number of a trial, got"):
                one.void(tid)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match=r"^tid: takes the number of a trial, got False"):
            one.annotate(False, "it")
        with pytest.raises(ConfigError, match=r"^text: takes text, got 5"):
            one.annotate(0, 5)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match=r"^reason: takes text, got None"):
            one.void(0, None)  # type: ignore[arg-type]
        with pytest.raises(NotPlain, match=r"^text: "):
            one.annotate(0, "\ud800")
    assert (run.work_directory / "tape.son").read_bytes() == before
    run.void(np.int64(1))  # type: ignore[arg-type]
    assert Run.checkout(run.work_directory).state.voided == {1: ""}


def test_from_another_thread_while_it_turns(tmp_path: Path) -> None:
    threads: list[threading.Thread] = []

    def in_a_thread() -> None:
        def edit() -> None:
            run.enqueue({"x": 0.123})
            run.void(0, "from a thread")
            run.annotate(None, "so be it")

        thread = threading.Thread(target=edit)
        thread.start()
        thread.join()
        threads.append(thread)

    run = prepared(tmp_path, count=5, observers=[At(1, in_a_thread)])
    run.run()
    assert threads
    assert run.state.voided == {0: "from a thread"}
    assert [note.text for note in run.state.notes.values()] == ["so be it"]
    assert {"x": 0.123} in [entry[1]["suggestion"] for entry in run.state.trials.values()]
    assert list((run.work_directory / "inbox").iterdir()) == []


def test_threads_that_edit_while_runs_end_and_begin(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=1, observers=[]).run()
    count, done = 30, threading.Event()

    def edit() -> None:
        for k in range(count):
            run.annotate(None, str(k))
        done.set()

    thread = threading.Thread(target=edit)
    thread.start()
    while not done.is_set():
        run.run()
    thread.join()
    run.run()  # takes what came last
    texts = [note.text for note in Run.checkout(run.work_directory).state.notes.values()]
    assert texts == [str(k) for k in range(count)]


# -- remarks --------------------------------------------------------------------------------------


def test_a_remark_is_kept_and_changes_nothing(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=3).run()
    before = knowledge(run.state)
    run.annotate(1, "looks odd")
    run.annotate(None, "the machine was busy")
    assert knowledge(run.state) == before
    notes = Run.checkout(run.work_directory).state.notes
    assert list(notes.values()) == [Note("looks odd", 1), Note("the machine was busy")]
    assert b'"skip":true' in (run.work_directory / "tape.son").read_bytes()
    with pytest.raises(RunlibError, match="there is no trial 9"):
        run.annotate(9, "nothing")


# -- stop -----------------------------------------------------------------------------------------


def test_a_stop_ends_the_run_in_order_and_a_restore_goes_on(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=9, observers=[At(2, lambda: run.stop("enough for today"))])
    run.run()
    assert run.state.ended is not None
    assert (run.state.ended.reason, run.state.ended.text) == ("asked", "asked to stop: enough for today")
    assert len(run.state.trials) in (3, 4)
    assert events(run, Stopping)[0].reason == "enough for today"
    whole = prepared(tmp_path, count=9).run()
    assert story(restored(run).run().state) == story(whole.state)


def test_the_same_run_object_goes_on_too(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=5, observers=[At(1, lambda: run.stop())])
    run.run()
    assert len(run.state.trials) < 5
    run.run()
    assert len(run.state.trials) == 5
    assert run.state.stopping is None


@pytest.mark.parametrize("held", [True, False])
def test_there_is_nothing_to_stop_where_nothing_runs(tmp_path: Path, held: bool) -> None:
    run = prepared(tmp_path, count=2)
    if not held:
        run.close()
    with pytest.raises(RunlibError, match="it is not running: there is nothing to stop"):
        run.stop("now")
    run.run()
    assert len(run.state.trials) == 2
    assert events(run, Stopping) == []


def test_a_stop_of_no_run_says_so() -> None:
    with pytest.raises(RunlibError, match="this stop_max belongs to no run"):
        StopMax(3)("now")


def test_two_runs_with_one_stop_are_stopped_one_by_one(tmp_path: Path) -> None:
    stop = StopMax(4)
    other = Run(SpySearch(), quadratic, stop, pool=DirectPool()).prepare(tmp_path)
    act = At(1, lambda: run.stop("this one"))
    run = Run(SpySearch(), quadratic, stop, pool=DirectPool(), observers=[act]).prepare(tmp_path)
    run.run()
    other.run()
    assert run.state.ended is not None
    assert run.state.ended.reason == "asked"
    assert len(other.state.trials) == 4


# -- who may --------------------------------------------------------------------------------------


def test_a_checked_out_run_is_not_edited(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=2).run()
    before = (run.work_directory / "tape.son").read_bytes()
    looked = Run.checkout(run.work_directory)
    for edit in (lambda: looked.void(0), lambda: looked.enqueue({}), lambda: looked.stop("x")):
        with pytest.raises(ReadOnlyRun, match=r"edit needs Inbox\('.*'\), or Run.restore"):
            edit()
    assert (run.work_directory / "tape.son").read_bytes() == before


def test_a_run_without_a_folder_says_so() -> None:
    run = Run(SpySearch(), quadratic, StopMax(2), pool=DirectPool())
    with pytest.raises(RunlibError, match=r"no folder yet; call prepare\(\)"):
        run.enqueue({"x": 1})


def test_a_done_run_that_gets_room_by_a_command_opens_its_pool(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=3).run()
    again = restored(run)
    InboxFolder(run.work_directory).put(Void(1, "left while it was held"))
    again.run()
    assert set(again.state.trials) == {0, 2, 3}
    assert again.state.voided == {1: "left while it was held"}


def test_many_voids_cost_no_more_than_their_trials(tmp_path: Path) -> None:
    state = State()
    n, count = 0, 3000
    for tid in range(count):
        for event in (Suggest(tid, {"x": tid}), Submit(tid, {"ok": {"loss": float(tid)}})):
            n += 1
            state.apply(Record(n, 0.0, event))
    began = time.process_time()
    for tid in range(20):
        n += 1
        state.apply(Record(n, 0.0, Void(tid)))
    assert time.process_time() - began < 2.0
    assert state.top[0] == (20, 20.0)


# -- by hand --------------------------------------------------------------------------------------


def test_a_run_driven_by_hand_is_edited_at_once(tmp_path: Path) -> None:
    with Run(SpySearch(), None, StopMax(5)).prepare(tmp_path) as run:
        tid, suggestion = run.suggest()
        run.enqueue({"x": 0.5})
        run.void(tid, "gave up")
        assert run.state.voided == {tid: "gave up"}
        with pytest.raises(RunlibError, match="trial 0 is void: gave up"):
            run.submit(tid, loss=quadratic(**suggestion))
        tid, suggestion = run.suggest()
        assert suggestion == {"x": 0.5}
        run.submit(tid, loss=1.0)
        with pytest.raises(RunlibError, match="there is no trial 9"):
            run.void(9)
        InboxFolder(run.work_directory).put(Note("from outside"))
        run.suggest()
        assert [note.text for note in run.state.notes.values()] == ["from outside"]
        run.stop("enough")
        with pytest.raises(RunlibError, match="asked to stop: enough"):
            run.suggest()
    assert Run.checkout(run.work_directory).state.voided == {0: "gave up"}
    with Run.restore(run.work_directory) as again:
        assert list(again.state.trials) == [1]
