"""Settings may be numbers and arrays of numpy: they are kept as Python's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runlib import (
    Categorical,
    ChainSearch,
    Choice,
    Constant,
    EvolutionSearch,
    FixedSearch,
    Float,
    GridSearch,
    Hyperopt,
    Integer,
    Ordinal,
    ProcessPool,
    RandomSearch,
    Run,
    SobolSearch,
    Space,
    StopAny,
    StopCost,
    StopDuration,
    StopErrors,
    StopLoss,
    StopMax,
    StopNoProgress,
    from_amltk,
    from_maggy,
    from_neps,
)
from runlib.pool.settings import read_settings

SPACE = {"x": Float(0, 1)}


def loss(x: float) -> float:
    return x


def test_a_run_takes_them_and_its_tape_is_plain(tmp_path: Path) -> None:
    run = Run(
        Hyperopt(SPACE, seed=np.int64(7), errors_ok=np.bool_(True)),
        loss,
        StopMax(np.int64(3)),
        trial_timeout=np.float32(60),
        retries={"WorkerLost": np.int64(1)},
        caught_exceptions=np.array(["TimeoutError", "WorkerLost"]),
        reuse=np.bool_(False),
        context={
            "max_workers": np.int64(1),
            "devices": np.arange(2),
            "ahead": np.uint8(0),
            "memory_limit": np.int64(2**33),
            "shutdown_duration": np.float64(1),
            "capture_output": np.bool_(False),
            "max_trials_per_worker": np.int32(5),
        },
    ).prepare(tmp_path)
    run.run(duration=np.float32(5))
    assert len(run.state.trials) == 3
    lines = (run.work_directory / "tape.son").read_text().splitlines()
    config, session = json.loads(lines[0])["run"], json.loads(lines[2])["session"]
    assert config["trial_timeout"] == 60.0
    assert config["retries"] == {"WorkerLost": 1}
    assert config["reuse"] is False
    assert session["context"]["max_workers"] == 1
    assert session["context"]["devices"] == [0, 1]
    restored = Run.restore(run.work_directory, new_stop=StopMax(np.uint16(4)), trial_timeout=np.int64(9))
    assert len(restored.run(np.int8(1)).state.trials) == 4
    assert len(Run.checkout(run.work_directory, at=np.int64(4)).state.trials) == 1


@pytest.mark.parametrize("devices", [np.array([0, 1]), range(2), (0, np.int64(1)), [np.int8(0), 1]], ids=repr)
def test_devices(devices: Any) -> None:
    assert read_settings({"devices": devices, "max_workers": np.int16(2)}).devices == ("0", "1")
    assert (
        ProcessPool(context={"pool_processes": {"max_workers": np.int64(2)}}).slots({"max_workers": np.int64(3)}) == 3
    )


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        (StopMax(np.int64(3), errors=np.bool_(False)), StopMax(3, errors=False)),
        (StopDuration(np.float32(0.5)), StopDuration(0.5)),
        (StopLoss(np.float16(0.25)), StopLoss(0.25)),
        (StopNoProgress(np.uint8(5)), StopNoProgress(5)),
        (StopErrors(np.int64(2), share=np.float32(0.5), minimum=np.int64(4)), StopErrors(2, share=0.5, minimum=4)),
        (StopCost(np.float64(3)), StopCost(3.0)),
        (StopAny((StopMax(np.array(3)), StopCost(np.float32(2)))), StopAny([StopMax(3), StopCost(2.0)])),
        (GridSearch(SPACE, resolution=np.int64(3)), GridSearch(SPACE, resolution=3)),
        (RandomSearch(SPACE, duplicates=np.bool_(True)), RandomSearch(SPACE, duplicates=True)),
        (SobolSearch(SPACE, seed=np.int64(3)), SobolSearch(SPACE, seed=3)),
        (EvolutionSearch(SPACE, population=np.int8(9), sample=np.int64(2)), EvolutionSearch(SPACE, 123, 9, 2)),
        (FixedSearch(np.array([1.5, 2.5])), FixedSearch([1.5, 2.5])),
        (FixedSearch([{"x": np.arange(2)}]), FixedSearch([{"x": [0, 1]}])),
        (
            ChainSearch([{"search": RandomSearch(SPACE), "count": np.int64(2)}, {"search": RandomSearch(SPACE)}]),
            ChainSearch([{"search": RandomSearch(SPACE), "count": 2}, {"search": RandomSearch(SPACE)}]),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_components(given: Any, plain: Any) -> None:
    assert repr(given.get_config()) == repr(plain.get_config())
    assert given.get_config_hash() == plain.get_config_hash()


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        (Categorical(range(3)), Categorical([0, 1, 2])),
        (Categorical(np.array(["a", "b"])), Categorical(["a", "b"])),
        (Categorical(np.array([1, 2.5])), Categorical([1.0, 2.5])),
        (Categorical(np.array(["a", 1, None], dtype=object)), Categorical(["a", 1, None])),
        (Categorical((np.int64(3), np.float32(0.5), np.str_("x"))), Categorical([3, 0.5, "x"])),
        (Ordinal(2 ** np.arange(4)), Ordinal([1, 2, 4, 8])),
        (Ordinal(range(10, 0, -5), prior=np.int64(5)), Ordinal([10, 5], prior=5)),
        (Choice(range(2)), Choice([0, 1])),
        (Choice(np.array([[1, 2, 3], [4, 5, 6]])), Choice([[1, 2, 3], [4, 5, 6]])),
        (Constant(np.array([1.5, 2.5, 3.5])), Constant([1.5, 2.5, 3.5])),
        (Float(np.float32(0), np.int64(1), step=np.float64(0.5)), Float(0, 1, step=0.5)),
        (Integer(np.int8(1), np.array(9), log=np.bool_(True)), Integer(1, 9, log=True)),
        (["hp_choice", "c", range(3)], ["hp_choice", "c", [0, 1, 2]]),
        (["hp_choice", "c", np.array(["a", "b"])], ["hp_choice", "c", ["a", "b"]]),
        (["hp_uniform", "u", np.float64(0), np.int64(1)], ["hp_uniform", "u", 0.0, 1]),
        (["hp_loggrid", "l", *np.array([-3, 3, 7])], ["hp_loggrid", "l", -3, 3, 7]),
        (np.int64(2) ** Integer(0, 3), 2 ** Integer(0, 3)),
        (from_amltk({"p": np.array(["a", "b"])})["p"], Categorical(["a", "b"])),
        (from_amltk({"p": (np.int64(1), np.int64(5))})["p"], Integer(1, 5)),
        (from_maggy({"p": ("DISCRETE", range(3))})["p"], Ordinal([0, 1, 2])),
        (from_maggy({"p": ("DOUBLE", np.array([0.5, 1.5]))})["p"], Float(0.5, 1.5)),
        (from_neps({"p": np.array([0.5, 1.5])})["p"], Float(0.5, 1.5)),
        (from_neps({"p": {"choices": range(3)}})["p"], Categorical([0, 1, 2])),
        (from_neps({"p": {"lower": np.int64(1), "upper": np.int64(3)}})["p"], Integer(1, 3)),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_spaces(given: Any, plain: Any) -> None:
    assert repr(Space.of({"p": given}).data) == repr(Space.of({"p": plain}).data)


def test_configspace_takes_them() -> None:
    library = pytest.importorskip("ConfigSpace")
    space = library.ConfigurationSpace({"a": (0, 10), "b": ["x", "y"], "c": 3.5})
    given = {"a": (np.int64(0), np.int64(10)), "b": np.array(["x", "y"]), "c": np.float64(3.5)}
    assert Space.of({"configspace": given}).data == Space.of({"configspace": space}).data


def test_what_people_enqueue_may_hold_arrays(tmp_path: Path) -> None:
    run = Run(Hyperopt({"x": ["hp_choice", "x", [[1, 2, 3], [4, 5, 6]]]}), None, StopMax(2)).prepare(tmp_path)
    run.enqueue({"x": np.array([4, 5, 6])})
    assert run.suggest() == (0, {"x": [4, 5, 6]})
    run.submit(np.int64(0), loss=np.float32(0.5))
    run.close()
