"""How a run comes to its folder: it is made, gone on with, forked off another, or only read.

Whatever opens a folder for writing takes its lock first, and notes on the tape who writes from there on.
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
    """What a run does to have a folder.

    Attributes:
        pool: Where evaluations run.
        observers: Who listens, in a list of its own at each reading; it is assigned, not changed in place.
    """

    pool: Pool
    _observers: list[Observer]
    _execution_given: dict[str, Any]

    @property
    def observers(self) -> list[Observer]:
        """Who listens."""
        return list(self._observers)

    @observers.setter
    def observers(self, observers: Sequence[Observer | Mapping[str, Any] | str] | None) -> None:
        self._observers = make_observers(observers, self.build, self.given_context)

    @told_in_one_line(lambda: OPENING)
    def prepare(self, directory: str | Path = ".", *, resume: bool = False) -> Self:
        """Make the folder of the run, ``directory/run_<name>``, and hold it.

        Args:
            directory: Where; missing parents are made.
            resume: Go on with the run of that name, if there is one. Its search, evaluator, objective, direction,
                ``order`` and ``reuse`` have to be those of this one. Stop, limits and retries may differ, and pool,
                observers and context where they are given; that is noted on the tape, as by ``restore``.

        Raises:
            FolderExists: A run of that name is there.
            ConfigError: With ``resume``: it is another run, or this one has no name.
            RunLocked: With ``resume``: another process writes to it.
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
            return self._resume(RunFolder.find(error.folder))  # another process made it at the same moment

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
        """Open a run for going on where its tape ends; trials that were live start first.

        Args:
            folder: Of the run.
            new_stop: Instead of the stop that it had; noted on the tape.
            search: The search of the run, or its optimizer, where the tape cannot make one.
            evaluator: The evaluator of the run, where the tape cannot make one: a function, wherever it was imported
                from, of the same name or with the same source; its name, ``module:name`` or ``file.py:name``; or an
                object of the same config.
            trial_timeout: Instead of the one that it had; noted on the tape.
            caught_exceptions: Instead of those that it had; noted on the tape.
            retries: Likewise.
            pool: Instead of the one that it had last.
            observers: Instead of those that it had last.
            verify: Ask the search again for every suggestion of old, and compare.
            steal_lock: Take the lock also from a process that seems to have it, on a network disk, after making sure
                that it is dead.
            plugins: Whether the code that the tape names is imported: plugins, the module or file of the evaluator's
                function, the script behind the run. Without it the run can need a ``search`` and an ``evaluator``.
            trust: Import it also where it, or the tape, belongs to another user of this machine.
            context: Over the one that it had last: ``max_workers`` and the like stay what they were unless given,
                since another number of workers makes other suggestions.

        Raises:
            NotARun: No tape lies in the folder.
            RunLocked: Another process writes to it.
            TapeCorrupt: The tape is damaged.
            ReplayMismatch: The search does not suggest what stands on the tape.
            ConfigError: A component cannot be made, or has another config than the tape says.
            NotTrusted: The tape names code, and one of them belongs to another user.
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
        """Take the lock, live through the past, and go on from there."""
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
        """Write from the end of the past on, noting which of the settings that may change did."""
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
        """Go on with a run that is this one."""
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
        """Be the run of the past, with what was given for it now."""
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
            plugins: As in ``restore``.
            trust: Likewise; it is asked for where the run that is forked belongs to another user.
            context: Over the one that it had last.

        Raises:
            FolderExists: A run of that name is there.
            TapeError: The tape has fewer records, or is damaged before.
        """
        refuse_start()
        changes = {"search": config_of("search", search, Search), "stop": config_of("stop", stop, Stop), "name": name}
        origin = RunFolder.find(folder)
        made = make_fork(origin, at, directory, changes)
        try:
            execution = {"pool": pool, "observers": observers, "context": context}
            # The new tape is mine, but what it names, the old one named.
            past = {"evaluator": evaluator, "search": search, "trust": Trust(origin.tape, plugins, trust)}
            return cls._restore(made, past, {}, execution)
        except BaseException:
            discard(made.path)
            raise

    @classmethod
    def checkout(
        cls, folder: str | Path, *, at: int | None = None, trust: bool = False, context: Mapping[str, Any] | None = None
    ) -> Self:
        """Open a run for reading: nothing in its folder changes, and no component is made unless asked for.

        It works while another process writes to the run, without the plugins that the run needs, and on tapes of
        cmlkit. With ``at`` it is the run after that record (0: before the first), and nothing behind it is looked at,
        so that a damaged tape can be read up to the damage. Where a component is asked for, code that the tape names
        is imported; with ``trust`` also where it, or the tape, belongs to another user.

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
        run._trust = Trust(run._folder.tape, others=trust)
        run.readonly, run._access, run._manual = True, None, None
        return run

    def _set_execution(self, execution: Mapping[str, Any]) -> None:
        pool, context = execution["pool"], execution["context"]
        self.pool = self.build("pool", pool if pool is not None else ProcessPool(context), Pool)
        self.pool.slots(self.context)  # what the pool does not like is said before there is a folder
        self._observers = make_observers(execution["observers"], self.build, context)

    def _execution(self, changed: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return noted_execution(self, self.pool, self.observers, changed)

    def _refuse_readonly(self, what: str) -> None:
        raise NotImplementedError(f"{type(self).__qualname__} does not say whether it may do {what}")
