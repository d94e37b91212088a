"""Signals to a whole job, to parts of it, in any order: no trial fails of them, and nothing that finished is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from runlib import FixedSearch, PoolError, Run, StopLoss, StopMax
from runlib.pool.base import Finished, Lost, Task
from runlib.pool.processes.pool import ProcessPool
from runlib.pool.processes.supervisor import _descendants
from tests.attacks.signal_evaluators import ENDING, Waiting
from tests.fakes import DirectPool, SpySearch, quadratic
from tests.pool.pool_evaluators import Doing
from tests.pool.pool_tools import finish, freeze, gone, read, runs, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="signals all below a process by /proc")

JOB = """
import json, sys
from runlib import FixedSearch, Run, StopLoss, StopMax
from tests.attacks.signal_evaluators import Waiting

given = json.loads(sys.argv[1])
run = Run(
    FixedSearch(given["points"]),
    Waiting("."),
    StopMax(len(given["points"])),
    name="demo",
    caught_exceptions=["BaseException"],
    trial_timeout=given.get("timeout"),
    pool=given.get("pool"),
    context={"max_workers": 2},
)
run.prepare().run(given.get("duration"))
"""


class Job:
    """A program that runs two trials at once, in a folder of its own."""

    def __init__(self, folder: Path, *how: str, **more: Any) -> None:
        self.folder = folder
        points = [{"how": name, "x": x} for x, name in enumerate(how)]
        (folder / "job.py").write_text(JOB)
        command = [sys.executable, "job.py", json.dumps({"points": points, **more})]
        path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
        self.process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.PIPE, start_new_session=True
        )

    def await_start(self, *xs: int) -> None:
        wait_for(lambda: all((self.folder / f"started-{x}").exists() for x in xs))

    def below(self) -> list[int]:
        """All processes that it started."""
        return list(_descendants(self.process.pid))

    def signal(self, pids: Iterable[int], number: int) -> None:
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue  # it ended because of another one

    def end(self) -> tuple[int, bytes]:
        _, err = self.process.communicate(timeout=60)
        return self.process.returncode, err

    @property
    def state(self) -> Any:
        return Run.checkout(self.folder / "run_demo").state


HOW = ["sleep", "child", "forks", "own", "default"]


def check_that_nothing_failed(job: Job, code: int) -> None:
    processes = job.below()
    returned, err = job.end()
    assert (returned, job.state.trials.error_count) == (code, 0)
    assert b'job.py", line' not in err  # what a trial starts may print tracebacks, the program does not
    assert list(job.state.live_trials) == [1, 2]
    assert job.state.trials.losses == [0.0]
    assert gone(processes)


class TestAllProcessesOfAJob:
    @pytest.mark.parametrize(
        ("how", "number", "manager_first"),
        [
            ("sleep", signal.SIGTERM, True),
            ("child", signal.SIGTERM, False),
            ("own", signal.SIGTERM, False),
            ("sleep", signal.SIGUSR1, False),
            *(
                pytest.param(how, number, first, marks=pytest.mark.slow)
                for how in HOW
                for number in ENDING
                for first in (True, False)
            ),
        ],
    )
    def test_no_trial_fails_and_the_run_ends_in_order(
        self, tmp_path: Path, how: str, number: signal.Signals, manager_first: bool
    ) -> None:
        job = Job(tmp_path, "quick", how, how)
        job.await_start(1, 2)
        pids = [job.process.pid, *job.below()]
        job.signal(pids if manager_first else reversed(pids), number)
        check_that_nothing_failed(job, 128 + number)
        assert job.state.ended.reason == "signal"

    @pytest.mark.parametrize("how", ["sleep", *(pytest.param(how, marks=pytest.mark.slow) for how in HOW[1:])])
    def test_killing_them_one_by_one_fails_no_trial(self, tmp_path: Path, how: str) -> None:
        job = Job(tmp_path, "quick", how, how)
        job.await_start(1, 2)
        wait_for(lambda: len(job.state.trials) == 1)
        job.signal([*reversed(job.below()), job.process.pid], signal.SIGKILL)
        check_that_nothing_failed(job, -signal.SIGKILL)
        assert job.state.ended is None

    def test_what_was_live_is_tried_again(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        job = Job(tmp_path, "quick", "child", "sleep")
        job.await_start(1, 2)
        job.signal([job.process.pid, *job.below()], signal.SIGTERM)
        job.end()
        (tmp_path / "go").touch()
        monkeypatch.chdir(tmp_path)
        run = Run.restore("run_demo", evaluator=Waiting(".")).run()
        assert sorted(run.state.trials.losses) == [0.0, 1.0, 2.0]

    def test_the_group_of_a_program_is_not_that_of_its_trials(self, tmp_path: Path) -> None:
        job = Job(tmp_path, "quick", "child", "own")
        job.await_start(1, 2)
        os.killpg(job.process.pid, signal.SIGTERM)  # kill -TERM -- -PGID, timeout, Ctrl-C in a terminal
        check_that_nothing_failed(job, 143)

    def test_workers_that_are_still_starting_outlive_a_signal(self, tmp_path: Path) -> None:
        job = Job(tmp_path, "sleep", "sleep")
        wait_for(lambda: len(job.below()) >= 1)
        job.signal(job.below(), signal.SIGTERM)
        job.await_start(0, 1)
        job.signal(job.below(), signal.SIGUSR2)
        (tmp_path / "go").touch()
        code, err = job.end()
        assert (code, err.count(b"lost")) == (0, 0)
        assert job.state.trials.ok_count == 2


@pytest.fixture
def start(tmp_path):
    """Open a pool of workers; at the end it is closed."""
    pools = []

    def open_pool(evaluator=None, **context):
        pools.append(ProcessPool())
        pools[-1].open(evaluator or Waiting(str(tmp_path)), {"max_workers": 1, **context})
        return pools[-1]

    yield open_pool
    for pool in pools:
        pool.close(0.0)


class TestOneWorker:
    @pytest.mark.parametrize("number", ENDING)
    def test_a_signal_of_somebody_else_does_not_end_it(self, start, tmp_path, number):
        pool = start()
        pool.schedule(Task(0, {"how": "sleep", "x": 0}))
        pid = int(wait_for(lambda: read(tmp_path / "started-0"), pool=pool))
        os.kill(pid, number)
        (tmp_path / "go").touch()
        [event] = finish(pool, 1)
        assert event.result["ok"]["loss"] == 0.0

    def test_the_managers_request_reaches_the_handler_of_the_evaluator(self, start, tmp_path):
        pool = start(Doing())
        mark = tmp_path / "mark"
        pool.schedule(Task(0, {"do": "heed", "mark": str(mark)}))
        wait_for(lambda: read(mark), pool=pool)
        pool.close(10.0)
        assert read(mark) == "tidied up"

    @pytest.mark.parametrize("how", ["close", "cancel", "drain"])
    def test_the_managers_request_ends_an_evaluator_that_does_nothing_about_it(self, start, tmp_path, how):
        pool = start()
        pool.schedule(Task(0, {"how": "sleep", "x": 0}))
        pid = int(wait_for(lambda: read(tmp_path / "started-0"), pool=pool))
        os.kill(pid, signal.SIGTERM)  # one of somebody else, before
        {"close": lambda: pool.close(30.0), "cancel": lambda: pool.cancel(0), "drain": lambda: pool.drain(30.0)}[how]()
        assert gone([pid])

    def test_what_a_trial_starts_is_ended_by_sigterm(self, start):
        pool = start()
        pool.schedule(Task(0, {"how": "terminate", "x": 0}))
        [event] = finish(pool, 1)
        assert "ok" in event.result

    @pytest.mark.parametrize(
        ("how", "number", "signalled"),
        [("child", signal.SIGTERM, True), ("own", signal.SIGUSR1, True), ("child", signal.SIGCONT, False)],
    )
    def test_an_error_that_may_come_of_a_signal_says_so(self, start, tmp_path, how, number, signalled):
        pool = start()
        pool.schedule(Task(0, {"how": how, "x": 0}))
        wait_for(lambda: read(tmp_path / "started-0"), pool=pool)
        below = list(_descendants(os.getpid()))
        for pid in below:
            os.kill(pid, number)
        if number == signal.SIGCONT:  # an error of its own
            os.kill(below[-1], signal.SIGKILL)
        [event] = finish(pool, 1)
        assert ("error" in event.result, event.signalled) == (True, signalled)

    @pytest.mark.parametrize(("number", "signalled"), [(signal.SIGKILL, True), (signal.SIGSEGV, False)])
    def test_a_worker_that_is_lost_says_whether_somebody_killed_it(self, start, tmp_path, number, signalled):
        pool = start()
        pool.schedule(Task(0, {"how": "sleep", "x": 0}))
        os.kill(int(wait_for(lambda: read(tmp_path / "started-0"), pool=pool)), number)
        [event] = finish(pool, 1)
        assert (event.result["error"]["error"], event.signalled) == ("WorkerLost", signalled)


class TestDoubt:
    def test_an_error_waits_until_the_run_has_gone_on_for_a_moment(self, tmp_path: Path) -> None:
        error = {"error": {"error": "WorkerLost", "error_text": "was killed", "traceback": ""}}
        pool = DirectPool(said=[Finished(0, error, ("WorkerLost",), signalled=True)], order=lambda waiting: waiting[1:])
        run = Run(SpySearch(), quadratic, StopMax(2), pool=pool, context={"max_workers": 2}).prepare(tmp_path).run()
        assert run.state.trials.error_count == 1

    def test_it_is_none_if_the_run_ends_of_a_signal(self, tmp_path: Path) -> None:
        error = {"error": {"error": "WorkerLost", "error_text": "was killed", "traceback": ""}}

        def order(waiting: list[Task]) -> list[Task]:
            signal.raise_signal(signal.SIGTERM)
            return []

        pool = DirectPool(said=[Finished(0, error, ("WorkerLost",), signalled=True)], order=order)
        run = Run(SpySearch(), quadratic, StopMax(2), pool=pool).prepare(tmp_path)
        with pytest.raises(SystemExit):
            run.run()
        assert list(run.state.live_trials) == [0]
        assert len(run.state.trials) == 0


class DrainedPool(DirectPool):
    """Has results that nobody has collected when the run ends."""

    kind = "pool_drained"

    def __init__(self, left: Any = (), context: Any = None, **more: Any) -> None:
        super().__init__(context=context, **more)
        self.left = list(left)

    def drain(self, patience: float) -> list[Finished | Lost]:
        left, self.left = self.left, []
        return left


class TestLastReading:
    @pytest.mark.parametrize("count", [1, 2])
    def test_what_has_finished_at_a_ctrl_c_is_on_the_tape_also_at_a_second_one(
        self, tmp_path: Path, count: int
    ) -> None:
        def order(waiting: list[Task]) -> list[Task]:
            for _ in range(count):
                signal.raise_signal(signal.SIGINT)
            return []

        pool = DrainedPool([Finished(0, {"ok": {"loss": 1.5}})], order=order)
        run = Run(SpySearch(), quadratic, StopMax(5), pool=pool).prepare(tmp_path)
        with pytest.raises(KeyboardInterrupt):
            run.run()
        assert Run.checkout(run.work_directory).state.trials.losses == [1.5]
        assert run.state.ended is not None
        assert run.state.ended.reason == "signal"

    def test_what_has_finished_beside_an_error_that_ends_the_run(self, tmp_path: Path) -> None:
        error = {"error": {"error": "KeyError", "error_text": "x", "traceback": ""}}
        pool = DrainedPool([Finished(1, {"ok": {"loss": 1.5}})], said=[Finished(0, error, ("KeyError",))])
        run = Run(SpySearch(), quadratic, StopMax(5), pool=pool, context={"max_workers": 2}).prepare(tmp_path)
        with pytest.raises(Exception, match="KeyError"):
            run.run()
        assert run.state.trials.losses == [1.5]
        assert next(iter(run.state.live_trials)) == 0

    def test_an_error_in_the_last_reading_leaves_the_end_what_it_was(self, tmp_path: Path, caplog: Any) -> None:
        error = {"error": {"error": "KeyError", "error_text": "x", "traceback": ""}}
        pool = DrainedPool([Finished(1, error, ("KeyError",))], order=lambda waiting: waiting[:1])
        run = Run(SpySearch(), quadratic, StopLoss(1.0), pool=pool, context={"max_workers": 2}).prepare(tmp_path).run()
        assert run.state.ended is not None
        assert run.state.ended.reason == "stop"
        assert 1 in run.state.live_trials
        assert "trial 1 failed with KeyError" in caplog.text

    @pytest.mark.parametrize("end", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
    def test_whatever_an_evaluator_finished_is_on_the_tape(self, tmp_path: Path, end: signal.Signals) -> None:
        points = [{"how": "quick", "x": x, "size": (x % 3) * 2_000_000} for x in range(200)]
        job = Job(tmp_path, points=points)
        wait_for(lambda: (tmp_path / "ledger").exists() and len(read(tmp_path / "ledger").split()) > 6)
        job.process.send_signal(end)
        job.end()
        finished = sorted(map(float, read(tmp_path / "ledger").split()))
        assert sorted(job.state.trials.losses) == finished
        assert len(finished) < 200

    def test_what_an_evaluator_returns_because_it_was_asked_to_end_is_no_result(self, tmp_path: Path) -> None:
        job = Job(tmp_path, "quick", "returning", "returning")
        job.await_start(1, 2)
        job.process.send_signal(signal.SIGINT)
        check_that_nothing_failed(job, 130)


class TestStandingStill:
    @pytest.mark.parametrize("pool", ["pool_processes", "pool_serial"])
    def test_time_in_which_nobody_ran_does_not_count(self, tmp_path: Path, pool: str) -> None:
        job = Job(tmp_path, "sleep", timeout=1.5, pool=pool)
        job.await_start(0)
        pids = [job.process.pid, *job.below()]
        for pid in pids:
            freeze(pid)
        with pytest.raises(subprocess.TimeoutExpired):
            job.process.wait(2.0)
        (tmp_path / "go").touch()
        job.signal(pids, signal.SIGCONT)
        assert job.end()[0] == 0
        assert job.state.trials.ok_count == 1

    def test_a_trial_that_hangs_is_ended_nevertheless(self, tmp_path: Path) -> None:
        job = Job(tmp_path, "sleep", timeout=0.5)
        job.await_start(0)
        for pid in (pids := [job.process.pid, *job.below()]):
            freeze(pid)
        job.signal(pids, signal.SIGCONT)
        assert job.end()[0] == 0
        assert job.state.count_by_error == {"TimeoutError": 1}


class TestStoppedSupervisor:
    def test_it_does_not_outlive_the_run(self, start):
        pool = start(Doing())
        pool.schedule(Task(0, {"do": "value"}))
        finish(pool, 1)
        supervisor = pool._slots[0].process.pid
        freeze(supervisor)
        pool.close(10.0)
        assert not runs(supervisor)

    def test_it_does_not_outlive_a_worker_that_is_replaced(self, start):
        pool = start(Doing(), max_trials_per_worker=1)
        wait_for(lambda: pool.collect(0.0) == [] and pool._slots[0].load == 0)
        supervisor = pool._slots[0].process.pid
        freeze(supervisor)
        pool.schedule(Task(0, {"do": "value"}))
        pool.schedule(Task(1, {"do": "value"}))
        assert len(finish(pool, 2)) == 2
        assert not runs(supervisor)

    def test_it_does_not_outlive_a_manager_that_is_killed(self, tmp_path: Path) -> None:
        job = Job(tmp_path, "child", "sleep")
        job.await_start(0, 1)
        processes = job.below()
        for supervisor in (pid for pid in processes if b"supervisor.py" in Path(f"/proc/{pid}/cmdline").read_bytes()):
            freeze(supervisor)
        job.process.kill()
        job.end()
        assert gone(processes)


class TestLosses:
    def test_all_workers_killed_at_one_moment_before_anything_succeeded(self, tmp_path: Path) -> None:
        error = {"error": {"error": "WorkerLost", "error_text": "was killed", "traceback": ""}}
        said: list[Finished | Lost] = [Finished(tid, error, ("WorkerLost",)) for tid in range(8)]
        run = Run(SpySearch(), quadratic, StopMax(12), pool=DirectPool(said=said), context={"max_workers": 8})
        run.prepare(tmp_path).run()
        assert (run.state.trials.error_count, run.state.trials.ok_count) == (8, 4)

    def test_one_trial_that_kills_every_worker_ends_a_run_that_succeeded_before(self, tmp_path: Path) -> None:
        run = Run(
            FixedSearch([{"do": "value"}, {"do": "exit", "code": 3}, {"do": "value", "x": 2.0}]),
            Doing(),
            StopMax(3),
            retries={"WorkerLost": 20},
            context={"max_workers": 1},
        ).prepare(tmp_path)
        with pytest.raises(PoolError, match="trial 1 killed its worker 5 times in a row"):
            run.run()
        assert list(run.state.live_trials) == [1]
        assert run.state.trials.ok_count == 1


EARLY = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            for _ in range({times}):
                os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
"""


