"""Spaces as the documentation of the other tools has them, pasted as they stand and run for 20 trials."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runlib import Hyperopt, Run, SerialPool, StopMax, from_config, from_hyperopt
from runlib.engine.data.yamlfile import parse_yaml

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from hyperopt import hp

Suggestion = dict[str, Any]


class neps:  # noqa: N801  as the tool is called
    """What the pasted call needs of NePS: its parameters, and a ``run`` that hands out its space."""

    class Float:
        def __init__(self, lower: float, upper: float, log: bool = False) -> None:
            self.lower, self.upper, self.log, self.has_prior = lower, upper, log, False

    class Integer(Float):
        pass

    @staticmethod
    def run(run_pipeline: Any, pipeline_space: Any, root_directory: str, **totals: int) -> Any:
        assert totals == {"max_evaluations_total": 50, "max_cost_total": 1000}
        return pipeline_space


class Searchspace:
    """What the pasted line needs of Maggy."""

    def __init__(self, **given: Any) -> None:
        self._given = given

    def to_dict(self) -> dict[str, Any]:
        return self._given


def train(suggestion: Suggestion) -> float:
    return 0.0


def of_neps() -> Any:
    # fmt: off
    return neps.run(run_pipeline=train, pipeline_space={"learning_rate": neps.Float(1e-3, 1e-1, log=True), "epochs": neps.Integer(10, 100)}, root_directory="results/a", max_evaluations_total=50, max_cost_total=1000)  # noqa: E501
    # fmt: on


NEPS_YAML = """
evaluate_pipeline: train.py:train
pipeline_space:
  batch_size: 64                 # constant
  optimizer: [adam, sgd, adamw]  # categorical
  alpha: [0.01, 1.0]             # float range (two ordered numbers)
  n_layers: [1, 10]              # integer range
  learning_rate: {lower: 1e-5, upper: 1e-1, log: true, prior: 1e-3, prior_confidence: high}
  epochs: {lower: 5, upper: 20, is_fidelity: true}
root_directory: results/a
max_evaluations_total: 100
optimizer: {name: bayesian_optimization, initial_design_size: 5, surrogate_model: gp}
"""


def of_neps_in_yaml() -> Any:
    return parse_yaml(NEPS_YAML)["pipeline_space"]


def of_maggy() -> Any:
    # fmt: off
    sp = Searchspace(kernel=("INTEGER", [2, 8]), pool=("INTEGER", [2, 8]), dropout=("DOUBLE", [0.01, 0.99]))
    # fmt: on
    return sp  # noqa: RET504


def of_hyperopt() -> Any:
    # fmt: off
    space = hp.choice("a", [("case 1", 1 + hp.lognormal("c1", 0, 1)), ("case 2", hp.uniform("c2", -10, 10))])
    # fmt: on
    return space  # noqa: RET504


def of_amltk() -> Any:
    # fmt: off
    space = {"x": (-10.0, 10.0), "y": ["cat", "dog", "fish"]}
    # fmt: on
    return space  # noqa: RET504


def is_of_neps(s: Suggestion) -> bool:
    return (
        s.keys() == {"learning_rate", "epochs"} and 1e-3 <= s["learning_rate"] <= 0.1 and s["epochs"] in range(10, 101)
    )


def is_of_neps_in_yaml(s: Suggestion) -> bool:
    kept = (s["batch_size"], s["epochs"]) == (64, 20) and s["optimizer"] in ["adam", "sgd", "adamw"]
    return kept and 0.01 <= s["alpha"] <= 1 and s["n_layers"] in range(1, 11) and 1e-5 <= s["learning_rate"] <= 0.1


def is_of_maggy(s: Suggestion) -> bool:
    return s["kernel"] in range(2, 9) and s["pool"] in range(2, 9) and 0.01 <= s["dropout"] <= 0.99 and len(s) == 3


def is_of_hyperopt(s: Any) -> bool:
    case, number = s
    return number > 1 if case == "case 1" else case == "case 2" and -10 <= number <= 10


def is_of_amltk(s: Suggestion) -> bool:
    return -10 <= s["x"] <= 10 and s["y"] in ["cat", "dog", "fish"] and len(s) == 2


QUICKSTARTS: list[tuple[str, Callable[[], Any], Callable[[Any], bool]]] = [
    ("amltk", of_amltk, is_of_amltk),
    ("hyperopt", of_hyperopt, is_of_hyperopt),
    ("maggy", of_maggy, is_of_maggy),
    ("neps", of_neps, is_of_neps),
    ("neps", of_neps_in_yaml, is_of_neps_in_yaml),
]


def size(suggestion: Any) -> float:
    """Some loss of any suggestion."""
    if isinstance(suggestion, dict):
        return sum(map(size, suggestion.values()))
    if isinstance(suggestion, list):
        return sum(map(size, suggestion))
    return math.tanh(suggestion) if isinstance(suggestion, int | float) else len(suggestion) / 10


@pytest.mark.parametrize(("name", "space", "fits"), QUICKSTARTS, ids=[made.__name__ for _, made, _ in QUICKSTARTS])
def test_the_space_of_a_quickstart_runs(name: str, space: Any, fits: Any, tmp_path: Path) -> None:
    search = from_config({"search_hyperopt": {"space": {name: space()}, "n_startup_jobs": 10}})
    run = Run(search, size, StopMax(20), pool=SerialPool()).prepare(tmp_path).run()
    tried = [run.state.trials[tid][1]["suggestion"] for tid in run.state.trials]
    assert len(tried) == 20
    assert all(map(fits, tried))
    assert len({repr(suggestion) for suggestion in tried}) > 15
    again = Run.restore(run.work_directory, new_stop=StopMax(22), pool=SerialPool()).run()
    assert len(again.state.trials) == 22


def test_the_quickstart_of_hyperopt_as_a_function() -> None:
    assert Hyperopt(from_hyperopt(of_hyperopt())).suggest() == Hyperopt({"hyperopt": of_hyperopt()}).suggest()
