"""Makes one suggestion by the algorithms of hyperopt: ``rand``, ``tpe``, ``anneal`` and mixes of them.

The same history and seed give the same values as ``suggest`` of hyperopt's module of that name. A suggestion takes less
work, because no graph is built or walked and no document is read; everything is in the columns of the history. This
module and those it imports load hyperopt, and are themselves loaded at the first suggestion.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from runlib.search.common.history import SHOWN, History
from runlib.search.hyperopt.draws import Array, Draw, narrowed, prior_draw
from runlib.search.hyperopt.graph import Orders
from runlib.search.hyperopt.tpe import Estimate, estimator, split
from runlib.space.nodes import Variable
from runlib.space.tree import Space

__all__ = ["Engine", "Settings"]

ANNEAL_RANK = 2.0  # mean rank of the trial that anneal starts from, hyperopt's avg_best_idx
ANNEAL_SHRINK = 0.1  # how fast it narrows, hyperopt's shrink_coef


@dataclass(frozen=True, slots=True)
class Settings:
    """Holds the arguments of ``Hyperopt`` that its algorithms take; ``mix`` has (probability, method) pairs."""

    method: str
    mix: tuple[tuple[float, str], ...]
    n_startup_jobs: int
    n_EI_candidates: int  # noqa: N815  hyperopt's name for it
    gamma: float
    prior_weight: float


@dataclass(frozen=True, slots=True)
class _Seen:
    """Holds the trials that count, oldest first: losses of shape (trials,), rows of shape (trials, variables)."""

    losses: Array
    rows: Array


class Engine:
    """Runs the algorithms for one search space."""

    def __init__(self, space: Space, settings: Settings) -> None:
        self.width = len(space.variables)
        self.settings = settings
        self.orders = Orders(space)

    @functools.cached_property
    def priors(self) -> list[tuple[Variable, Draw]]:
        """Returns each variable with the function that draws it at random, in hyperopt's order."""
        return [(variable, prior_draw(variable.distribution)) for variable in self.orders.prior()]

    @functools.cached_property
    def estimates(self) -> list[tuple[Variable, Estimate]]:
        """Returns each variable with the function by which ``tpe`` suggests it, in hyperopt's order."""
        weight, candidates = float(self.settings.prior_weight), self.settings.n_EI_candidates
        return [
            (variable, estimator(variable.distribution, prior_weight=weight, candidates=candidates))
            for variable in self.orders.posterior()
        ]

    def suggest(self, history: History, seed: int) -> list[float]:
        """Returns the raw numbers of the next trial of ``history``, NaN where inactive."""
        with np.errstate(all="ignore"):
            if self.settings.method != "mix":
                return self._by(self.settings.method, history, seed)
            rng = np.random.default_rng(seed)
            shares = [share for share, _ in self.settings.mix]
            method = self.settings.mix[rng.multinomial(1, shares).argmax()][1]
            return self._by(method, history, int(rng.integers(2**31)))

    def _by(self, method: str, history: History, seed: int) -> list[float]:
        if method == "anneal":
            return self._anneal(_seen(history), seed + len(history))
        if method == "tpe" and _count(history) >= self.settings.n_startup_jobs:
            return self._tpe(_seen(history), seed)
        return self._rand(seed)

    def _rand(self, seed: int) -> list[float]:
        rng = np.random.default_rng(seed)
        row = [np.nan] * self.width
        for variable, draw in self.priors:
            if _active(variable, row):
                row[variable.index] = draw(rng)
        return row

    def _tpe(self, seen: _Seen, seed: int) -> list[float]:
        rng = np.random.default_rng(seed)
        row = [np.nan] * self.width
        below = split(seen.losses, self.settings.gamma)
        good, bad = seen.rows[below], seen.rows[~below]
        for variable, estimate in self.estimates:
            if _active(variable, row):
                values = _given(good, variable), _given(bad, variable)
                row[variable.index] = estimate(*values, rng)
        return row

    def _anneal(self, seen: _Seen, seed: int) -> list[float]:
        rng = np.random.default_rng(seed)
        row = [np.nan] * self.width
        chosen: list[int] = []
        for variable, draw in self.priors:
            if not _active(variable, row):
                continue
            had = np.flatnonzero(~np.isnan(seen.rows[:, variable.index]))
            if len(had):
                start = seen.rows[_start(had, seen.losses, chosen, rng), variable.index]
                draw = narrowed(variable.distribution, float(start), 1 / (1 + len(had) * ANNEAL_SHRINK))
            row[variable.index] = draw(rng)
        return row


def _start(had: npt.NDArray[np.intp], losses: Array, chosen: list[int], rng: np.random.Generator) -> int:
    """Returns the trial to stay near to: one from ``chosen``, or a good one by rank, which is added to ``chosen``."""
    for trial in chosen:
        if trial in had:
            return trial
    rank = min(int(rng.geometric(1 / ANNEAL_RANK)) - 1, len(had) - 1)
    chosen.append(int(had[np.argsort(losses[had])[rank]]))
    return chosen[-1]


def _active(variable: Variable, row: Sequence[float]) -> bool:
    return variable.active(row)


def _given(rows: Array, variable: Variable) -> Array:
    column = rows[:, variable.index]
    # It is contiguous like the arrays of hyperopt, because the layout may change the last bit of a logarithm.
    return np.ascontiguousarray(column if variable.parent is None else column[~np.isnan(column)])


def _count(history: History) -> int:
    return sum(map(history.states.count, SHOWN))


def _seen(history: History) -> _Seen:
    # These are copies, because an array cannot grow while another object uses its memory.
    rows = np.array(history.rows).reshape(len(history), history.width)
    losses = np.array(history.losses)
    if _count(history) == len(history):
        return _Seen(losses, rows)
    shown = np.isin(np.frombuffer(bytes(history.states), dtype=np.uint8), SHOWN)
    return _Seen(losses[shown], rows[shown])