(ENTRY,) = (entry for entry in entry_points(group="console_scripts") if entry.name == "runlib")
CONSOLE_SCRIPT = f"from {ENTRY.module} import {ENTRY.attr}"  # as the installed command begins


class TestFirstMoments:
    def run(self, tmp_path: Path, words: list[str], module: str, times: int = 1) -> tuple[int, str, str]:
        (tmp_path / "sitecustomize.py").write_text(EARLY.format(module=module, times=times))
        path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
        environment = {**os.environ, "PYTHONPATH": path}
        done = subprocess.run(
            [sys.executable, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
        )
        return done.returncode, done.stdout, done.stderr

    @pytest.mark.parametrize(
        ("words", "module"),
        [
            (["-c", "import runlib; print('imported')"], "runlib.engine.announced"),
            (["-c", "from runlib import Run; print('imported')"], "runlib.engine.data.canonical"),
            (["-c", "from runlib import *; print('imported')"], "runlib.stop.no_progress"),
            (["-c", "import runlib; runlib.Run; print('imported')"], "runlib.run.loop.loop"),
            (["-m", "runlib", "--version"], "orjson"),
            (["-m", "runlib", "run", "missing.yaml"], "typer"),
            (["-c", f"{CONSOLE_SCRIPT}; main()"], "typer"),
            (["-c", f"{CONSOLE_SCRIPT}; main()"], "runlib.cli.main"),
            (["-m", "runlib", "restore", "missing"], "runlib.cli.work"),
        ],
    )
    def test_a_ctrl_c_is_told_in_no_traceback(self, tmp_path: Path, words: list[str], module: str) -> None:
        assert self.run(tmp_path, words, module) == (130, "", "")
        assert sorted(path.name for path in tmp_path.iterdir() if path.name != "__pycache__") == ["sitecustomize.py"]

    def test_a_second_one_does_not_wait(self, tmp_path: Path) -> None:
        words = ["-c", "from runlib import Run; print('imported')"]
        code, out, _ = self.run(tmp_path, words, "runlib.engine.data.canonical", times=2)
        assert code != 0
        assert out == ""

    def test_the_handler_of_a_program_is_left_alone(self, tmp_path: Path) -> None:
        code = "import signal; signal.signal(signal.SIGINT, lambda *_: print('mine')); "
        code += "from runlib import *; print('imported')"
        assert self.run(tmp_path, ["-c", code], "runlib.stop.base") == (0, "mine\nimported\n", "")

    @pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
    def test_a_command_that_has_begun_nothing_ends_in_silence(self, tmp_path: Path, number: str, code: int) -> None:
        words = (
            "import os, signal\n"
            "from runlib.cli import main\n"
            f"main.declare_command = lambda: os.kill(os.getpid(), signal.{number})\n"
            "main.main()"
        )
        assert self.run(tmp_path, ["-c", words], "none") == (code, "", "")

    @pytest.mark.parametrize("call", ["prepare", "restore"])
    def test_a_script_that_opens_a_run_ends_in_one_line(self, tmp_path: Path, call: str) -> None:
        (tmp_path / "job.py").write_text(
            "import os, signal, sys\n"
            "import runlib.run.folder.beginning as beginning\n"
            "from runlib import FixedSearch, Run, StopMax\n"
            "def interrupt(*_, **__): os.kill(os.getpid(), signal.SIGINT)\n"
            "run = Run(FixedSearch([1]), abs, StopMax(1), name='demo')\n"
            "if sys.argv[1] == 'restore':\n"
            "    run.prepare().close()\n"
            "    beginning.Past = interrupt\n"
            "    Run.restore('run_demo')\n"
            "beginning.make_metadata = interrupt\n"
            "run.prepare()\n"
        )
        code, out, err = self.run(tmp_path, ["job.py", call], "none")
        assert (code, out, err) == (130, "", "interrupted while the run was opened\n")
        if call == "restore":
            assert Run.restore(tmp_path / "run_demo", evaluator=abs).run().state.trials.ok_count == 1
