"""Gives a run its folder: the folder is made, continued, forked from another run, or only read.

Each method that opens a folder for writing first takes its lock, and then records on the tape which process writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import EllipsisType
from typing import Any, Self

from runlib.engine.code.program import Program
from runlib.engine.code.starts import refuse_start
from runlib.engine.code.trust import Trust
from runlib.engine.component import Component
from runlib.engine.data.canonical import plain
from runlib.errors import FolderExists, RunlibError
from runlib.evaluator.base import Evaluator
from runlib.observe.base import Observer
from runlib.pool.base import Pool
from runlib.pool.processes.pool import ProcessPool
from runlib.run.continuation.fork import make_fork
from runlib.run.continuation.past import Past
from runlib.run.continuation.resume import existing, refuse_difference
from runlib.run.folder import opening
from runlib.run.folder.access import HoldsFolder, WriteAccess
from runlib.run.folder.folder import RunFolder, absolute, discard
from runlib.run.given import AnyStop, Exceptional, Exceptions
from runlib.run.loop.interrupted import told_in_one_line
from runlib.run.metadata import make_metadata, session_info
from runlib.run.parts import config_of, make_observers, noted_execution
from runlib.run.settings import CHANGEABLE, DEFAULTS
from runlib.run.view import RunView
from runlib.search.base import Search, unserved
from runlib.stop.base import Stop
from runlib.tape.clock import SessionClock
from runlib.tape.events import Session
from runlib.tape.lock import FolderLock

__all__ = ["OPENING", "Beginning"]

OPENING = "interrupted while the run was opened"


class Beginning(HoldsFolder, RunView, abstract=True):
    """Provides the methods by which a run gets its folder.

    Attributes:
        pool: The pool in which evaluations run.
        observers: The observers of the run; each read returns a new list, so assign a list instead of changing it in
            place.
    """

    pool: Pool
    _observers: list[Observer]
    _execution_given: dict[str, Any]

    @property
    def observers(self) -> list[Observer]:
        """Returns the observers in a new list."""
        return list(self._observers)

    @observers.setter
    def observers(self, observers: Sequence[Observer | Mapping[str, Any] | str] | None) -> None:
        self._observers = make_observers(observers, self.build, self.given_context)

    @told_in_one_line(lambda: OPENING)
    def prepare(self, directory: str | Path = ".", *, resume: bool = False) -> Self:
        """Makes the folder of the run, ``directory/run_<name>``, and takes its lock.

        Args:
            directory: The parent folder; missing parents are made.
            resume: Whether to continue the run of that name, if there is one. Its search, evaluator, objective,
                direction, ``order`` and ``reuse`` have to be those of this run. Stop, limits and retries may differ, as
                may pool, observers and context where they are given. Differences are recorded on the tape, as by
                ``restore``.

        Raises:
            FolderExists: A run of that name exists.
            ConfigError: With ``resume``, the run of that name is another run, or this run has no name.
            RunLocked: With ``resume``, another process writes to the run.
            FolderError: The directory cannot be written.
            ReadOnlyRun: This is a checked-out run.
        """
        self._refuse_readonly("prepare()")
        refuse_start(self)
        if self._folder is not None:
            raise RunlibError(f"this run is prepared already, in {self._folder.path}")
        found = existing(directory, self.name) if resume else None
        if found is not None:
            return self._resume(found)
        try:
            return self._make(directory)
        except FolderExists as error:
            if not resume:
                raise
            return self._resume(RunFolder.find(error.folder))  # another process made the folder at the same moment

    def _make(self, directory: str | Path) -> Self:
        self._parts["search"] = search = unserved(self.search)
        self.program = Program.running(absolute(directory))
        metadata = make_metadata(self.get_config())
        sync, clock = self.context["sync"], SessionClock()
        begun = Session(session_info({**self._execution(), "clocks": clock.noted()}))
        self._folder, lock, position = RunFolder.create(directory, self.name, metadata, begun, sync=sync, clock=clock)
        self._state = opening.live_state(metadata, self._folder.tape, search, clock)
        self._access = WriteAccess(self._folder, self._state, sync)
        try:
            self._access.take_new(lock, position, clock)
        except BaseException:
            lock.release()
            raise
        return self

    @classmethod
    @told_in_one_line(lambda: OPENING)
    def restore(
        cls,
        folder: str | Path,
        *,
        new_stop: AnyStop | None = None,
        search: Any = None,
        evaluator: Evaluator | Callable[..., Any] | str | None = None,
        trial_timeout: float | EllipsisType | None = ...,
        caught_exceptions: Exceptions | EllipsisType = ...,
        retries: Mapping[Exceptional, int] | EllipsisType | None = ...,
        pool: Pool | Mapping[str, Any] | str | None = None,
        observers: Sequence[Observer | Mapping[str, Any] | str] | None = None,
        verify: bool = False,
        steal_lock: bool = False,
        plugins: bool = True,
        trust: bool = False,
        context: Mapping[str, Any] | None = None,
    ) -> Self:
        """Opens a run to continue it where its tape ends; trials that were live start first.

        Args:
            folder: The folder of the run.
            new_stop: A stop that replaces the one of the run; the change is recorded on the tape.
            search: The search of the run, or its optimizer, if it cannot be made from the tape.
            evaluator: The evaluator of the run, if it cannot be made from the tape: a function of the same name or with
                the same source, whatever module it was imported from; its name, ``module:name`` or ``file.py:name``; or
                an object of the same config.
            trial_timeout: A limit that replaces the one of the run; the change is recorded on the tape.
            caught_exceptions: Exceptions that replace those of the run; the change is recorded on the tape.
            retries: Numbers of attempts that replace those of the run; the change is recorded on the tape.
            pool: A pool that replaces the last one of the run.
            observers: Observers that replace the last ones of the run.
            verify: Whether to ask the search again for every old suggestion, and to compare them.
            steal_lock: Whether to take the lock even from a process that seems to hold it, on a network disk. First
                make sure that this process is dead.
            plugins: Whether to import the code that the tape names: plugins, the module or file of the evaluator's
                function, the script behind the run. Without it the run may need a ``search`` and an ``evaluator``.
            trust: Whether to import this code even if it, or the tape, belongs to another user of this machine.
            context: Values that replace those of the last context. ``max_workers`` and the others keep their last
                values unless they are given, because another number of workers leads to other suggestions.

        Raises:
            NotARun: The folder contains no tape.
            RunLocked: Another process writes to the run.
            TapeCorrupt: The tape is damaged.
            ReplayMismatch: The search does not make the suggestions that are on the tape.
            ConfigError: A component cannot be made, or its config differs from the one on the tape.
            NotTrusted: The tape names code that belongs to another user.
        """
        refuse_start()
        given: dict[str, Any] = {} if new_stop is None else {"stop": new_stop}
        settings = {"trial_timeout": trial_timeout, "caught_exceptions": caught_exceptions, "retries": retries}
        given.update((key, value) for key, value in settings.items() if value is not ...)
        execution = {"pool": pool, "observers": observers, "context": context}
        found = RunFolder.find(folder)
        opening.refuse_foreign(found)
        past = {"evaluator": evaluator, "search": search, "verify": verify, "trust": Trust(found.tape, plugins, trust)}
        return cls._restore(found, past, given, execution, steal=steal_lock)

    @classmethod
    def _restore(
        cls,
        folder: RunFolder,
        past: dict[str, Any],
        given: dict[str, Any],
        execution: dict[str, Any],
        steal: bool = False,
    ) -> Self:
        """Takes the lock, replays the tape, and continues the run from there."""
        lock = FolderLock(folder.path, steal=steal)
        try:
            return cls._of_past(Past(folder, context=execution["context"], **past), lock, given, execution)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _of_past(cls, past: Past, lock: FolderLock, given: dict[str, Any], execution: dict[str, Any]) -> Self:
        with past.source.standing_in():
            execution = opening.execution_of_old(past.noted, execution)
            before = {**past.settings, "evaluator": past.source.evaluator(execution["context"])}
            run = cls(**{**before, **given, "search": past.search}, **execution)
        run._go_on(past, lock, given)
        return run

    def _go_on(self, past: Past, lock: FolderLock, changeable: Iterable[str]) -> None:
        """Opens the tape for writing at its end, and records which of the changeable settings have changed."""
        self._folder, self._state, self._trust = past.folder, past.state, past.source.trust
        self.begun_in = None if past.source.program is None else past.source.program.folder
        self.evaluates_in = past.source.kept_folder
        self.program, self.found_by = past.source.next_program(), past.source.found_by
        self.ended_before = None if past.state.ended is None else past.state.ended.reason
        self._access = WriteAccess(past.folder, past.state, self.context["sync"])
        changed_globals = past.source.changed_globals(self.evaluator, past.noted)
        opening.warn_of_changes(self.evaluator, past.noted, changed_globals)
        now, before = plain(self.get_config())[self.kind], {**DEFAULTS, **past.settings}
        changed = {key: now[key] for key in changeable if now[key] != before.get(key)}
        self._access.take(lock, past.end, self._execution(changed))

    def _resume(self, folder: RunFolder) -> Self:
        """Continues the run in a folder, if it is the same run as this one."""
        opening.refuse_foreign(folder)
        lock = FolderLock(folder.path)
        try:
            past = Past(folder, self.evaluator, context=self.given_context)
            refuse_difference(past, self)
            self._take_over(past)
            self._go_on(past, lock, CHANGEABLE)
        except BaseException:
            lock.release()
            raise
        return self

    def _take_over(self, past: Past) -> None:
        """Takes over pool, observers, context and evaluator of the past run, except for those that were given now."""
        with past.source.standing_in():
            execution = opening.execution_of_old(past.noted, self._execution_given)
            if self.evaluator is not None:
                self._parts["evaluator"] = past.source.evaluator(execution["context"])
            self.context = execution["context"]
            self._set_execution(execution)

    @classmethod
    @told_in_one_line(lambda: OPENING)
    def fork(
        cls,
        folder: str | Path,
        at: int | None = None,
        *,
        directory: str | Path = ".",
        name: str | None = None,
        search: Search | Mapping[str, Any] | None = None,
        stop: AnyStop | None = None,
        evaluator: Evaluator | Callable[..., Any] | str | None = None,
        pool: Pool | Mapping[str, Any] | str | None = None,
        observers: Sequence[Observer | Mapping[str, Any] | str] | None = None,
        plugins: bool = True,
        trust: bool = False,
        context: Mapping[str, Any] | None = None,
    ) -> Self:
        """Makes a new run that begins with the history of another; the other run is only read, and may be running.

        Args:
            folder: The folder of the origin.
            at: The number of the last record that is copied from the origin; None for all records.
            directory: The folder in which the new folder is made.
            name: The name of the new run; None for two random words.
            search: A search that replaces the one of the origin and adopts the old trials.
            stop: A stop that replaces the one of the origin.
            evaluator: The evaluator, as in ``restore``.
            pool: A pool that replaces the last one of the origin.
            observers: Observers that replace the last ones of the origin.
            plugins: Whether to import the code that the tape names, as in ``restore``.
            trust: Whether to import this code even if it, or the run that is forked, belongs to another user.
            context: Values that replace those of the last context of the origin.

        Raises:
            FolderExists: A run of that name exists.
            TapeError: The tape has fewer records, or is damaged before that record.
        """
        refuse_start()
        changes = {"search": config_of("search", search, Search), "stop": config_of("stop", stop, Stop), "name": name}
        origin = RunFolder.find(folder)
        made = make_fork(origin, at, directory, changes)
        try:
            execution = {"pool": pool, "observers": observers, "context": context}
            # The new tape belongs to this user, but the names of code on it come from the old tape.
            past = {"evaluator": evaluator, "search": search, "trust": Trust(origin.tape, plugins, trust)}
            return cls._restore(made, past, {}, execution)
        except BaseException:
            discard(made.path)
            raise

    @classmethod
    def checkout(
        cls, folder: str | Path, *, at: int | None = None, trust: bool = False, context: Mapping[str, Any] | None = None
    ) -> Self:
        """Opens a run for reading: nothing in its folder changes, and a component is made only when it is asked for.

        This works while another process writes to the run, without the plugins that the run needs, and on tapes of
        cmlkit. With ``at`` the result is the run after that record (0: before the first). Later records are not read,
        so a damaged tape can be read up to the damage. If a component is asked for, the code that the tape names is
        imported; with ``trust`` this also holds for code, or a tape, that belongs to another user.

        Raises:
            NotARun: The folder contains no tape.
            TapeError: The tape is damaged (``TapeCorrupt``), or has no record ``at``.
        """
        run = cls.__new__(cls)
        Component.__init__(run, context)
        run._folder = RunFolder.find(folder)
        run._state, config = opening.read(run._folder, at)
        run._parts = {name: config.get(name) for name in ("search", "evaluator", "stop")}
        run._set(config)
        run._trust = Trust(run._folder.tape, others=trust)
        run.readonly, run._access, run._manual = True, None, None
        return run

    def _set_execution(self, execution: Mapping[str, Any]) -> None:
        pool, context = execution["pool"], execution["context"]
        self.pool = self.build("pool", pool if pool is not None else ProcessPool(context), Pool)
        self.pool.slots(self.context)  # raises the pool's errors before the folder is made
        self._observers = make_observers(execution["observers"], self.build, context)

    def _execution(self, changed: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return noted_execution(self, self.pool, self.observers, changed)

    def _refuse_readonly(self, what: str) -> None:
        raise NotImplementedError(f"{type(self).__qualname__} does not say whether it may do {what}")
