"""A tuple of the space reaches the evaluator as a tuple: in each pool, after a restore, in a fork, from a config."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runlib import Categorical, ChainSearch, FixedSearch, Float, Hyperopt, Inbox, RandomSearch, Run, StopMax
from runlib.engine.component import from_config
from runlib.engine.data.yamlfile import parse_yaml, write_yaml

WEIGHTS = {0: 1, 1: 5}
SPACE = {
    "x": Float(0, 1),
    "ngram_range": Categorical([(1, 1), (1, 2)]),
    "hidden": (50, (25, None), ()),
    "weights": Categorical([WEIGHTS, {0: 1, 1: 7}]),
}


def evaluate(suggestion: dict[str, Any]) -> float:
    """Fails where a tuple is a list, or a key a text."""
    assert type(suggestion["ngram_range"]) is tuple
    assert suggestion["hidden"] == (50, (25, None), ())
    assert list(suggestion["weights"]) == [0, 1]
    return float(suggestion["x"])


def check(suggestion: Any) -> None:
    evaluate(suggestion)


def made(tmp_path: Path, search: Any = None, **more: Any) -> Run:
    given = RandomSearch(SPACE) if search is None else search
    return Run(given, evaluate, StopMax(4), pool=more.pop("pool", "pool_serial"), **more).prepare(tmp_path)


def texts(run: Any) -> list[str]:
    return [repr(run.state.trials.get_outcome(tid)["suggestion"]) for tid in sorted(run.state.trials)]


@pytest.mark.parametrize("pool", ["pool_serial", "pool_processes"])
@pytest.mark.parametrize("search", [RandomSearch, Hyperopt])
def test_in_each_pool_and_after_a_restore(tmp_path: Path, pool: str, search: Any) -> None:
    context = {"max_workers": 1}
    whole = Run(search(SPACE), evaluate, StopMax(8), pool=pool, context=context).prepare(tmp_path / "whole").run()
    half = made(tmp_path / "half", search(SPACE), pool=pool, context=context).run()
    again = Run.restore(half.work_directory, new_stop=StopMax(8), evaluator=evaluate, verify=True).run()
    assert texts(again) == texts(whole)
    for run in (half, again, Run.checkout(half.work_directory)):
        check(run.best.suggestion)
        for found in run.state.evals.top_suggestions(3):
            check(found)


def test_what_is_live_is_started_with_its_tuples(tmp_path: Path) -> None:
    run = made(tmp_path)
    tid, suggestion = run.suggest()
    check(suggestion)
    run.close()
    again = Run.restore(run.work_directory, evaluator=evaluate)
    assert repr(again.state.live_trials[tid]) == repr(suggestion)
    again.run()
    check(again.state.trials.get_outcome(tid)["suggestion"])


def test_in_a_fork(tmp_path: Path) -> None:
    run = made(tmp_path).run()
    fork = Run.fork(run.work_directory, directory=tmp_path / "forks", stop=StopMax(7), evaluator=evaluate).run()
    assert texts(fork)[:4] == texts(run)
    assert len(fork.state.trials) == 7


def test_from_a_config_in_yaml(tmp_path: Path) -> None:
    config = parse_yaml(write_yaml(RandomSearch(SPACE).get_config()))
    assert "- hp_tuple" in write_yaml(config) or "[hp_tuple" in write_yaml(config)
    run = made(tmp_path, from_config(config)).run()
    assert len(run.state.trials) == 4
    check(run.best.suggestion)


def test_what_is_enqueued_gets_the_shape_of_the_space(tmp_path: Path) -> None:
    wanted = {"x": 0.0, "ngram_range": [1, 2], "hidden": [50, [25, None], []], "weights": {"0": 1, "1": 5}}
    run = made(tmp_path)
    run.enqueue(wanted)
    run.enqueue({**wanted, "x": 0.001, "weights": WEIGHTS, "hidden": (50, (25, None), ())})
    run.close()
    Inbox(run.work_directory).enqueue({**wanted, "x": 0.002, "weights": WEIGHTS})
    again = Run.restore(run.work_directory, evaluator=evaluate).run()
    assert [again.state.trials.get_outcome(tid)["loss"] for tid in range(3)] == [0.0, 0.001, 0.002]
    check(again.best.suggestion)


def test_what_is_the_same_but_for_its_shape_is_one_evaluation(tmp_path: Path) -> None:
    point = {"x": 0.5, "ngram_range": (1, 1), "hidden": (50, (25, None), ()), "weights": WEIGHTS}
    run = made(tmp_path, FixedSearch([point, point], space=SPACE)).run()
    assert len(run.state.trials) == 2
    assert len(run.state.evals) == 1


def test_in_a_list_without_a_space(tmp_path: Path) -> None:
    points = [{"x": x, "ngram_range": (1, 1), "hidden": (50, (25, None), ()), "weights": WEIGHTS} for x in (0.5, 0.25)]
    run = made(tmp_path, FixedSearch(points))
    run.suggest()
    run.close()
    again = Run.restore(run.work_directory, evaluator=evaluate, verify=True).run()
    assert texts(again) == [repr(point) for point in points]
    assert from_config(FixedSearch(points).get_config()).suggestions == points


def test_in_a_chain_of_searches(tmp_path: Path) -> None:
    chain = ChainSearch([{"search": RandomSearch(SPACE), "count": 2}, {"search": Hyperopt(SPACE)}])
    check(made(tmp_path, chain).run().best.suggestion)


def test_the_tape_holds_lists_and_the_shape_beside_the_record(tmp_path: Path) -> None:
    run = made(tmp_path).run()
    lines = [json.loads(line) for line in (run.work_directory / "tape.son").read_text().split("\n---\n")[1:-1]]
    suggested = [line for line in lines if "suggest" in line]
    assert suggested
    assert all(next(iter(line)) == "suggest" for line in suggested)
    for line in suggested:
        assert set(line["suggest"]) == {"tid", "suggestion"}  # what older readers know
        assert type(line["suggest"]["suggestion"]["ngram_range"]) is list
        assert [["ngram_range"], "tuple"] in line["shape"]
        assert [["weights"], [0, 1]] in line["shape"]


def test_a_tape_without_tuples_has_no_shapes(tmp_path: Path) -> None:
    run = Run(RandomSearch({"x": Float(0, 1), "y": [1, {"a": 2}]}), lambda x, y: x, StopMax(3), pool="pool_serial")
    run.prepare(tmp_path).run()
    assert b'"shape"' not in (run.work_directory / "tape.son").read_bytes()


def test_an_older_tape_with_lists_is_gone_on_with(tmp_path: Path) -> None:
    lists = {"x": Float(0, 1), "n": Categorical([[1, 1], [1, 2]]), "h": [50, 50, 50]}
    tuples = {"x": Float(0, 1), "n": Categorical([(1, 1), (1, 2)]), "h": (50, 50, 50)}

    def loss(suggestion: dict[str, Any]) -> float:
        assert type(suggestion["n"]) is list
        assert type(suggestion["h"]) is list
        return float(suggestion["x"])

    first = Run(RandomSearch(lists), loss, StopMax(3), name="old", pool="pool_serial").prepare(tmp_path).run()
    again = Run(RandomSearch(tuples), loss, StopMax(5), name="old", pool="pool_serial").prepare(tmp_path, resume=True)
    assert len(again.run().state.trials) == 5
    assert again.work_directory == first.work_directory
