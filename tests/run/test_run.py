"""A run from its making to its end, with evaluations in this process."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import pytest

from runlib import ConfigError, EvaluationError, PoolError, ReadOnlyRun, Run, RunLocked, StopLoss, StopMax, from_config
from runlib.engine.data.canonical import dump
from runlib.errors import FolderExists, NotARun, ReplayMismatch, RunlibError, SearchError
from runlib.evaluator.functions.function import FunctionEvaluator
from runlib.observe.base import Observer
from runlib.pool.base import Finished, Lost
from tests.fakes import DirectPool, SpySearch, quadratic, story


def make(tmp_path: Path, *, search: Any = None, evaluator: Any = quadratic, stop: Any = None, **more: Any) -> Run:
    more.setdefault("pool", DirectPool())
    run = Run(search or SpySearch(), evaluator, stop or StopMax(20), **more)
    return run.prepare(tmp_path)


def losses_of(search: Any) -> list[Any]:
    return [loss for _, loss in search.heard]


class TestWholeRun:
    def test_ends_with_exactly_the_trials_that_the_stop_allows(self, tmp_path: Path) -> None:
        run = make(tmp_path).run()
        assert len(run.state.trials) == 20
        assert run.state.ended is not None
        assert run.state.ended.reason == "stop"

    def test_the_search_hears_exactly_what_the_evaluator_returned(self, tmp_path: Path) -> None:
        returned = []

        def evaluator(x: float) -> float:
            if len(returned) % 5 == 4:
                returned.append(None)
                raise TimeoutError("slow")
            returned.append(quadratic(x))
            return returned[-1]

        search = SpySearch()
        make(tmp_path, search=search, evaluator=evaluator).run()
        assert losses_of(search) == returned
        assert [tid for tid, _ in search.heard] == list(range(20))

    def test_best_and_tables(self, tmp_path: Path) -> None:
        run = make(tmp_path).run()
        best = min(range(20), key=lambda tid: run.state.trials.get_outcome(tid)["loss"])
        assert run.best is not None
        assert run.best.tid == best
        assert run.best.suggestion == run.state.trials.get_outcome(best)["suggestion"]
        assert run.state.evals.top_suggestions(3)[0] == run.best.suggestion
        assert run.state.trials[best][0] == "ok"

    def test_files_at_the_end(self, tmp_path: Path) -> None:
        run = make(tmp_path).run()
        names = {path.name for path in run.work_directory.iterdir()}
        assert {"tape.son", "status.txt", "log.log", "suggestion-0.yml", "suggestion-4.yml"} <= names
        status = (run.work_directory / "status.txt").read_text()
        assert "Counted trials: 20/20." in status
        assert "suggestion-0.yml to suggestion-4.yml" in status

    def test_fewer_than_five_successes_write_fewer_suggestions(self, tmp_path: Path) -> None:
        run = make(tmp_path, stop=StopMax(2)).run()
        found = sorted(path.name for path in run.work_directory.glob("suggestion-*.yml"))
        assert found == ["suggestion-0.yml", "suggestion-1.yml"]

    def test_refined_suggestions_are_written_beside(self, tmp_path: Path) -> None:
        def evaluator(x: float) -> dict[str, Any]:
            return {"loss": quadratic(x), "refined_suggestion": {"x": 0.3}}

        run = make(tmp_path, evaluator=evaluator, stop=StopMax(3)).run()
        assert len(list(run.work_directory.glob("refined_suggestion-*.yml"))) == 3

    def test_calling_is_running(self, tmp_path: Path) -> None:
        assert len(make(tmp_path)().state.trials) == 20

    def test_two_slots_start_no_more_than_the_stop_allows(self, tmp_path: Path) -> None:
        pool = DirectPool(order=lambda waiting: waiting[::-1])
        run = make(tmp_path, pool=pool, context={"max_workers": 2}, stop=StopMax(7)).run()
        assert len(pool.started) == 7
        assert pool.most_at_once == 2
        assert len(run.state.trials) == 7

    def test_results_of_one_turn_are_handled_one_after_the_other(self, tmp_path: Path) -> None:
        pool = DirectPool(order=lambda waiting: list(waiting))
        run = make(tmp_path, pool=pool, context={"max_workers": 2}, stop=StopMax(6)).run()
        kinds = [event.kind for event in story(run.state)]
        assert kinds[:6] == ["suggest", "suggest", "submit", "suggest", "submit", "suggest"]

    def test_ahead_keeps_more_suggestions_live(self, tmp_path: Path) -> None:
        run = make(tmp_path, context={"ahead": 2}).run()
        assert len(run.state.live_trials) == 1 + 2

    def test_a_stop_by_loss_leaves_running_trials_live(self, tmp_path: Path) -> None:
        pool = DirectPool()
        run = make(tmp_path, pool=pool, context={"max_workers": 3}, stop=StopLoss(10.0)).run()
        assert len(run.state.trials) == 1
        assert pool.cancelled == [1, 2]
        assert list(run.state.live_trials)[:2] == [1, 2]

    def test_from_dicts_alone(self, tmp_path: Path) -> None:
        config = make(tmp_path).get_config()
        again = from_config(config)
        assert isinstance(again, Run)
        assert again.get_config() == config
        assert "pool" not in config["run"]


class TestErrors:
    def test_an_uncaught_exception_ends_the_run_and_its_trial_stays_live(self, tmp_path: Path) -> None:
        state = {"broken": True}

        def evaluator(x: float) -> float:
            if state["broken"] and len(seen) == 3:
                raise KeyError("gone")
            seen.append(x)
            return quadratic(x)

        seen: list[float] = []
        run = make(tmp_path, evaluator=evaluator)
        with pytest.raises(EvaluationError, match=r"trial 3 failed with KeyError.*caught_exceptions"):
            run.run()
        assert list(run.state.live_trials) == [3]
        state["broken"] = False
        restored = Run.restore(run.work_directory, evaluator=evaluator, pool=DirectPool()).run()
        assert len(restored.state.trials) == 20
        assert len(seen) == len(set(seen)) == 20

    def test_other_results_of_the_same_turn_are_kept(self, tmp_path: Path) -> None:
        def evaluator(x: float) -> float:
            calls.append(x)
            if len(calls) == 1:
                raise KeyError("gone")
            return x

        calls: list[float] = []
        pool = DirectPool(order=lambda waiting: list(waiting))
        run = make(tmp_path, evaluator=evaluator, pool=pool, context={"max_workers": 3})
        with pytest.raises(EvaluationError):
            run.run()
        assert list(run.state.trials) == [1, 2]

    @pytest.mark.parametrize("name", ["KeyError", "LookupError", "Exception"])
    def test_a_name_catches_every_class_below_it(self, tmp_path: Path, name: str) -> None:
        def evaluator(x: float) -> float:
            raise KeyError("gone")

        run = make(tmp_path, evaluator=evaluator, caught_exceptions=[name], stop=StopMax(3)).run()
        assert run.state.count_by_error == {"KeyError": 3}
        assert run.state.trials.get_outcome(0)["error_text"] == "'gone'"

    def test_an_invalid_result_is_an_error_of_its_trial(self, tmp_path: Path) -> None:
        run = make(tmp_path, evaluator=lambda x: float("nan"), stop=StopMax(2)).run()
        assert run.state.trials[0][1]["error"] == "InvalidResult"
        assert run.state.best is None

    def test_five_lost_workers_in_a_row_end_the_run(self, tmp_path: Path) -> None:
        pool = DirectPool(said=[Lost(0, "killed by SIGKILL")] * 5)
        run = make(tmp_path, pool=pool)
        with pytest.raises(PoolError, match=r"5 workers in a row were lost.*SIGKILL"):
            run.run()
        assert len(run.state.live_trials) == 1

    def test_results_that_came_with_the_fifth_lost_worker_are_kept(self, tmp_path: Path) -> None:
        pool = DirectPool(said=[*[Lost(0, "exit code 3")] * 5, Finished(0, {"ok": {"loss": 1.0}})])
        run = make(tmp_path, pool=pool)
        with pytest.raises(PoolError, match="5 workers in a row"):
            run.run()
        assert run.state.trials.losses == [1.0]
        assert Run.checkout(run.work_directory).state.trials.losses == [1.0]

    def test_a_result_between_lost_workers_starts_the_count_anew(self, tmp_path: Path) -> None:
        lost = {"error": {"error": "WorkerLost", "error_text": "exit code 3", "traceback": ""}}
        names = ("WorkerLost", "EvaluationError")
        pool = DirectPool(said=[Lost(0, "exit code 3")] * 4 + [Finished(0, {"ok": {"loss": 1.0}})])
        run = make(tmp_path, pool=pool)
        pool_said = [Lost(0, "exit code 3")] * 3 + [Finished(1, lost, names)]
        original = pool.collect

        def collect(timeout: float) -> list[Any]:
            if not pool.said and pool_said:
                said, pool_said[:] = list(pool_said), []
                return said
            return original(timeout)

        pool.collect = collect  # type: ignore[method-assign]
        run.run()
        assert run.state.count_by_error == {"WorkerLost": 1}

    def test_an_observer_that_raises_is_left_out(self, tmp_path: Path) -> None:
        class Broken(Observer):
            kind = "observe_broken"
            seen = 0

            def observe(self, event: Any, state: Any) -> None:
                Broken.seen += 1
                raise RuntimeError("no")

        run = make(tmp_path, observers=[Broken(), {"observe_log": {}}]).run()
        assert len(run.state.trials) == 20
        assert Broken.seen == 1
        assert "observe_broken failed" in (run.work_directory / "log.log").read_text()

    def test_a_search_that_is_asked_once_the_run_is_made_is_refused(self, tmp_path: Path) -> None:
        run = make(tmp_path, stop=StopMax(3))
        run.search.suggest()
        with pytest.raises(SearchError, match=r"made trial 1, where trial 0 is next"):
            run.run()
        assert len(run.state.trials) == 0

    def test_all_is_closed_though_the_pool_and_the_disk_fail_at_the_end(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Stubborn(DirectPool):
            kind = "pool_stubborn"

            def close(self, grace: float) -> None:
                super().close(grace)
                if len(self.closed_with) == 1:
                    raise KeyboardInterrupt

        def refuse(*_: Any) -> None:
            raise OSError("no space")

        monkeypatch.setattr("runlib.run.loop.session.write_best", refuse)
        pool = Stubborn()
        run = make(tmp_path, pool=pool)
        with pytest.raises(KeyboardInterrupt):
            run.run()
        assert pool.closed_with == [1.0, 0.0]
        assert "best suggestions could not be written: no space" in caplog.text
        assert not [h for h in logging.getLogger("runlib").handlers if type(h).__module__.startswith("runlib")]
        assert "Ended:" in (run.work_directory / "status.txt").read_text()


class TestReuse:
    def test_a_repeated_suggestion_is_evaluated_once(self, tmp_path: Path) -> None:
        calls: list[float] = []

        def evaluator(x: float) -> float:
            calls.append(x)
            return quadratic(x)

        run = make(tmp_path, search=SpySearch(points=3), evaluator=evaluator).run()
        assert len(run.state.trials) == 20
        assert sorted(calls) == [0, 1, 2]
        assert len(run.state.evals) == 3
        repeats = [event for event in story(run.state) if event.kind == "submit" and event.of is not None]
        assert len(repeats) == 17
        for event in repeats:
            assert run.state.trials[event.tid] == run.state.trials[event.of]

    def test_a_repeat_joins_the_one_that_is_running(self, tmp_path: Path) -> None:
        pool = DirectPool()
        run = make(tmp_path, search=SpySearch(points=1), pool=pool, context={"max_workers": 3}, stop=StopMax(3)).run()
        assert pool.started == [0]
        assert list(run.state.trials) == [0, 1, 2]

    def test_reuse_can_be_switched_off(self, tmp_path: Path) -> None:
        pool = DirectPool()
        make(tmp_path, search=SpySearch(points=1), pool=pool, reuse=False, stop=StopMax(4)).run()
        assert pool.started == [0, 1, 2, 3]

    def test_timeouts_are_not_reused(self, tmp_path: Path) -> None:
        def evaluator(x: float) -> float:
            raise TimeoutError

        pool = DirectPool()
        make(tmp_path, search=SpySearch(points=1), evaluator=evaluator, pool=pool, stop=StopMax(3)).run()
        assert pool.started == [0, 1, 2]

    def test_a_thousand_repeats_in_a_row_count_as_exhausted(self, tmp_path: Path) -> None:
        run = make(tmp_path, search=SpySearch(points=3), stop=StopMax(10**6)).run()
        assert run.state.ended is not None
        assert run.state.ended.reason == "exhausted"
        assert len(run.state.evals) == 3
        assert run.state.repeats == 1000

    def test_an_exhausted_search_ends_the_run_when_the_live_trials_are_done(self, tmp_path: Path) -> None:
        run = make(tmp_path, search=SpySearch(total=5), context={"max_workers": 2}).run()
        assert len(run.state.trials) == 5
        assert run.state.ended is not None
        assert "all 5 suggestions were made" in run.state.ended.text


class TestGoingOn:
    @pytest.mark.parametrize("workers", [1, 2])
    def test_stopped_at_20_and_extended_to_30_is_the_run_of_30(self, tmp_path: Path, workers: int) -> None:
        context = {"max_workers": workers}
        short = make(tmp_path, context=context).run()
        longer = Run.restore(
            short.work_directory, new_stop=StopMax(30), evaluator=quadratic, pool=DirectPool(), context=context
        )
        whole = make(tmp_path, context=context, stop=StopMax(30)).run()
        assert story(longer.run().state) == story(whole.state)

    def test_a_restore_asks_the_search_for_nothing_old(self, tmp_path: Path) -> None:
        run = make(tmp_path).run()
        restored = Run.restore(run.work_directory, evaluator=quadratic, pool=DirectPool())
        assert isinstance(restored.search, SpySearch)
        assert restored.search.asked == 0
        assert restored.search.heard == run.search.heard  # type: ignore[attr-defined]
        assert restored.state.trials == run.state.trials
        restored.close()

    def test_verify_notices_another_search(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        run = make(tmp_path).run()
        Run.restore(run.work_directory, evaluator=quadratic, pool=DirectPool(), verify=True).close()
        monkeypatch.setattr("tests.fakes.seed_for", lambda seed, k: 0 if k == 7 else k)
        with pytest.raises(ReplayMismatch, match=r"record \d+: asked again"):
            Run.restore(run.work_directory, evaluator=quadratic, pool=DirectPool(), verify=True)

    def test_the_new_stop_stays(self, tmp_path: Path) -> None:
        run = make(tmp_path).run()
        Run.restore(run.work_directory, new_stop={"stop_max": {"count": 25}}, evaluator=quadratic).close()
        assert Run.checkout(run.work_directory).get_config()["run"]["stop"]["stop_max"]["count"] == 25

    def test_timeout_and_caught_exceptions_can_change(self, tmp_path: Path) -> None:
        run = make(tmp_path).run()
        changes: dict[str, Any] = {"trial_timeout": 7.0, "caught_exceptions": ["Exception"]}
        Run.restore(run.work_directory, evaluator=quadratic, pool=DirectPool(), **changes).close()
        again = Run.restore(run.work_directory, evaluator=quadratic, pool=DirectPool())
        assert again.trial_timeout == 7.0
        assert again.caught_exceptions == ["Exception"]
        again.close()

    def test_a_run_may_be_run_again(self, tmp_path: Path) -> None:
        run = make(tmp_path)
        run.stop.count = 5  # type: ignore[attr-defined]
        run.run()
        run.stop.count = 20  # type: ignore[attr-defined]
        assert len(run.run().state.trials) == 20
        assert run.state.sessions == 2

    def test_what_another_writer_added_meanwhile_is_read(self, tmp_path: Path) -> None:
        run = make(tmp_path, stop=StopMax(5)).run()
        Run.restore(run.work_directory, new_stop=StopMax(9), evaluator=quadratic, pool=DirectPool()).run()
        run.stop.count = 12  # type: ignore[attr-defined]
        run.run()
        whole = make(tmp_path, stop=StopMax(12)).run()
        assert story(run.state) == story(whole.state)

    def test_another_evaluator_is_refused_with_the_difference(self, tmp_path: Path) -> None:
        run = make(tmp_path).run()
        with pytest.raises(ConfigError, match=r"evaluator: is another evaluator.*quadratic"):
            Run.restore(run.work_directory, evaluator=dump)

    def test_a_changed_body_is_warned_of(self, tmp_path: Path) -> None:
        def evaluator(x: float) -> float:
            return x

        run = make(tmp_path, evaluator=evaluator, stop=StopMax(2)).run()
        first = evaluator

        def evaluator(x: float) -> float:  # type: ignore[no-redef]
            return x + 1

        assert evaluator is not first
        with pytest.warns(RuntimeWarning, match="code or data of the evaluator"):
            Run.restore(run.work_directory, evaluator=evaluator, pool=DirectPool()).close()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            Run.restore(run.work_directory, evaluator=evaluator, pool=DirectPool()).close()


class TestFolder:
    def test_a_name_that_exists_is_refused(self, tmp_path: Path) -> None:
        make(tmp_path, name="one").close()
        with pytest.raises(FolderExists, match="run_one exists"):
            make(tmp_path, name="one")

    @pytest.mark.parametrize("name", ["a/b", "", "..", "a b", ".hidden", "x" * 300, 7])
    def test_a_name_that_is_not_plain_is_refused(self, name: Any) -> None:
        with pytest.raises(ConfigError, match="name"):
            Run(SpySearch(), quadratic, StopMax(1), name=name)

    def test_two_runs_without_a_name_have_their_own(self, tmp_path: Path) -> None:
        first, second = make(tmp_path / "a" / "b"), make(tmp_path / "a" / "b")
        assert first.work_directory != second.work_directory
        assert first.work_directory.name.startswith("run_")
        first.close()
        second.close()

    def test_the_lock_is_held_until_the_run_is_closed(self, tmp_path: Path) -> None:
        run = make(tmp_path)
        with pytest.raises(RunLocked, match="is being written by this very process"):
            Run.restore(run.work_directory, evaluator=quadratic)
        with run:
            pass
        Run.restore(run.work_directory, evaluator=quadratic, pool=DirectPool()).close()

    def test_a_session_that_cannot_be_noted_holds_neither_tape_nor_lock(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = make(tmp_path, stop=StopMax(2)).run()
        with monkeypatch.context() as broken:
            broken.setattr("runlib.run.folder.opening.session_info", lambda extra: {"pid": object()})
            with pytest.raises(TypeError):
                run.run()
        assert run._access is not None
        assert run._access.opened is None
        Run.restore(run.work_directory, evaluator=quadratic, pool=DirectPool()).close()

    def test_a_failed_restore_lets_go_of_the_lock(self, tmp_path: Path) -> None:
        run = make(tmp_path).run()
        for _ in range(2):
            with pytest.raises(ConfigError):
                Run.restore(run.work_directory, evaluator=dump)
        Run.restore(run.work_directory, evaluator=quadratic, pool=DirectPool()).close()

    def test_preparing_twice_is_refused(self, tmp_path: Path) -> None:
        run = make(tmp_path)
        with pytest.raises(RunlibError, match="prepared already"):
            run.prepare(tmp_path)
        run.close()

    def test_running_without_a_folder_is_refused(self) -> None:
        with pytest.raises(RunlibError, match=r"call prepare\(\) first"):
            Run(SpySearch(), quadratic, StopMax(1)).run()


class TestCheckout:
    def test_reads_without_changing_anything(self, tmp_path: Path) -> None:
        run = make(tmp_path).run()
        before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in run.work_directory.rglob("*") if p.is_file()}
        folder_time = run.work_directory.stat().st_mtime_ns
        seen = Run.checkout(run.work_directory)
        assert seen.state.trials == run.state.trials
        assert seen.state.evals == run.state.evals
        assert seen.best == run.best
        assert "read-only" in repr(seen)
        after = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in run.work_directory.rglob("*") if p.is_file()}
        assert after == before
        assert run.work_directory.stat().st_mtime_ns == folder_time

    def test_cannot_be_run(self, tmp_path: Path) -> None:
        folder = make(tmp_path).run().work_directory
        with pytest.raises(ReadOnlyRun, match=r"Run\.restore"):
            Run.checkout(folder).run()
        with pytest.raises(ReadOnlyRun):
            Run.checkout(folder).prepare()

    def test_works_while_another_writes_and_without_the_components(self, tmp_path: Path, own_registry: None) -> None:
        run = make(tmp_path, stop=StopMax(20))
        run.stop.count = 5  # type: ignore[attr-defined]
        run.run()
        run = Run.restore(run.work_directory, evaluator=quadratic, pool=DirectPool())
        from runlib.engine import registry

        del registry._classes["search_spy"]
        seen = Run.checkout(run.work_directory)
        assert len(seen.state.trials) == 5
        assert seen.get_config()["run"]["search"] == {
            "search_spy": {"space": None, "seed": 123, "points": None, "total": None}
        }
        assert seen.stop.short_report(seen.state) == "Counted trials: 5/20."
        run.close()

    def test_a_folder_that_is_no_run(self, tmp_path: Path) -> None:
        for folder in (tmp_path, tmp_path / "nowhere"):
            with pytest.raises(NotARun, match="is no run"):
                Run.checkout(folder)
            with pytest.raises(NotARun, match="is no run"):
                Run.restore(folder)


class TestLargeResults:
    def test_lie_in_a_file_of_their_own_and_are_kept_whole(self, tmp_path: Path) -> None:
        text = "long " * 30_000
        run = make(tmp_path, evaluator=lambda x: {"loss": x, "cost": 2.0, "text": text}, stop=StopMax(2)).run()
        assert (run.work_directory / "tape.son").stat().st_size < 10_000
        seen = Run.checkout(run.work_directory)
        outcome = seen.state.trials.get_outcome(0)
        assert outcome["cost"] == 2.0
        assert outcome["file"]["name"] == "trials/0/result.json"
        assert seen.full_result(0)["ok"]["text"] == text
        assert seen.full_result(0)["ok"]["loss"] == outcome["loss"]

    def test_a_key_named_file_of_the_evaluator_is_data_like_any_other(self, tmp_path: Path) -> None:
        search = SpySearch(points=1)
        run = make(tmp_path, search=search, evaluator=lambda x: {"loss": x, "file": "model.bin"}, stop=StopMax(2)).run()
        assert run.full_result(1) == {"ok": {"loss": 0.0, "file": "model.bin", "duration": 0.25}}
        again = [event.result for event in story(run.state) if event.kind == "submit"]
        assert again[0] == again[1]

    def test_a_repeat_of_a_large_result_names_its_file(self, tmp_path: Path) -> None:
        search = SpySearch(points=1)
        run = make(tmp_path, search=search, evaluator=lambda x: {"loss": x, "text": "a" * 10**5}, stop=StopMax(2)).run()
        assert run.full_result(1) == run.full_result(0)
        assert len(list((run.work_directory / "trials").iterdir())) == 1


class TestWrongArguments:
    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"trial_timeout": 0}, "trial_timeout: takes seconds above 0"),
            ({"trial_timeout": "3"}, "trial_timeout"),
            ({"caught_exceptions": "OSError, KeyError"}, "caught_exceptions: takes a list"),
            ({"reuse": 1}, "reuse: takes true or false"),
            ({"context": {"sync": "often"}}, "context.sync"),
            ({"context": {"max_workers": 0}}, "context.max_workers"),
            ({"context": {"ahead": -1}}, "context.ahead"),
            ({"context": {"shutdown_duration": -1}}, "context.shutdown_duration"),
            ({"pool": {"pool_nothing": {}}}, "pool: no component of kind 'pool_nothing'"),
            ({"observers": {"observe_log": {}}}, "observers: takes a list"),
            ({"observers": [{"observe_lag": {}}]}, r"observers\.0: .*'observe_log'"),
        ],
    )
    def test_are_refused_with_their_place(self, more: dict[str, Any], message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            Run(SpySearch(), quadratic, StopMax(1), **more)

    def test_components_name_their_place(self) -> None:
        with pytest.raises(ConfigError, match=r"^search: no component of kind 'search_spi'.*'search_spy'"):
            Run({"search_spi": {}}, quadratic, StopMax(1))
        with pytest.raises(ConfigError, match=r"^stop.stop_max.count"):
            Run(SpySearch(), quadratic, {"stop_max": {"count": -1}})
        with pytest.raises(ConfigError, match=r"^evaluator"):
            Run(SpySearch(), 7, StopMax(1))  # type: ignore[arg-type]

    def test_a_class_where_an_object_is_meant_is_refused(self) -> None:
        with pytest.raises(ConfigError, match=r"^evaluator: takes an object, got the class FunctionEvaluator"):
            Run(SpySearch(), FunctionEvaluator, StopMax(1))
        with pytest.raises(ConfigError, match=r"^stop: takes an object, got the class StopMax; write StopM"):
            Run(SpySearch(), quadratic, StopMax)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match=r"^evaluator: got what is meant as the stop, StopMax"):
            Run(SpySearch(), StopMax(1), StopMax(1))  # type: ignore[arg-type]

    def test_a_misspelt_key_of_the_context_is_said(self, caplog: pytest.LogCaptureFixture) -> None:
        Run(SpySearch(), quadratic, StopMax(1), context={"max_worker": 1, "observe_status": {"interval": 1.0}})
        assert [record.getMessage() for record in caplog.records] == [
            "context.max_worker: nothing here is known to take it; did you mean 'max_workers'?"
        ]

    def test_a_duration_must_be_positive(self, tmp_path: Path) -> None:
        run = make(tmp_path)
        with pytest.raises(ConfigError, match="duration: takes minutes above 0"):
            run.run(duration=0)
        run.close()
