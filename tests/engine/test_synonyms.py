"""Words of other tools, and letters that were mixed up."""

from __future__ import annotations

import pytest

from runlib import ConfigError, Pool, Search, Stop, UnknownKind, from_config
from runlib.engine.component import Component
from runlib.engine.synonyms import near, same_meaning
from runlib.observe.base import Observer


def test_a_word_of_the_same_meaning_comes_before_one_that_looks_alike() -> None:
    assert near("workers", ["observers", "max_workers"]) == ["max_workers"]
    assert near("observer", ["observers", "max_workers"]) == ["observers"]
    assert near("N-Jobs", ["max_workers"]) == ["max_workers"]
    assert near("colour", ["low", "high"]) == []
    assert near("l" * 10**6, ["low"]) == []


def test_every_word_means_itself() -> None:
    assert same_meaning("zzz") == {"zzz"}
    assert "seed" in same_meaning("random_state")


@pytest.mark.parametrize(
    ("family", "word", "kinds"),
    [
        (Stop, "max_trials", ["stop_max"]),
        (Stop, "n-trials", ["stop_max"]),
        (Stop, "max_evals", ["stop_max"]),
        (Stop, "timeout", ["stop_duration"]),
        (Stop, "patience", ["stop_no_progress"]),
        (Stop, "early_stopping", ["stop_no_progress"]),
        (Stop, "max_failures", ["stop_errors"]),
        (Search, "tpe", ["search_hyperopt"]),
        (Search, "TPE", ["search_hyperopt"]),
        (Search, "random", ["search_random"]),
        (Search, "rand", ["search_hyperopt", "search_random"]),
        (Search, "grid", ["search_grid"]),
        (Search, "sobol", ["search_sobol"]),
        (Search, "qmc", ["search_sobol"]),
        (Search, "grid_search", ["search_grid"]),
        (Pool, "multiprocessing", ["pool_processes"]),
        (Pool, "serial", ["pool_serial"]),
        (Observer, "tqdm", ["observe_progress"]),
    ],
)
def test_kinds_are_known_by_other_names(family: type[Component], word: str, kinds: list[str]) -> None:
    for config in (word, {word: {}}, {word: 100}):  # what is wrong first is the kind, whatever stands behind it
        with pytest.raises(UnknownKind, match=f"did you mean {' or '.join(map(repr, kinds))}"):
            from_config(config, family=family)


def test_an_own_kind_that_is_not_loaded_is_not_taken_for_another() -> None:
    with pytest.raises(ConfigError, match="named by --plugin or in RUNLIB_PLUGINS"):
        from_config({"my_max": {}}, family=Stop)
