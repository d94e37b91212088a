"""The component: arguments, what failures and pending trials do, and restoring without hyperopt."""

from __future__ import annotations

import json
import logging
import math
import statistics
import subprocess
import sys

import numpy as np
import pytest

from runlib.engine.component import from_config
from runlib.errors import ConfigError, ReplayMismatch, SearchError, SpaceError, SpaceWarning
from runlib.search.base import Search
from runlib.search.hyperopt.search import Hyperopt

SPACE = {
    "x": ["hp_uniform", "x", -5, 5],
    "y": ["hp_quniform", "y", -5, 5, 0.5],
    "c": ["hp_choice", "c", ["one", {"z": ["hp_loggrid_uniform", "z", -3, 3, 0.5]}]],
}


def loss_of(suggestion: dict) -> float:
    """A bowl."""
    return (suggestion["x"] - 1) ** 2 + (suggestion["y"] + 2) ** 2


def driven(search: Search, count: int) -> list:
    """Suggestions, each one submitted before the next."""
    made = []
    for _ in range(count):
        tid, suggestion = search.suggest()
        search.submit(tid, loss=loss_of(suggestion))
        made.append(suggestion)
    return made


def test_the_first_suggestions() -> None:
    search = Hyperopt({"x": ["hp_uniform", "x", 0, 1]})
    tid, suggestion = search.suggest()
    assert tid == 0
    assert list(suggestion) == ["x"]
    assert 0 <= suggestion["x"] <= 1
    assert search.suggest()[0] == 1


def test_the_config_is_the_arguments() -> None:
    config = Hyperopt(("hp_uniform", "x", np.float64(0), 1), method={"mix": ((0.5, "tpe"), (0.5, "rand"))}).get_config()
    assert config == {
        "search_hyperopt": {
            "space": ["hp_uniform", "x", 0.0, 1],
            "seed": 123,
            "method": {"mix": [[0.5, "tpe"], [0.5, "rand"]]},
            "errors_ok": True,
            "n_startup_jobs": 20,
            "n_EI_candidates": 24,
            "gamma": 0.25,
            "prior_weight": 1.0,
        }
    }
    assert from_config(json.loads(json.dumps(config))).get_config() == config


