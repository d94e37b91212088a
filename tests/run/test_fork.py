"""A fork begins with the history of its origin, whatever that is doing, and goes its own way from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from runlib import ConfigError, FolderError, FolderExists, Hyperopt, NotARun, Run, StopMax, TapeCorrupt, TapeError
from runlib.audit.repair import repair
from runlib.audit.verify import verify
from runlib.cli.main import app
from runlib.state.state import State
from runlib.tape.events import Suggest
from runlib.tape.reader import TapeReader
from tests.fakes import DirectPool, SpySearch, quadratic, story
from tests.run.test_edit import Adopting, events, prepared, restored

SPACE = {"x": ["hp_uniform", "x", 0, 1]}


def fork(run: Run | Path, tmp_path: Path, at: int | None = None, **more: Any) -> Run:
    folder = run.work_directory if isinstance(run, Run) else run
    more = {"directory": tmp_path / "forks", "evaluator": quadratic, "pool": DirectPool(), **more}
    return Run.fork(folder, at, **more)


def origin(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = TapeReader(run.work_directory / "tape.son").metadata["origin"]
    return found


def known(state: State) -> list[Any]:
    return [dict(state.trials), dict(state.evals), state.live_trials, state.best, state.top, state.voided, state.queue]


def is_whole(run: Run) -> bool:
    report = verify(run.work_directory, replay=True)
    assert report.findings == () or all(found.level == "note" for found in report.findings), report.findings
    return report.verdict == "intact"


@pytest.mark.parametrize("search", [SpySearch, lambda: Hyperopt(SPACE, n_startup_jobs=3), Adopting])
@pytest.mark.parametrize("at", [0, 1, 2, 5, 8, None])
def test_with_the_same_search_it_goes_on_as_its_origin_would_have(tmp_path: Path, search: Any, at: int | None) -> None:
    run = prepared(tmp_path, search(), 5).run()
    before = {path: path.read_bytes() for path in run.work_directory.iterdir()}
    forked = fork(run, tmp_path, at, stop=StopMax(9))
    n = run.state.n if at is None else at
    assert origin(forked)["at"] == n
    assert known(Run.checkout(forked.work_directory, at=n).state) == known(Run.checkout(run.work_directory, at=n).state)
    forked.run()
    assert {path: path.read_bytes() for path in run.work_directory.iterdir()} == before
    assert is_whole(forked)
    assert story(forked.state) == story(restored(run, 9).run().state)


def test_it_says_where_it_comes_from(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=4).run()
    reader = TapeReader(run.work_directory / "tape.son")
    records = iter(reader)
    for _ in range(6):
        next(records)
    forked = fork(run, tmp_path, 6, name="green_owl")
    said = origin(forked)
    assert said["folder"] == str(run.work_directory)
    assert said["id"] == reader.metadata["id"] != forked.state.tape.metadata["id"]
    assert (said["at"], said["h"], said["adopted"]) == (6, reader.position.h.decode(), 0)
    assert forked.work_directory.name == "run_green_owl"
    assert forked.name == "green_owl"
    assert forked.state.tape.metadata["run"]["name"] == "green_owl"
    forked.close()


@pytest.mark.parametrize("other", [SpySearch, Adopting, lambda seed: Hyperopt(SPACE, seed=seed, n_startup_jobs=3)])
def test_another_search_adopts_what_was_tried(tmp_path: Path, other: Any) -> None:
    run = prepared(tmp_path, count=4).run()
    old = [event.suggestion for event in events(run, Suggest)]
    forked = fork(run, tmp_path, search=other(seed=77), stop=StopMax(8))
    assert origin(forked)["adopted"] == run.state.n
    forked.run()
    made = events(forked, Suggest)
    assert [event.suggestion for event in made[:5]] == old
    assert [event.tid for event in made] == list(range(len(made)))
    assert len(forked.state.trials) == 8
    if isinstance(forked.search, Adopting):
        assert forked.search.adopted == old
        assert [tid for tid, _ in forked.search.heard] == list(range(8))
    assert is_whole(forked)
    half = fork(run, tmp_path, search=other(seed=77), stop=StopMax(6)).run()
    assert story(restored(half, 8, verify=True).run().state) == story(forked.state)


def test_the_same_search_given_again_is_no_other(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=4).run()
    forked = fork(run, tmp_path, search=SpySearch(), stop=StopMax(6))
    assert origin(forked)["adopted"] == 0
    assert story(forked.run().state) == story(restored(run, 6).run().state)


def test_a_fork_of_a_fork(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=4).run()
    first = fork(run, tmp_path, 7, search=SpySearch(seed=9), stop=StopMax(6)).run()
    second = fork(first, tmp_path, stop=StopMax(8))
    assert origin(second)["adopted"] == 7
    assert origin(second)["origin"] == origin(first)
    second.run()
    assert is_whole(second)
    assert story(second.state) == story(restored(first, 8).run().state)
    early = fork(first, tmp_path, 3, stop=StopMax(3))
    assert (origin(early)["at"], origin(early)["adopted"]) == (3, 3)
    assert is_whole(early.run())


def test_of_a_run_whose_settings_were_changed(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=3).run()
    n = run.state.n
    restored(run, 5, retries={"KeyError": 2}, trial_timeout=9.0).run()
    assert fork(run, tmp_path, n).stop.count == 3  # type: ignore[attr-defined]
    forked = fork(run, tmp_path)
    assert (forked.stop.count, forked.retries, forked.trial_timeout) == (5, {"KeyError": 2}, 9.0)  # type: ignore[attr-defined]
    forked.close()
    given = fork(run, tmp_path, stop=StopMax(7)).run()
    assert len(given.state.trials) == 7
    again = restored(given)
    assert again.stop.count == 7  # type: ignore[attr-defined]  # not that of a session of the origin
    again.close()
    changed = restored(given, 8).run()
    assert len(changed.state.trials) == 8
    assert Run.checkout(given.work_directory).stop.count == 8  # type: ignore[attr-defined]
    assert fork(given, tmp_path).stop.count == 8  # type: ignore[attr-defined]


def test_edits_of_the_origin_come_along(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=4).run()
    run.void(2, "no good")
    run.enqueue({"x": 0.25})
    run.annotate(1, "so")
    forked = fork(run, tmp_path, stop=StopMax(7))
    assert forked.state.voided == {2: "no good"}
    assert list(forked.state.queue.values()) == [{"x": 0.25}]
    forked.run()
    assert {"x": 0.25} in [entry[1]["suggestion"] for entry in forked.state.trials.values()]
    assert is_whole(forked)
    assert story(forked.state) == story(restored(run, 7).run().state)


def large(x: float) -> dict[str, Any]:
    return {"loss": x, "curve": [x] * 20_000}


def test_large_results_come_along(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=3, evaluator=large).run()
    forked = fork(run, tmp_path, evaluator=large)
    assert forked.full_result(1) == run.full_result(1)
    assert sorted(path.name for path in (forked.work_directory / "trials").iterdir()) == ["0", "1", "2"]
    forked.close()
    early = fork(run, tmp_path, 3, evaluator=large)
    assert [path.name for path in (early.work_directory / "trials").iterdir()] == ["0"]
    early.close()
    (run.work_directory / "trials/1/result.json").unlink()
    names = sorted(path.name for path in (tmp_path / "forks").iterdir())
    with pytest.raises(TapeCorrupt, match="is no file of this run"):
        fork(run, tmp_path, evaluator=large)
    assert sorted(path.name for path in (tmp_path / "forks").iterdir()) == names


def test_of_a_run_that_goes_on(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=6)
    run.close()
    with restored(run, 6) as running:
        forked = fork(run, tmp_path, stop=StopMax(3)).run()
        running.run()
        assert len(forked.state.trials) == 3
    assert story(forked.state) == story(running.state)[: len(story(forked.state))]


def test_of_a_run_that_was_cut_off_in_the_middle_of_a_record(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=4).run()
    tape = run.work_directory / "tape.son"
    whole = tape.read_bytes()
    end = whole.index(b"\n---\n", whole.index(b'{"submit"', len(whole) // 2))
    n = whole[:end].count(b"\n---\n") + 1
    for behind, kept in ((b"", n), (b"\n--", n), (b"\n---\n", n), (b"\x00\x00\x00", n)):
        tape.write_bytes(whole[:end] + behind)
        forked = fork(run, tmp_path)
        assert (origin(forked)["at"], forked.state.n) == (kept, kept + 1)
        assert is_whole(forked.run())
    tape.write_bytes(whole[: end - 30])
    assert origin(fork(run, tmp_path))["at"] == n - 1


def test_before_the_damage_a_damaged_run_can_be_forked(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=5).run()
    tape = run.work_directory / "tape.son"
    data = tape.read_bytes()
    place = data.index(b'{"submit"', len(data) // 2)
    bad = data[:place].count(b"\n---\n") + 1
    tape.write_bytes(data[: place + 12] + b"#" + data[place + 13 :])
    for at in (None, bad):
        with pytest.raises(TapeCorrupt):
            fork(run, tmp_path, at)
    assert not (tmp_path / "forks").exists()
    forked = fork(run, tmp_path, bad - 1).run()
    assert is_whole(forked)
    assert story(forked.state) == story(prepared(tmp_path, count=5).run().state)


def test_what_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    class Fragile(Adopting):
        kind = "search_fragile"

        def __init__(self, space: Any = None, seed: int = 123, context: Any = None) -> None:
            super().__init__(space, seed, context=context)

        def adopt(self, suggestion: Any) -> int:
            raise ConfigError("cannot live with what was tried")

    def local(x: float) -> dict[str, Any]:
        return large(x)

    run = prepared(tmp_path, count=3, evaluator=local).run()
    for more in ({"evaluator": None}, {"evaluator": quadratic}, {"evaluator": local, "search": Fragile()}):
        with pytest.raises(ConfigError):
            fork(run, tmp_path, **more)
    assert list((tmp_path / "forks").iterdir()) == []


def test_wrong_places(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=3).run()
    fork(run, tmp_path, name="taken").close()
    with pytest.raises(FolderExists, match="run_taken exists"):
        fork(run, tmp_path, name="taken")
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderError, match="cannot hold a run"):
        fork(run, tmp_path, directory=tmp_path / "file")
    with pytest.raises(TapeError, match="there is no record 999"):
        fork(run, tmp_path, 999)
    with pytest.raises(ConfigError, match=r"^at: takes the number of a record"):
        fork(run, tmp_path, -1)
    with pytest.raises(ConfigError, match="is not a plain name"):
        fork(run, tmp_path, name="a/b")
    with pytest.raises(NotARun):
        fork(tmp_path, tmp_path)
    with pytest.raises(ConfigError, match=r"^stop\.stop_max"):
        fork(run, tmp_path, stop={"stop_max": {"count": -3}})
    with pytest.raises(ConfigError, match=r"^search: no component of kind 'search_nothing'"):
        fork(run, tmp_path, search={"search_nothing": {}})
    assert [path.name for path in (tmp_path / "forks").iterdir()] == ["run_taken"]


def test_in_the_order_of_suggestions(tmp_path: Path) -> None:
    more: dict[str, Any] = {"order": "suggested", "context": {"max_workers": 3}}
    run = prepared(tmp_path, count=8, **more).run()
    forked = fork(run, tmp_path, 13, stop=StopMax(12)).run()
    assert is_whole(forked)
    assert forked.order == "suggested"
    whole = restored(run, 12).run()
    assert [event.suggestion for event in events(forked, Suggest)] == [e.suggestion for e in events(whole, Suggest)]
    other = fork(run, tmp_path, 13, search=SpySearch(seed=5), stop=StopMax(12)).run()
    assert is_whole(other)
    assert len(other.state.trials) == 12


def test_attempts_that_failed_in_the_origin_count(tmp_path: Path) -> None:
    plan: list[Any] = [ValueError("one"), KeyError("ends it"), ValueError("two"), 1.0, 1.0]

    def evaluator(x: float) -> float:
        result = plan.pop(0)
        if isinstance(result, Exception):
            raise result
        return float(result)

    more: dict[str, Any] = {"retries": {"ValueError": 1}, "caught_exceptions": ["ValueError"]}
    run = prepared(tmp_path, count=2, evaluator=evaluator, **more)
    with pytest.raises(Exception, match="KeyError"):
        run.run()
    forked = fork(run, tmp_path, evaluator=evaluator)
    assert forked.state.attempts == {0: ["ValueError"]}
    forked.run()
    assert forked.state.trials[0][1]["error_text"] == "two"


@pytest.mark.parametrize("victim", ["suggest", "submit"])
def test_a_repair_keeps_how_far_the_history_is_that_of_another(tmp_path: Path, victim: str) -> None:
    run = prepared(tmp_path, count=4).run()
    forked = fork(run, tmp_path, 9, search=SpySearch(seed=9), stop=StopMax(7)).run()
    tape = forked.work_directory / "tape.son"
    data = tape.read_bytes()
    start = data.index(b'{"%s":{"tid":1' % victim.encode())
    end = data.index(b"\n---\n", start)
    tape.write_bytes(data[: start + 3] + b"#" * (end - start - 29) + data[end - 26 :])
    report = repair(forked.work_directory, tmp_path / "run_mended")
    assert report.lost_trials == ((1,) if victim == "suggest" else ())
    mended = tmp_path / "run_mended"
    said = TapeReader(mended / "tape.son").metadata["origin"]
    lost = 2 if victim == "suggest" else 1
    assert (said["at"], said["adopted"]) == (9 - lost, report.kept)  # the later suggestions knew what is lost
    again = Run.restore(mended, evaluator=quadratic, pool=DirectPool(), new_stop=StopMax(9)).run()
    assert len(again.state.trials) == 9


def test_the_command(tmp_path: Path) -> None:
    run = prepared(tmp_path, count=4).run()
    words = ["fork", str(run.work_directory), "--at", "5", "--directory", str(tmp_path / "forks"), "--name", "grey_cat"]
    done = CliRunner().invoke(app, [*words, "--stop", "{stop_max: {count: 6}}"])
    folder = tmp_path / "forks/run_grey_cat"
    assert (done.exit_code, done.stdout) == (0, f"{folder}\n")
    assert f"runlib restore {folder}" in done.stderr
    assert Run.checkout(folder).stop.count == 6  # type: ignore[attr-defined]
    again = Run.restore(folder, evaluator=quadratic, pool=DirectPool()).run()
    assert story(again.state) == story(restored(run, 6).run().state)
