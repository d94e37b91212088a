"""Tapes from when steps were not kept to their decimals, so that 0.30000000000000004 stands on them; see README.md."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest

from runlib import Run

HERE = Path(__file__).parent / "steps"
FILES = {
    "evolution": "06253bae106d646ae774034e61d068631696d6e7052d5a53b1d6a32a2571dc9c",
    "fixed": "450e718e9e2225b262004e8ee2c7c09c79e4c8fb1ce599b68c1a434594123429",
    "grid": "41450bf52104e78d7bb3bbaea1493aaf5bd1a36372dc1445f71822c4251b4e8a",
    "hyperopt": "63f23ac7eb8936e60a266f5589354534ff4f1439b2570ce69cb504b29c154940",
    "random": "a8c83fb86ba5f70ba656f7a1ed278cdbe46b7e426bb6a8c693aeaf167283b2f8",
    "sobol": "2ebfe5469d8dd8d4d23742d1edcbcab72f063fb8e18a22645fd847ed02a58d09",
}


@pytest.fixture(params=FILES)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder of a run that is driven by hand."""
    made = tmp_path / request.param
    made.mkdir()
    shutil.copy(HERE / f"{request.param}.son", made / "tape.son")
    return made


def digits(data: Any) -> int:
    """The most digits that a number in a suggestion is written with."""
    return max(len(repr(value)) for value in data.values())


def test_no_tape_was_changed() -> None:
    assert {file.stem: hashlib.sha256(file.read_bytes()).hexdigest() for file in HERE.iterdir()} == FILES


def test_it_is_restored_with_what_stands_on_it(folder: Path) -> None:
    before = Run.checkout(folder)
    run = Run.restore(folder)
    kept = {tid: before.state.trials[tid] for tid in before.state.trials}
    run.close()
    assert {tid: run.state.trials[tid] for tid in run.state.trials} == kept
    assert max(digits(entry[1]["suggestion"]) for entry in kept.values()) > 15


def test_asked_again_its_search_makes_the_same_points(folder: Path) -> None:
    run = Run.restore(folder, verify=True)
    run.close()
    assert len(run.state.trials) == (4 if folder.name == "fixed" else 12)


@pytest.mark.parametrize("folder", ["hyperopt", "random", "grid", "sobol", "evolution"], indirect=True)
def test_it_goes_on_with_decimals_and_without_a_point_twice(folder: Path) -> None:
    run = Run.restore(folder)
    old = [tuple(round(v, 9) for v in entry[1]["suggestion"].values()) for entry in run.state.trials.values()]
    new = []
    for _ in range(8):
        tid, suggestion = run.suggest()
        assert digits(suggestion) <= 4
        new.append(tuple(suggestion.values()))
        run.submit(tid, loss=1.0)
    run.close()
    if folder.name in ("random", "grid"):
        assert len({*old, *new}) == len(old) + len(new)