def test_changing_what_was_passed_changes_nothing() -> None:
    space = {"x": ["hp_choice", "x", [1, 2]]}
    search = Hyperopt(space)
    space["x"][2].append(3)
    assert search.get_config()["search_hyperopt"]["space"] == {"x": ["hp_choice", "x", [1, 2]]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"method": "tpee"},
            "search_hyperopt.method: unknown method 'tpee'; known are tpe, rand, anneal, mix",
        ),
        ({"method": 3}, "search_hyperopt.method: unknown method 3"),
        (
            {"method": {"mix": []}},
            "search_hyperopt.method.mix: a mix is a list of [probability, method], got []",
        ),
        ({"method": {"mix": [0.5, "tpe"]}}, "search_hyperopt.method.mix.0: an item of a mix is written"),
        (
            {"method": {"mix": [[1, "mix"]]}},
            "search_hyperopt.method.mix.0: unknown method 'mix'; a mix knows",
        ),
        (
            {"method": {"mix": [["1", "tpe"]]}},
            "search_hyperopt.method.mix.0: a probability lies between 0 and 1",
        ),
        (
            {"method": {"mix": [[0.5, "tpe"]]}},
            "search_hyperopt.method.mix: the probabilities of a mix must sum to 1",
        ),
        ({"method": {"max": 1}}, "search_hyperopt.method: unknown method {'max': 1}"),
        ({"method": object()}, "search_hyperopt.method: is no data"),
        ({"seed": 1.5}, "search_hyperopt.seed: must be an integer, got 1.5"),
        ({"seed": True}, "search_hyperopt.seed: must be an integer, got True"),
        ({"errors_ok": 1}, "search_hyperopt.errors_ok: must be true or false, got 1"),
        ({"n_startup_jobs": -1}, "search_hyperopt.n_startup_jobs: must be at least 0, got -1"),
        ({"n_EI_candidates": 0}, "search_hyperopt.n_EI_candidates: must be at least 1, got 0"),
        ({"gamma": 0}, "search_hyperopt.gamma: must be a positive number, got 0"),
        ({"gamma": math.inf}, "search_hyperopt.gamma: must be a positive number, got inf"),
        ({"prior_weight": "1"}, "search_hyperopt.prior_weight: must be a positive number, got '1'"),
        (
            {"space": {"x": ["hp_uniform", "x", 0]}},
            "search_hyperopt.space.x: hp_uniform takes 2 bounds, got 1",
        ),
        (
            {"space": [["hp_randint", "x", 2**40]]},
            "search_hyperopt.space.0: hp_randint over 1099511627776 values",
        ),
    ],
)
def test_a_wrong_argument_is_told_with_its_path(arguments: dict, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_config({"search_hyperopt": {"space": SPACE} | arguments})
    assert str(caught.value).startswith(message)


def test_a_wide_randint_is_fine_where_nothing_is_estimated() -> None:
    _, suggestion = Hyperopt(["hp_randint", "x", 2**40], method="rand").suggest()
    assert type(suggestion) is int
    with pytest.raises(SpaceError):
        Hyperopt(["hp_randint", "x", 2**40], method="anneal")


def test_tpe_learns_and_the_losses_decide() -> None:
    better = 0
    for seed in range(8):
        tpe = driven(Hyperopt(SPACE, seed=seed), 60)[40:]
        rand = driven(Hyperopt(SPACE, seed=seed, method="rand"), 60)[40:]
        better += statistics.median(map(loss_of, tpe)) < statistics.median(map(loss_of, rand))
    assert better >= 7


def test_without_errors_ok_failed_trials_are_hidden_from_the_algorithm() -> None:
    """Five failures more, and the start-up is five trials longer: they do not count."""
    search, plain = Hyperopt(SPACE, n_startup_jobs=10, errors_ok=False), Hyperopt(SPACE, method="rand")
    for k in range(14):
        tid, suggestion = search.suggest()
        assert suggestion == plain.suggest()[1]
        search.submit(tid, error=k < 5, loss=None if k < 5 else loss_of(suggestion))
    assert search.suggest() == plain.suggest()
    search.submit(14, loss=0.0)
    assert search.suggest() != plain.suggest()


def test_failures_count_and_are_infinitely_bad() -> None:
    told, failed = (Hyperopt(SPACE, n_startup_jobs=10, errors_ok=ok) for ok in (False, True))
    for k in range(15):
        for search in (told, failed):
            tid, suggestion = search.suggest()
            if k >= 5:
                search.submit(tid, loss=loss_of(suggestion))
            elif search is told:
                search.submit(tid, loss=math.inf)
            else:
                search.submit(tid, error=True)
    assert told.suggest() == failed.suggest()


def test_a_loss_that_is_no_number_is_a_failure() -> None:
    nan, failed = Hyperopt(SPACE, n_startup_jobs=3), Hyperopt(SPACE, n_startup_jobs=3)
    for k in range(12):
        for search in (nan, failed):
            tid, suggestion = search.suggest()
            if k % 3:
                search.submit(tid, loss=loss_of(suggestion))
            elif search is nan:
                search.submit(tid, loss=math.nan)
            else:
                search.submit(tid, error=True)
    assert nan.suggest() == failed.suggest()


def test_pending_trials_count_for_the_start_up() -> None:
    search, plain = Hyperopt(SPACE, n_startup_jobs=4), Hyperopt(SPACE, method="rand")
    made = [search.suggest() for _ in range(8)]
    assert made[:4] == [plain.suggest() for _ in range(4)]
    assert made[4:] != [plain.suggest() for _ in range(4)]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            lambda search: search.submit(1, loss=0.0),
            "there is no trial 1; 1 were suggested or adopted so far",
        ),
        (lambda search: search.submit(-1, loss=0.0), "there is no trial -1"),
        (lambda search: search.submit(0), "trial 0 was submitted with neither a loss nor an error"),
        (
            lambda search: (search.submit(0, loss=1.0), search.submit(0, loss=1.0)),
            "trial 0 was submitted before",
        ),
        (lambda search: search.forget(1), "there is no trial 1"),
        (lambda search: search.memo(1), "there is no trial 1"),
    ],
)
def test_wrong_calls_are_refused(wrong, message: str) -> None:
    search = Hyperopt(SPACE)
    search.suggest()
    with pytest.raises(SearchError, match=message):
        wrong(search)


def test_the_memo_has_indices_and_exponents_for_any_old_trial() -> None:
    search = Hyperopt(SPACE, method="rand")
    for tid, suggestion in [search.suggest() for _ in range(30)]:
        memo = search.memo(tid)
        if suggestion["c"] == "one":
            assert memo == {"c": 0}
        else:
            assert memo == {"c": 1, "z": round(2 * math.log2(suggestion["c"]["z"])) / 2}
    assert Hyperopt(["hp_uniform", "x", 0, 1]).suggest()
    plain = Hyperopt(["hp_uniform", "x", 0, 1])
    plain.suggest()
    assert plain.memo(0) is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            (1, {"x": 0.0, "y": 0.0, "c": "one"}, {"c": 0}),
            "trial 1 cannot be recalled: the next one is trial 0",
        ),
        (
            (0, {"x": 0.0, "y": 0.0, "c": "one"}, None),
            "trial 0 cannot be recalled: it does not fit the search space",
        ),
        ((0, {"x": 0.0}, {"c": 0}), "trial 0 cannot be recalled: it does not fit the search space"),
    ],
)
def test_recalling_what_is_not_the_next_trial_is_refused(call: tuple, message: str) -> None:
    with pytest.raises(ReplayMismatch, match=message):
        Hyperopt(SPACE).recall(*call)


