"""Run: where search, evaluator, stop, pool, tape and observers meet.

The front door is here; how a folder is made, how a tape is opened and how the loop turns is beside it. The lock of
the folder is held from ``prepare`` or ``restore`` until ``run()`` returns, ``close()``, or the end of ``with run:``; a
later call takes it again and reads what was added meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import EllipsisType
from typing import Any, Self

from runlib.engine.component import Component
from runlib.errors import ReadOnlyRun, RunlibError
from runlib.evaluator.base import Evaluator
from runlib.observe.base import Observer
from runlib.pool.base import Pool
from runlib.pool.processes import ProcessPool
from runlib.run import opening
from runlib.run.conduct import conduct, make_cast, make_policy
from runlib.run.edit import Editing
from runlib.run.finish import announce, telling_pauses
from runlib.run.folder import RunFolder, discard
from runlib.run.fork import make_fork
from runlib.run.hand import ByHand, Hand
from runlib.run.inbox import Edit
from runlib.run.parts import config_of, make_observers, make_search, noted_scene, same_evaluator, warn_of_context
from runlib.run.pen import Holding, Pen
from runlib.run.session import make_metadata, session_info
from runlib.run.settings import CAUGHT, check_context, check_duration, check_settings, known_settings
from runlib.run.signals import listening
from runlib.run.view import RunView
from runlib.search.base import Search
from runlib.state.state import Direction, Order, State
from runlib.stop.base import Stop
from runlib.tape.clock import SessionClock
from runlib.tape.events import Session
from runlib.tape.lock import FolderLock
from runlib.tape.reader import TapeReader

__all__ = ["Run"]


class Run(ByHand, Editing, Holding, RunView):
    """A search, an evaluator and a stop, run so that nothing finished is lost.

    ::

        run = Run(search, evaluator, stop).prepare().run(duration=5)
        run = Run.restore(run.work_directory).run()
        state = Run.checkout(run.work_directory).state

    Args:
        search: What suggests; like every component an object or a config.
        evaluator: What a suggestion is worth; a callable, or its name ``module:name`` or ``file.py:name``, is wrapped.
            None for a run that is driven by hand, by ``suggest()`` and ``submit()``.
        stop: When enough is done.
        objective: Which key of what the evaluator returns counts; its value is the ``loss`` of the trial, and if it
            is missing, that is an error of the trial.
        direction: ``"min"``: smaller is better; ``"max"``: greater is, for search, stops, top lists and status.
        trial_timeout: Seconds that one evaluation may take; None for no limit.
        caught_exceptions: Names of exceptions (any class in their line of descent) that become results of their
            trials; any other ends the run, its trial staying live.
        retries: How many more attempts there are at a trial whose evaluation fails with an exception of that name
            (any class in its line of descent), such as ``{"WorkerLost": 1}``; the last attempt counts.
        reuse: Answer a repeated suggestion by the evaluation that is known.
        order: ``"completed"``: the search hears of a result as soon as it is there. ``"suggested"``: in the order of
            suggestions, each suggestion knowing the same results whatever the timing, so that two runs with the
            same config, seed and number of workers are the same; a slow trial can stall the others.
        name: Of the run: its folder is ``run_<name>``; None for two random words.
        description: For people.
        pool: Where evaluations run; by default one process for each slot. Not part of the config.
        observers: Who listens; by default those that write ``status.txt`` and ``log.log``. Not part of the config.
        context: How things are computed: ``max_workers`` (None: one for each core), ``shutdown_duration`` (seconds
            before the end in which nothing is started; 30, or a tenth of the duration if that is less), ``sync``
            ("always", "interval", "never"), ``ahead`` (suggestions made beyond the slots), ``devices`` (one for each
            slot, in turn), ``capture_output`` (to files of the trial), ``memory_limit`` (of one trial and all it
            starts: bytes, or ``"2 GiB"``; Linux), ``max_trials_per_worker`` (then the worker is replaced by a fresh
            one); and a dict under a kind for that alone.

    Attributes:
        announces: Whether ``run()`` says on a terminal how it ended; the command line has its own way of saying it.

    Raises:
        ConfigError: An argument is wrong; the message has its place.
    """

    kind = "run"
    announces = True
    default_context = {
        "max_workers": None,
        "shutdown_duration": 30.0,
        "sync": "always",
        "ahead": 0,
        "devices": None,
        "capture_output": False,
        "memory_limit": None,
        "max_trials_per_worker": None,
    }

    def __init__(
        self,
        search: Search | Mapping[str, Any],
        evaluator: Evaluator | Callable[..., Any] | Mapping[str, Any] | str | None,
        stop: Stop | Mapping[str, Any],
        *,
        objective: str = "loss",
        direction: Direction = "min",
        trial_timeout: float | None = None,
        caught_exceptions: Sequence[str] = CAUGHT,
        retries: Mapping[str, int] | None = None,
        reuse: bool = True,
        order: Order = "completed",
        name: str | None = None,
        description: str | None = None,
        pool: Pool | Mapping[str, Any] | str | None = None,
        observers: Sequence[Observer | Mapping[str, Any] | str] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(context)
        settings = {
            "objective": objective,
            "direction": direction,
            "trial_timeout": trial_timeout,
            "caught_exceptions": caught_exceptions,
            "retries": retries,
            "reuse": reuse,
            "order": order,
            "name": name,
            "description": description,
        }
        self._set(check_settings(settings))
        check_context(self.context)
        self._parts: dict[str, Any] = {"search": search, "evaluator": evaluator, "stop": stop}
        self.readonly = False
        self._pen: Pen | None = None
        self._hand: Hand | None = None
        self._hand_lock = threading.Lock()
        self._folder: RunFolder | None = None
        self._state: State | None = None
        self.pool = self.build("pool", pool if pool is not None else ProcessPool(context), Pool)
        self.pool.slots(self.context)  # what the pool does not like is said before there is a folder
        self.observers = make_observers(observers, self.build, context)
        _ = self.search, self.evaluator, self.stop
        warn_of_context(self.given_context)

    # -- opening ---------------------------------------------------------------------------------

    def prepare(self, directory: str | Path = ".") -> Self:
        """Make the folder of the run, ``directory/run_<name>``, and hold it.

        Raises:
            FolderExists: A run of that name is there.
            FolderError: The directory cannot be written.
            ReadOnlyRun: This is a checked-out run.
        """
        self._refuse_readonly("prepare()")
        if self._folder is not None:
            raise RunlibError(f"this run is prepared already, in {self._folder.path}")
        metadata = make_metadata(self.get_config())
        sync, clock = self.context["sync"], SessionClock()
        begun = Session(session_info({**self._scene(), "clocks": clock.noted()}))
        self._folder, lock, position = RunFolder.create(directory, self.name, metadata, begun, sync=sync, clock=clock)
        self._state = opening.make_state(metadata, self._folder.tape, self.search, clock)
        self._pen = Pen(self._folder, self._state, sync)
        try:
            self._pen.take_new(lock, position, clock)
        except BaseException:
            lock.release()
            raise
        return self

    @classmethod
    def restore(
        cls,
        folder: str | Path,
        *,
        new_stop: Stop | Mapping[str, Any] | None = None,
        evaluator: Evaluator | Callable[..., Any] | None = None,
        trial_timeout: float | EllipsisType | None = ...,
        caught_exceptions: Sequence[str] | EllipsisType = ...,
        retries: Mapping[str, int] | EllipsisType | None = ...,
        pool: Pool | Mapping[str, Any] | str | None = None,
        observers: Sequence[Observer | Mapping[str, Any] | str] | None = None,
        verify: bool = False,
        steal_lock: bool = False,
        context: Mapping[str, Any] | None = None,
    ) -> Self:
        """Open a run for going on where its tape ends; trials that were live start first.

        Args:
            folder: Of the run.
            new_stop: Instead of the stop that it had; noted on the tape.
            evaluator: An object whose config is that of the run, where the tape cannot make one.
            trial_timeout: Instead of the one that it had; noted on the tape.
            caught_exceptions: Instead of those that it had; noted on the tape.
            retries: Likewise.
            pool: Instead of the one that it had last.
            observers: Instead of those that it had last.
            verify: Ask the search again for every suggestion of old, and compare.
            steal_lock: Take the lock also from a process that seems to have it, on a network disk, after making sure
                that it is dead.
            context: Over the one that it had last: ``max_workers`` and the like stay what they were unless given,
                since another number of workers makes other suggestions.

        Raises:
            NotARun: No tape lies in the folder.
            RunLocked: Another process writes to it.
            TapeCorrupt: The tape is damaged.
            ReplayMismatch: The search does not suggest what stands on the tape.
            ConfigError: A component cannot be made, or has another config than the tape says.
        """
        given: dict[str, Any] = {} if new_stop is None else {"stop": new_stop}
        settings = {"trial_timeout": trial_timeout, "caught_exceptions": caught_exceptions, "retries": retries}
        given.update((key, value) for key, value in settings.items() if value is not ...)
        scene = {"pool": pool, "observers": observers, "context": context}
        found = RunFolder.find(folder)
        opening.refuse_foreign(found)
        lock = FolderLock(found.path, steal=steal_lock)
        try:
            return cls._restore(found, lock, given, scene, evaluator=evaluator, verify=verify)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _restore(
        cls, folder: RunFolder, lock: FolderLock, given: dict[str, Any], scene: dict[str, Any], **how: Any
    ) -> Self:
        metadata = TapeReader(folder.tape).metadata
        config = metadata["run"]
        opening.load_plugins(opening.first_session(folder))
        search = make_search(config.get("search"), scene["context"])
        state = opening.make_state(metadata, folder.tape, search, SessionClock())
        end = opening.catch_up(folder, state, None, how["verify"])
        before = known_settings({**config, **state.changes})
        noted = state.last_session
        opening.load_plugins(noted)
        scene = opening.scene_of_old(noted, scene)
        if how["evaluator"] is not None:
            before["evaluator"] = same_evaluator(how["evaluator"], config.get("evaluator"), scene["context"])
        run = cls(**{**before, **given, "search": search}, **scene)
        run._folder, run._state = folder, state
        run._pen = Pen(folder, state, run.context["sync"])
        opening.warn_of_changes(run.evaluator, noted)
        now = run.get_config()[cls.kind]
        run._pen.take(lock, end, run._scene({key: now[key] for key in given if now[key] != before.get(key)}))
        return run

    @classmethod
    def fork(
        cls,
        folder: str | Path,
        at: int | None = None,
        *,
        directory: str | Path = ".",
        name: str | None = None,
        search: Search | Mapping[str, Any] | None = None,
        stop: Stop | Mapping[str, Any] | None = None,
        evaluator: Evaluator | Callable[..., Any] | None = None,
        pool: Pool | Mapping[str, Any] | str | None = None,
        observers: Sequence[Observer | Mapping[str, Any] | str] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Self:
        """A new run that begins with the history of another, which is only read and may be running.

        Args:
            folder: Of the origin.
            at: Its record after which the new run goes its own way; None for the last.
            directory: Where the new folder is made.
            name: Of the new run; None for two random words.
            search: Instead of that of the origin; it adopts the old trials.
            stop: Instead of that of the origin.
            evaluator: As in ``restore``, like the rest.
            pool: Instead of the one that the origin had last.
            observers: Instead of those that it had last.
            context: Over the one that it had last.

        Raises:
            FolderExists: A run of that name is there.
            TapeError: The tape has fewer records, or is damaged before.
        """
        changes = {"search": config_of("search", search, Search), "stop": config_of("stop", stop, Stop), "name": name}
        made = make_fork(RunFolder.find(folder), at, directory, changes)
        try:
            return cls.restore(made.path, evaluator=evaluator, pool=pool, observers=observers, context=context)
        except BaseException:
            discard(made.path)
            raise

    @classmethod
    def checkout(cls, folder: str | Path, *, at: int | None = None, context: Mapping[str, Any] | None = None) -> Self:
        """Open a run for reading: nothing in its folder changes, and no component is made unless asked for.

        It works while another process writes to the run, without the plugins that the run needs, and on tapes of
        cmlkit. With ``at`` it is the run after that record (0: before the first), and nothing behind it is looked at,
        so that a damaged tape can be read up to the damage.

        Raises:
            NotARun: No tape lies in the folder.
            TapeError: The tape is damaged (``TapeCorrupt``), or has no record ``at``.
        """
        run = cls.__new__(cls)
        Component.__init__(run, context)
        run._folder = RunFolder.find(folder)
        run._state, config = opening.read(run._folder, at)
        run._parts = {name: config.get(name) for name in ("search", "evaluator", "stop")}
        run._set(config)
        run.readonly, run._pen, run._hand = True, None, None
        return run

    # -- running ---------------------------------------------------------------------------------

    def run(self, duration: float | None = None) -> Self:
        """Run until the stop is reached, the search is exhausted, or the duration has passed.

        Args:
            duration: Minutes of wall clock; None for no limit. Running trials are cancelled at its end, and start
                first when the run goes on.

        Returns:
            The run itself; it may be run again.

        Raises:
            EvaluationError: An evaluation failed with an exception that is not in ``caught_exceptions``.
            KeyboardInterrupt: SIGINT came; the run ended in order and can be restored.
            SystemExit: SIGTERM, SIGUSR1 or SIGUSR2 came; likewise, with 128 and the number of the signal as its code.
            ReadOnlyRun: This is a checked-out run.
        """
        self._refuse_readonly("run()")
        duration = check_duration(duration)
        pen = self._require_pen()
        if self._hand is not None:
            raise RunlibError(f"{self.work_directory} is driven by hand; close() it before run()")
        if self.evaluator is None:
            raise RunlibError("this run has no evaluator: drive it by suggest() and submit(), or give it one")
        self.evaluator.objective = self.objective
        pen.begin(self._scene())
        try:
            self._run(self.evaluator, None if duration is None else 60 * duration)
        finally:
            pen.leave()
        if self.announces:
            announce(self.state, self._require_folder())
        return self

    def _run(self, evaluator: Evaluator, seconds: float | None) -> None:
        with listening() as interrupt, telling_pauses(self.announces):
            policy = make_policy(self, self.pool.slots(self.context), seconds)
            cast = make_cast(self, self.pool, self.observers, self._require_pen().held, seconds)
            end = conduct(cast, policy, interrupt, evaluator, self.context)
        if end.reason != "signal":
            return
        how = f"{self.work_directory} ended in order on {interrupt.name}; restore it to go on"
        raise KeyboardInterrupt(how) if interrupt.name == "SIGINT" else SystemExit(128 + (interrupt.signum or 0))

    def _scene(self, changed: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return noted_scene(self, self.pool, self.observers, changed)

    def __call__(self, duration: float | None = None) -> Self:
        """The same as ``run``."""
        return self.run(duration)

    def _by_hand(self) -> Hand:
        self._refuse_readonly("suggest() or submit()")
        pen = self._require_pen()
        with self._hand_lock:
            if pen.turning:
                raise RunlibError(f"{self.work_directory} runs: suggest() and submit() are for runs driven by hand")
            if self._hand is None:
                pen.take_again(self._scene())
                cast = make_cast(self, self.pool, self.observers, pen.held, None)
                self._hand = Hand(cast, make_policy(self, self.pool.slots(self.context), None))
            return self._hand

    def _edit(self, event: Edit) -> None:
        self._refuse_readonly("edit")
        self._require_pen().edit(event, self._hand)

    def _refuse_readonly(self, what: str) -> None:
        if self.readonly:
            opening.refuse_foreign(self._require_folder())
            folder = self.work_directory
            way = f"Inbox({str(folder)!r}), or " if what == "edit" else ""
            raise ReadOnlyRun(f"{folder} was checked out for reading: {what} needs {way}Run.restore({str(folder)!r})")
