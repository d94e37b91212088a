"""Searches with hyperopt: tree of Parzen estimators, annealing, random search, and mixes of these.

The algorithms are hyperopt's, value for value; trials, seeds and restoring are runlib's. Suggestion *k* draws from a
generator seeded by ``seed_for(seed, k)`` and depends on the history alone. So recalling earlier suggestions never runs
the algorithm and needs no hyperopt, which is imported at the first suggestion.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

from runlib.engine.data.copies import Copied
from runlib.engine.data.shape import shaped
from runlib.engine.extras import load
from runlib.errors import ReplayMismatch, SpaceError
from runlib.search.base import Search, seed_for
from runlib.search.common import checks
from runlib.search.common.history import History
from runlib.search.common.spaces import space_of
from runlib.space.distributions.distribution import Integers

__all__ = ["Hyperopt"]

MAX_INDICES = 2**20  # indices of one variable; tpe and anneal keep a number for each


class Hyperopt(Search):
    """Searches with the algorithms of hyperopt.

    Pending trials count as hyperopt counts them: towards ``n_startup_jobs``, and with an infinite loss. A failed trial
    gets an infinite loss, as hyperopt gives one to the status ``"fail"``, so the algorithm avoids places where trials
    fail. Without ``errors_ok`` a failed trial is hidden, as hyperopt hides a trial in its error state, and keeps its
    ``tid``. A loss that is NaN counts as a failure. The variance of a loss is not used.

    Typed parameters go beyond hyperopt. A number between bounds is a uniform of hyperopt. If there are steps, it is
    quantised and has half a step more at both ends, so that these are as likely as the other values. An ordinal is the
    number of its option. ``rand`` and the start-up draw from a prior. In the estimates of ``tpe`` it replaces
    hyperopt's own prior, and a categorical with a prior is a ``pchoice``. ``anneal`` draws from the prior until there
    is a trial to stay near to. A fidelity is a constant at its upper bound.

    The algorithm learns of an adopted suggestion as of an own one if it lies in the search space. Otherwise the trial
    gets its ``tid`` and its result is accepted, but the algorithm does not see it. If the suggestion fits several
    options of a choice, the first of them is taken.

    Args:
        space: The search space: typed parameters, text form, arithmetic, see ``runlib.Space``.
        seed: The seed; suggestions are a function of it and of the history.
        method: The method: ``"tpe"``, ``"rand"``, ``"anneal"``, ``"mix"`` (rand 0.1, anneal 0.2, tpe 0.7), or a mix
            with other probabilities, ``{"mix": [[0.2, "rand"], [0.8, "tpe"]]}``.
        errors_ok: Whether failed trials get an infinite loss. If they are hidden, the algorithm learns nothing from a
            failure and keeps trying where trials often fail.
        n_startup_jobs: The number of trials below which tpe draws at random.
        n_EI_candidates: The number of draws for each variable; tpe takes the best of them.
        gamma: The parameter of the split: the best ceil(gamma sqrt(N)) of N trials, at most 25, are the good ones of
            tpe.
        prior_weight: The weight of the prior in the estimates of tpe.
        context: Not used by this search.

    Raises:
        SpaceError: The search space is wrong, with the place.
        ConfigError: Another argument is wrong.
    """

    kind = "search_hyperopt"
    also_called = (
        "tpe",
        "bayes",
        "bayesian",
        "bayesopt",
        "bayesian_optimization",
        "smbo",
        "rand",
        "anneal",
        "annealing",
        "simulated_annealing",
        "mix",
    )
    earlier_defaults: ClassVar[Mapping[str, Any]] = {"errors_ok": False}
    space = Copied()
    method = Copied()

    def __init__(
        self,
        space: Any,
        seed: int = 123,
        method: str | Mapping[str, Any] = "tpe",
        errors_ok: bool = True,
        n_startup_jobs: int = 20,
        n_EI_candidates: int = 24,  # noqa: N803  hyperopt's name for it
        gamma: float = 0.25,
        prior_weight: float = 1.0,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(context)
        self._space = space_of(space)
        self.space = self._space.data
        self.seed = checks.seed(seed)
        self.method = checks.named_method(method)
        self._method, self._mix = checks.method(self.method)
        self.errors_ok = checks.flag("errors_ok", errors_ok)
        self.n_startup_jobs = checks.integer("n_startup_jobs", n_startup_jobs, least=0)
        self.n_EI_candidates = checks.integer("n_EI_candidates", n_EI_candidates, least=1)
        self.gamma = checks.positive("gamma", gamma)
        self.prior_weight = checks.positive("prior_weight", prior_weight)
        self._check_sizes()
        self._history = History(len(self._space.variables))
        self._engine: Any = None

    def suggest(self) -> tuple[int, Any]:
        """Returns the next ``(tid, suggestion)``; it is never exhausted, and points of a small space repeat."""
        row = self._ready().suggest(self._history, seed_for(self.seed, len(self._history)))
        suggestion = self._space.assemble(row)
        return self._history.add(row), suggestion

    def submit(self, tid: int, *, error: bool = False, loss: float | None = None, var: float | None = None) -> None:
        """Learns the outcome of trial ``tid``.

        Raises:
            SearchError: There is no such trial, it was submitted before, or it has neither loss nor error.
        """
        self._history.hear(tid, error=error, loss=loss, worst=math.inf if self.errors_ok else None)

    def memo(self, tid: int) -> Any:
        """Returns the indices of the options of trial ``tid``, and exponents, by label; None if there are none."""
        return self._space.memo(self._history.row(tid))

    def recall(self, tid: int, suggestion: Any, memo: Any) -> None:
        """Takes back an earlier suggestion of this search, which is read from the suggestion and its memo.

        Raises:
            ReplayMismatch: It is not the next trial, or not of this search space.
        """
        self._history.expect(tid)
        try:
            row = self._space.read(suggestion, memo)
        except SpaceError as error:
            raise ReplayMismatch(f"trial {tid} cannot be recalled: it {error.reason}") from error
        self._history.add(row)

    def adopt(self, suggestion: Any) -> int:
        """Adds a trial that this search did not suggest; the algorithm sees it if it lies in the search space."""
        return self._history.add(self._space.locate(shaped(suggestion)))

    def forget(self, tid: int) -> None:
        """Excludes trial ``tid``, unless a new result of it is submitted.

        Raises:
            SearchError: There is no such trial.
        """
        self._history.hide(tid)

    def _ready(self) -> Any:
        if self._engine is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # hyperopt and its dependencies warn at import
                module = load("runlib.search.hyperopt.engine")
            self._engine = module.Engine(self._space, self._settings(module))
        return self._engine

    def _settings(self, module: Any) -> Any:
        return module.Settings(
            method=self._method,
            mix=self._mix,
            n_startup_jobs=self.n_startup_jobs,
            n_EI_candidates=self.n_EI_candidates,
            gamma=self.gamma,
            prior_weight=self.prior_weight,
        )

    def _check_sizes(self) -> None:
        for variable in self._space.variables if self._method != "rand" else ():
            given = variable.distribution
            if isinstance(given, Integers) and given.high - given.low > MAX_INDICES:
                raise SpaceError(
                    f"hp_randint over {given.high - given.low} values is too much for {self._method}, which takes "
                    "them for unordered options; use hp_uniformint",
                    variable.path,
                )
