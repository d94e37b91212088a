"""Whatever stands in a config file, only an error of runlib comes out, or a run that could begin."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runlib.cli.job import read_job
from runlib.engine.data.yamlfile import write_yaml
from runlib.errors import RunlibError

CONFIG: dict[str, Any] = {
    "run": {
        "search": {"search_hyperopt": {"space": {"x": ["hp_uniform", "x", -1, 1]}, "seed": 1, "method": "rand"}},
        "evaluator": {"eval_function": {"function": "tests.fakes:quadratic"}},
        "stop": {"stop_any": {"stops": [{"stop_max": {"count": 3}}, {"stop_loss": {"threshold": 0.1}}]}},
        "trial_timeout": 3.0,
        "caught_exceptions": ["TimeoutError"],
        "retries": {"WorkerLost": 1},
        "reuse": True,
        "order": "suggested",
        "name": "fuzzed",
    },
    "context": {"max_workers": 1, "sync": "always", "ahead": 0, "devices": [0], "memory_limit": "2 GiB"},
    "pool": {"pool_processes": {}},
    "observers": [{"observe_status": {}}],
    "directory": ".",
    "duration": 1.0,
    "baseline": {"x": 1},
}


def places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to each value, the whole first."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [above, *(place for key, item in items for place in places(item, (*above, key)))]


def replaced(place: tuple[Any, ...], by: Any) -> Any:
    if not place:
        return by
    config = copy.deepcopy(CONFIG)
    *way, last = place
    inner: Any = config
    for key in way:
        inner = inner[key]
    inner[last] = by
    return config


TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
KINDS = st.sampled_from(
    ["run", "search_hyperopt", "stop_max", "stop_any", "pool_serial", "pool_processes", "hp_choice", "no_such"]
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KINDS | TEXTS, inner, max_size=3), max_leaves=5
)


def outcome(config: Any, file: Path) -> str:
    file.write_text(write_yaml(config))
    try:
        read_job(file).make()
    except RunlibError:
        return "refused"
    return "made"


@pytest.mark.filterwarnings("ignore")
@given(st.sampled_from(places(CONFIG)), VALUES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_value_at_any_place(tmp_path: Path, place: tuple[Any, ...], value: Any) -> None:
    assert outcome(replaced(place, value), tmp_path / "config.yaml") in ("refused", "made")


def test_what_is_fuzzed_is_a_config(tmp_path: Path) -> None:
    assert outcome(CONFIG, tmp_path / "config.yaml") == "made"
    assert outcome(replaced(("run", "stop"), -3), tmp_path / "config.yaml") == "refused"