def test_restoring_needs_no_hyperopt() -> None:
    code = """
import sys
from runlib.search.hyperopt.search import Hyperopt
search = Hyperopt({"x": ["hp_uniform", "x", 0, 1], "c": ["hp_choice", "c", [1, 2]]})
for tid in range(30):
    search.recall(tid, {"x": tid / 30, "c": 1 + tid % 2}, {"c": tid % 2})
    search.submit(tid, loss=tid / 7)
print(search.adopt({"x": 0.5, "c": 2}), search.memo(30), {"hyperopt", "scipy"} & set(sys.modules))
print(search.suggest()[0], "hyperopt" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("30 {'c': 1} set()\n31 True\n", "")


def test_adopted_suggestions_teach_the_algorithm() -> None:
    def after(adopted: list[dict]) -> tuple:
        search = Hyperopt(SPACE, n_startup_jobs=3)
        for suggestion in adopted:
            tid = search.adopt(suggestion)
            search.submit(tid, loss=loss_of(suggestion))
        return search.suggest()

    inside = [{"x": float(k), "y": k, "c": "one"} for k in range(5)]
    assert after(inside) != after([{**suggestion, "x": -4.0} for suggestion in inside])


def test_what_is_not_in_the_space_gets_a_tid_and_is_not_told() -> None:
    search, plain = Hyperopt(SPACE, n_startup_jobs=3), Hyperopt(SPACE, method="rand")
    for k in range(6):
        assert search.adopt({"x": 99.0, "y": 0, "c": "one"}) == k
        search.submit(k, loss=0.0)
        plain.adopt("nothing of the kind")
    assert [search.suggest() for _ in range(3)] == [plain.suggest() for _ in range(3)]
    with pytest.raises(SearchError, match="trial 0 was submitted before"):
        search.submit(0, loss=0.0)


def test_a_forgotten_result_is_hidden_as_if_the_trial_had_failed() -> None:
    search, other = Hyperopt(SPACE, n_startup_jobs=3), Hyperopt(SPACE, n_startup_jobs=3, errors_ok=False)
    for k, suggestion in enumerate(driven(search, 12)):
        other.recall(k, suggestion, search.memo(k))
        other.submit(k, error=k == 4, loss=None if k == 4 else loss_of(suggestion))
    search.forget(4)
    assert search.suggest() == other.suggest()


def test_a_new_result_of_a_forgotten_trial_counts_again() -> None:
    search, other = Hyperopt(SPACE, n_startup_jobs=3), Hyperopt(SPACE, n_startup_jobs=3)
    made = driven(search, 12)
    assert driven(other, 12) == made
    search.forget(4)
    search.submit(4, loss=loss_of(made[4]))
    assert search.suggest() == other.suggest()


@pytest.mark.parametrize("method", ["tpe", "rand", "anneal", "mix"])
@pytest.mark.parametrize("space", [{}, [1, {"a": None}], None, ["text"]])
def test_a_space_without_variables_suggests_itself(method: str, space: object) -> None:
    with pytest.warns(SpaceWarning, match=r"^space: nothing in it varies"):
        search = Hyperopt(space, method=method, n_startup_jobs=2)
    for k in range(5):
        assert search.suggest() == (k, space)
        search.submit(k, loss=0.0)


def test_suggesting_is_quiet(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    before = (logging.root.level, list(logging.root.handlers), np.geterr())
    with caplog.at_level(logging.DEBUG):
        driven(Hyperopt(SPACE, n_startup_jobs=2), 6)
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")
    assert (logging.root.level, list(logging.root.handlers), np.geterr()) == before


def test_a_trial_costs_its_numbers_alone() -> None:
    space = {f"x{k}": ["hp_uniform", f"x{k}", 0, 1] for k in range(10)}
    search = Hyperopt(space, method="rand")
    for tid in range(2000):
        search.recall(tid, dict.fromkeys(space, 0.5), None)
        search.submit(tid, loss=0.0)
    history = search._history
    size = sum(map(sys.getsizeof, (history.rows, history.losses, history.states)))
    assert size / 2000 < 150
