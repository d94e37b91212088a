"""What a tape asks for beyond all sense is cut down, and said; what is given to a restore is not."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from runlib import Run, StopMax
from runlib.errors import ConfigError
from runlib.pool.settings import count_cores
from runlib.run.continuation.bounds import bounded
from tests.attacks.hostile_tapes import chained, parsed
from tests.fakes import DirectPool, SpySearch, quadratic

HERE = max(64, 16 * count_cores())


def asking(tmp_path: Path, **context: Any) -> Path:
    """A finished run whose last session asks for something else."""
    run = Run(SpySearch(), quadratic, StopMax(3), pool=DirectPool(), observers=[]).prepare(tmp_path)
    run.run()
    path = run.work_directory / "tape.son"
    metadata, records = parsed(path.read_bytes())
    records[0]["session"]["context"].update(context)
    path.write_bytes(chained(metadata, records))
    return run.work_directory


@pytest.mark.parametrize(
    ("asked", "taken"),
    [
        ({"max_workers": 10**9}, {"max_workers": HERE}),
        ({"max_workers": 2**53}, {"max_workers": HERE}),
        ({"max_workers": 3}, {"max_workers": 3}),
        ({"max_workers": None}, {"max_workers": None}),
        ({"ahead": 10**9}, {"ahead": 1000}),
        ({"ahead": 1000}, {"ahead": 1000}),
        ({"devices": list(range(5000))}, {"devices": list(range(1000))}),
        ({"max_workers": "many"}, {"max_workers": "many"}),  # the checks of a context say so
    ],
)
def test_what_is_taken(asked: dict[str, Any], taken: dict[str, Any]) -> None:
    for pool in (None, {"pool_processes": {}}, "pool_serial", {"pool_serial": None}):
        assert bounded(asked, pool) == taken


def test_a_pool_whose_workers_are_elsewhere_may_have_more() -> None:
    assert bounded({"max_workers": 5000}, {"pool_cluster": {}}) == {"max_workers": 5000}
    assert bounded({"max_workers": 10**9}, {"pool_cluster": {}}) == {"max_workers": 10_000}


def test_memory_is_that_of_the_machine_at_most() -> None:
    found = bounded({"memory_limit": 10**30}, None)["memory_limit"]
    assert 2**26 < found < 10**30
    assert bounded({"memory_limit": 5}, None) == {"memory_limit": 5}


def test_a_restore_says_what_it_does_not_take(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = asking(tmp_path, max_workers=10**9, ahead=10**9)
    with caplog.at_level(logging.WARNING, "runlib"):
        run = Run.restore(folder, evaluator=quadratic, pool="pool_processes", new_stop=StopMax(4))
    assert (run.context["max_workers"], run.context["ahead"]) == (HERE, 1000)
    said = [record.getMessage() for record in caplog.records]
    assert any("context.max_workers" in text and str(HERE) in text for text in said)
    assert any("context.ahead" in text for text in said)
    run.close()


def test_what_is_given_is_taken(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = asking(tmp_path, max_workers=10**9)
    with Run.restore(folder, evaluator=quadratic, context={"max_workers": 5000, "ahead": 2000}) as run:
        assert (run.context["max_workers"], run.context["ahead"]) == (5000, 2000)
    assert not caplog.records


@pytest.mark.parametrize("context", [{"devices": ["a\0b"]}, {"max_workers": 0}, {"sync": 3}, {"ahead": 0.5}])
def test_what_makes_no_sense_at_all_is_refused_with_its_place(tmp_path: Path, context: dict[str, Any]) -> None:
    folder = asking(tmp_path, **context)
    with pytest.raises(ConfigError, match=rf"context\.{next(iter(context))}"):
        Run.restore(folder, evaluator=quadratic, pool="pool_processes")
