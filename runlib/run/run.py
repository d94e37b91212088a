"""Defines ``Run``, which combines search, evaluator, stop, pool, tape and observers.

This module holds the public interface. Other modules of this package make the folder, open the tape and run the loop. A
run holds the lock of its folder from ``prepare`` or ``restore`` until ``run()`` returns, ``close()`` is called, or
``with run:`` ends. A later call takes the lock again and reads the records that were added in the meantime.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from types import EllipsisType
from typing import Any, Self

from runlib.engine.arguments import known_arguments
from runlib.engine.code.trust import current, importing_under
from runlib.errors import ReadOnlyRun, RunlibError
from runlib.evaluator.base import Evaluator
from runlib.observe.base import Observer
from runlib.pool.base import Pool
from runlib.run.edits.edit import Editing
from runlib.run.edits.inbox import Edit
from runlib.run.fit import check_fit
from runlib.run.folder import opening
from runlib.run.folder.access import WriteAccess
from runlib.run.folder.beginning import OPENING, Beginning
from runlib.run.folder.folder import RunFolder
from runlib.run.given import AnyDirection, AnyStop, Exceptional, Exceptions, check_places
from runlib.run.loop.ending import announce, announce_start, summary, telling_on_terminal, working_folders
from runlib.run.loop.interrupted import told_in_one_line
from runlib.run.loop.observers import shown_to
from runlib.run.loop.session import make_parts, make_policy, run_session
from runlib.run.loop.signals import listening
from runlib.run.manual import ByHand, ManualDriver
from runlib.run.parts import warn_of_context
from runlib.run.settings import CAUGHT, check_context, check_duration, check_settings, native_context
from runlib.search.base import Search
from runlib.state.state import Order, State

__all__ = ["Run"]


@known_arguments
class Run(ByHand, Editing, Beginning):
    """Runs a search, an evaluator and a stop so that no finished trial is lost.

    ::

        run = Run(search, evaluator, stop).prepare().run(duration=5)
        run = Run.restore(run.work_directory).run()
        state = Run.checkout(run.work_directory).state

    Args:
        search: The search, which makes the suggestions; like every component an object or a config.
        evaluator: The evaluator, which computes the loss of a suggestion; a callable, or its name ``module:name`` or
            ``file.py:name``, is wrapped. None for a run that is driven by hand, by ``suggest()`` and ``submit()``.
        stop: The stop, which decides when the run has done enough: a stop, a number of trials, or a list of these, of
            which the first one that is reached counts.
        objective: The key of the evaluator's result that counts; its value is the ``loss`` of the trial. A result
            without this key is an error of the trial.
        direction: ``"min"`` (or ``"minimize"``) if smaller losses are better, ``"max"`` if greater ones are; it holds
            for search and stops.
        trial_timeout: The limit of one evaluation in seconds; None for no limit.
        caught_exceptions: The exceptions, or their names, that become results of their trials; a base class covers its
            subclasses. Any other exception ends the run, and its trial stays live.
        retries: The numbers of further attempts at a trial whose evaluation fails, by the exception, its name, or the
            name of a base class, such as ``{"WorkerLost": 1}``; the last attempt counts.
        reuse: Whether a repeated suggestion is answered by the known evaluation.
        order: ``"completed"`` if the search is told of each result as soon as it arrives. ``"suggested"`` if it is told
            in the order of suggestions: each suggestion then knows the same results whatever the timing, so that two
            runs with the same config, seed and number of workers are the same. A slow trial can then delay the others.
        loss_on_error: The loss that the search is told for a failed trial, instead of the failure; the result of the
            trial stays the error.
        cost_on_error: The ``cost`` that is counted for a failed trial.
        name: The name of the run, whose folder is ``run_<name>``; None for two random words.
        description: A text for the user.
        pool: The pool in which evaluations run; by default one process for each slot. It is not part of the config.
        observers: The observers of the run; by default those that write ``status.txt`` and ``log.log``. They are not
            part of the config.
        context: The settings of how things are computed: ``max_workers`` (None: one for each core),
            ``shutdown_duration`` (seconds before the end in which nothing is started; 30, or a tenth of the duration if
            that is less), ``sync`` ("always", "interval", "never"), ``ahead`` (suggestions made beyond the slots),
            ``devices`` (one for each slot, in turn), ``capture_output`` (to files of the trial), ``memory_limit`` (of
            one trial and all processes that it starts: bytes, or ``"2 GiB"``; Linux), ``max_trials_per_worker`` (after
            which a fresh worker takes its place); and a dict under a kind, which is for components of that kind alone.

    Attributes:
        announces: Whether ``run()`` prints on a terminal how it ended; the command line prints this in its own way.

    Raises:
        ConfigError: An argument is wrong; the message names its place.
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
        search: Search | Mapping[str, Any] | EllipsisType = ...,
        evaluator: Evaluator | Callable[..., Any] | Mapping[str, Any] | str | EllipsisType | None = ...,
        stop: AnyStop | EllipsisType = ...,
        *,
        objective: str = "loss",
        direction: AnyDirection = "min",
        trial_timeout: float | None = None,
        caught_exceptions: Exceptions = CAUGHT,
        retries: Mapping[Exceptional, int] | None = None,
        reuse: bool = True,
        order: Order = "completed",
        loss_on_error: float | None = None,
        cost_on_error: float | None = None,
        name: str | None = None,
        description: str | None = None,
        pool: Pool | Mapping[str, Any] | str | None = None,
        observers: Sequence[Observer | Mapping[str, Any] | str] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        check_places(search, evaluator, stop)
        context = native_context(context, self.default_context)
        super().__init__(context)
        settings = {
            "objective": objective,
            "direction": direction,
            "trial_timeout": trial_timeout,
            "caught_exceptions": caught_exceptions,
            "retries": retries,
            "reuse": reuse,
            "order": order,
            "loss_on_error": loss_on_error,
            "cost_on_error": cost_on_error,
            "name": name,
            "description": description,
        }
        self._set(check_settings(settings))
        check_context(self.context)
        self._parts: dict[str, Any] = {"search": search, "evaluator": evaluator, "stop": stop}
        self.readonly = False
        self._access: WriteAccess | None = None
        self._manual: ManualDriver | None = None
        self._manual_lock = threading.Lock()
        self._folder: RunFolder | None = None
        self._state: State | None = None
        self._execution_given = {"pool": pool, "observers": observers, "context": context}
        self._set_execution(self._execution_given)
        _ = self.search, self.evaluator, self.stop
        check_fit(self.evaluator, self.search)
        warn_of_context(self.given_context)

    # -- running ---------------------------------------------------------------------------------

    def run(self, duration: float | None = None, *, progress: bool | None = None) -> Self:
        """Run until the stop is reached, the search is exhausted, or the duration has passed.

        Args:
            duration: The limit in minutes of wall clock; None for no limit. Trials that run at its end are cancelled,
                and start first when the run is continued.
            progress: Whether to show the progress on standard error; None to show it on a terminal or in a notebook.

        Returns:
            The run itself, which can be run again.

        Raises:
            EvaluationError: An evaluation failed with an exception that is not in ``caught_exceptions``.
            KeyboardInterrupt: SIGINT came; the run ended in order and can be restored. A script that does not catch
                this exception ends with one line and exit code 130.
            SystemExit: SIGTERM, SIGUSR1 or SIGUSR2 came; the run ended in order and can be restored. The exit code is
                128 plus the number of the signal.
            ReadOnlyRun: This is a checked-out run.
        """
        self._refuse_readonly("run()")
        duration = check_duration(duration)
        access = self._require_access()
        if self._manual is not None:
            raise RunlibError(f"{self.work_directory} is driven by hand; close() it before run()")
        if self.evaluator is None:
            raise RunlibError("this run has no evaluator: drive it by suggest() and submit(), or give it one")
        self.evaluator.objective = self.objective
        before = len(self.state.trials)
        with told_in_one_line(lambda: OPENING):
            access.begin(self._execution())
        try:
            observers = shown_to(self.observers, progress, self.given_context)
            with told_in_one_line(lambda: summary(self, before)), importing_under(self._trust or current()):
                self._run(self.evaluator, observers, None if duration is None else 60 * duration)
        finally:
            access.leave()
        if self.announces:
            announce(self, before)
        return self

    def _run(self, evaluator: Evaluator, observers: Sequence[Observer], seconds: float | None) -> None:
        if self.announces:
            announce_start(self)
        with listening() as interrupt, telling_on_terminal(self.announces), working_folders(self, self.pool):
            policy = make_policy(self, self.pool.slots(self.context), seconds)
            parts = make_parts(self, self.pool, observers, self._require_access().held, seconds)
            end = run_session(parts, policy, interrupt, evaluator, self.context)
        if end.reason == "signal":
            raise KeyboardInterrupt if interrupt.name == "SIGINT" else SystemExit(128 + (interrupt.signum or 0))

    def __call__(self, duration: float | None = None, *, progress: bool | None = None) -> Self:
        """Does the same as ``run``."""
        return self.run(duration, progress=progress)

    def _by_hand(self) -> ManualDriver:
        self._refuse_readonly("suggest() or submit()")
        access = self._require_access()
        with self._manual_lock:
            if access.turning:
                raise RunlibError(f"{self.work_directory} runs: suggest() and submit() are for runs driven by hand")
            if self._manual is None:
                access.take_again(self._execution())
                parts = make_parts(self, self.pool, self.observers, access.held, None)
                self._manual = ManualDriver(parts, make_policy(self, self.pool.slots(self.context), None))
            return self._manual

    def _edit(self, event: Edit) -> None:
        self._refuse_readonly("edit")
        self._require_access().edit(event, self._manual)

    def _refuse_readonly(self, what: str) -> None:
        if self.readonly:
            opening.refuse_foreign(self._require_folder())
            folder = self.work_directory
            way = f"Inbox({str(folder)!r}), or " if what == "edit" else ""
            raise ReadOnlyRun(f"{folder} was checked out for reading: {what} needs {way}Run.restore({str(folder)!r})")
