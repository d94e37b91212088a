"""prepare(resume=True): the run of that name is made, or gone on with if it is the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runlib import ConfigError, FixedSearch, ReadOnlyRun, Run, RunLocked, StopMax
from runlib.errors import FolderExists, NotARun, RunlibError
from tests.fakes import DirectPool, SpySearch, quadratic, story
from tests.run.terminal import environment


def make(**more: Any) -> Run:
    given = {"search": SpySearch(), "evaluator": quadratic, "stop": StopMax(4), "name": "demo", "pool": DirectPool()}
    return Run(**{**given, **more})


def test_it_is_made_and_then_gone_on_with(tmp_path: Path) -> None:
    first = make().prepare(tmp_path, resume=True).run()
    again = make(stop=StopMax(9)).prepare(tmp_path, resume=True).run()
    whole = make(stop=StopMax(9)).prepare(tmp_path / "whole").run()
    assert again.work_directory == first.work_directory
    assert story(again.state) == story(whole.state)
    assert again.state.sessions == 2


def test_a_third_time_there_is_nothing_to_do(tmp_path: Path) -> None:
    for _ in range(3):
        run = make().prepare(tmp_path, resume=True).run()
    assert len(run.state.trials) == 4
    assert run.ended_before == "stop"


def test_what_was_cut_off_starts_first(tmp_path: Path) -> None:
    def failing(x: float) -> float:
        if not failed:
            failed.append(x)
            raise KeyError("gone")
        return quadratic(x)

    failed: list[float] = []
    with pytest.raises(RunlibError):
        make(evaluator=failing).prepare(tmp_path, resume=True).run()
    pool = DirectPool()
    assert len(make(evaluator=failing, pool=pool).prepare(tmp_path, resume=True).run().state.trials) == 4
    assert pool.started[0] == 0


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"search": SpySearch(seed=7)}, r"at search\.search_spy\.seed the tape has 123, given was 7"),
        ({"search": FixedSearch([{"x": 1.0}])}, r"at search\.search_spy the tape has .*given was '\(nothing\)'"),
        ({"evaluator": str}, r"evaluator: is another evaluator .*quadratic.* given was 'builtins:str'"),
        ({"evaluator": None}, r"at evaluator the tape has .*quadratic.*given was None"),
        ({"objective": "accuracy"}, "at objective the tape has 'loss', given was 'accuracy'"),
        ({"direction": "max"}, "at direction the tape has 'min', given was 'max'"),
        ({"order": "suggested"}, "at order the tape has 'completed', given was 'suggested'"),
        ({"reuse": False}, "at reuse the tape has True, given was False"),
    ],
)
def test_another_run_is_refused_with_the_difference(tmp_path: Path, other: dict[str, Any], says: str) -> None:
    run = make().prepare(tmp_path).run()
    before = (run.work_directory / "tape.son").read_bytes()
    with pytest.raises(ConfigError, match=says):
        make(**other).prepare(tmp_path, resume=True)
    assert (run.work_directory / "tape.son").read_bytes() == before
    make().prepare(tmp_path, resume=True).close()  # nobody holds it


def test_what_may_differ_is_noted(tmp_path: Path) -> None:
    make().prepare(tmp_path).run()
    changed = {"trial_timeout": 5, "retries": {"KeyError": 2}, "caught_exceptions": ["KeyError"], "stop": StopMax(6)}
    run = make(**changed, context={"max_workers": 2, "sync": "never"}, description="again").prepare(
        tmp_path, resume=True
    )
    run.close()
    seen = Run.checkout(run.work_directory)
    noted = seen.state.last_session["changed"]
    assert {name: noted[name] for name in ("trial_timeout", "retries", "caught_exceptions")} == {
        "trial_timeout": 5.0,
        "retries": {"KeyError": 2},
        "caught_exceptions": ["KeyError"],
    }
    assert noted["stop"]["stop_max"]["count"] == 6
    assert seen.state.last_session["slots"] == 2
    assert seen.state.last_session["context"]["sync"] == "never"
    assert seen.trial_timeout == 5.0
    make(**changed).prepare(tmp_path, resume=True).close()
    assert "changed" not in Run.checkout(run.work_directory).state.last_session


def test_what_is_not_given_is_as_it_was(tmp_path: Path) -> None:
    settings = {"context": {"max_workers": 3, "ahead": 1}, "pool": "pool_serial", "observers": ["observe_log"]}
    make(**settings).prepare(tmp_path).close()
    make(pool=None).prepare(tmp_path, resume=True).close()
    session = Run.checkout(tmp_path / "run_demo").state.last_session
    assert session["context"]["max_workers"] == 3
    assert session["context"]["ahead"] == 1
    assert session["pool"] == {"pool_serial": {}}
    assert session["observers"] == [{"observe_log": {}}]


def test_a_run_without_a_name_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^name: resume=True finds a run by its name: give it one") as caught:
        make(name=None).prepare(tmp_path / "new", resume=True)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_a_name_that_is_taken_says_what_to_do(tmp_path: Path) -> None:
    make().prepare(tmp_path).close()
    with pytest.raises(FolderExists, match=r"run_demo exists; .*go on with that run: prepare\(resume=True\)"):
        make().prepare(tmp_path)
    with pytest.raises(FolderExists, match=r"run_demo exists; choose another name$"):
        Run.fork(tmp_path / "run_demo", directory=tmp_path, name="demo")


def test_what_is_no_run_or_only_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run_demo").mkdir()
    with pytest.raises(NotARun, match=r"no tape\.son in it"):
        make().prepare(tmp_path, resume=True)
    run = make(name="other").prepare(tmp_path, resume=True).run()
    with pytest.raises(RunlibError, match="prepared already"):
        run.prepare(tmp_path, resume=True)
    with pytest.raises(ReadOnlyRun):
        Run.checkout(run.work_directory).prepare(tmp_path, resume=True)


def test_the_second_of_two_is_told_who_holds_it(tmp_path: Path) -> None:
    first = make().prepare(tmp_path, resume=True)
    with pytest.raises(RunLocked, match=r"run_demo is being written by this very process since"):
        make().prepare(tmp_path, resume=True)
    first.run()


def test_one_that_lost_the_race_for_the_folder_goes_on_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make()
    monkeypatch.setattr(
        "runlib.run.folder.beginning.existing", lambda directory, name: None
    )  # as it was a moment before
    make().prepare(tmp_path).run()
    assert len(run.prepare(tmp_path, resume=True).state.trials) == 4
    run.close()


def test_a_run_by_hand_is_gone_on_with(tmp_path: Path) -> None:
    def by_hand() -> Run:
        return Run(SpySearch(), None, StopMax(3), name="hand").prepare(tmp_path, resume=True)

    with by_hand() as run:
        tid, suggestion = run.suggest()
    with by_hand() as run:
        assert run.suggest() == (tid, suggestion)
        run.submit(tid, loss=1.0)
    assert len(Run.checkout(run.work_directory).state.trials) == 1


def test_a_moved_function_is_the_same(tmp_path: Path) -> None:
    make(evaluator=quadratic).prepare(tmp_path).run()
    namespace: dict[str, Any] = {"__name__": "elsewhere"}
    exec("def quadratic(x):\n    return (x - 0.3) ** 2\n", namespace)
    with pytest.warns(RuntimeWarning, match="code or data of the evaluator"):  # its source cannot be read
        run = make(evaluator=namespace["quadratic"], stop=StopMax(6)).prepare(tmp_path, resume=True).run()
    assert len(run.state.trials) == 6
    assert run.get_config()["run"]["evaluator"] == {"eval_function": {"function": "tests.fakes:quadratic"}}


SCRIPT = """
import sys
from runlib import FixedSearch, Run, StopMax

def evaluate(x):
    return x

search, stop = FixedSearch([{"x": k} for k in range(9)]), StopMax(int(sys.argv[1]))
run = Run(search, evaluate, stop, name="demo", pool="pool_serial")
run.prepare("runs", resume=True)
print("ready", flush=True)
sys.stdin.readline()
print(run.run())
"""


def start(folder: Path, count: int) -> subprocess.Popen[str]:
    (folder / "job.py").write_text(SCRIPT)
    return subprocess.Popen(
        [sys.executable, "job.py", str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=environment(),
        text=True,
    )


def test_a_script_run_again_goes_on_and_of_two_at_once_one_wins(tmp_path: Path) -> None:
    first, second = start(tmp_path, 3), start(tmp_path, 3)
    told = [process.communicate("\n", timeout=60) for process in (first, second)]
    assert any("3 trials" in out for out, _ in told)
    # One that begins when the other is through goes on with nothing to do.
    assert all("3 trials" in out or "RunLocked" in error for out, error in told)
    again = start(tmp_path, 5)
    out, _ = again.communicate("\n", timeout=60)
    assert "5 trials" in out
