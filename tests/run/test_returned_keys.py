"""What an evaluator returns under names that runlib uses too comes back as it was returned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runlib import Run, StopMax
from runlib.audit.repair import repair
from runlib.audit.verify import verify
from runlib.engine.data.canonical import load
from tests.fakes import DirectPool, SpySearch

LARGE = {"name": "trials/0/result.json", "bytes": 9, "hash": "0" * 32}
OWN: dict[str, dict[str, Any]] = {
    "a path": {"file": "model.pt"},
    "what looks like a large result": {"file": LARGE},
    "a suggestion": {"suggestion": {"x": "mine"}, "refined_suggestion": {"x": 0.5}},
    "words of the tape": {"tid": 7, "n": 1, "t": 0, "h": "x", "d": 9, "of": 3, "skip": True, "memo": None},
    "states": {"ok": {"loss": 0.0}, "error": {"error": "ValueError"}, "result": {"ok": 1}, "submit": {}},
    "tags": {"$float": "nan", "$int": "5", "$": 1, "$$x": {"$float": "nan"}, "deep": [{"$float": "inf"}]},
    "what stands beside": {
        "given_loss": 3,
        "dropped": ["a"],
        "files": [{"at": ["x"], "name": "trials/0/returned-x", "bytes": 1, "hash": "0" * 32}],
        "bytes": [[["x"], "eA=="]],
        "pruned": {"step": 1},
        "usage": {},
        "slot": 1,
        "started": 0.5,
    },
}


def made(tmp_path: Path, returned: dict[str, Any], **more: Any) -> Run:
    """A run of two trials with one suggestion, so that the second is answered from the first."""
    return Run(SpySearch(points=1), lambda x: returned, StopMax(2), pool=DirectPool(), **more).prepare(tmp_path)


@pytest.mark.parametrize("own", OWN.values(), ids=OWN)
def test_a_result_comes_back_as_it_was_returned(tmp_path: Path, own: dict[str, Any]) -> None:
    returned = {"loss": 1.0, **own}
    run = made(tmp_path, returned).run()
    looked = Run.checkout(run.work_directory)
    for view in (run, looked):
        for tid in (0, 1):
            assert view.full_result(tid) == {"ok": {**returned, "duration": 0.25}}
            assert view.state.trials[tid][1]["suggestion"] == {"x": 0}
    submits = [
        load(line)["submit"] for line in looked.state.tape.path.read_bytes().split(b"\n") if b'{"submit"' in line
    ]
    assert submits[0]["result"] == submits[1]["result"] == {"ok": {**returned, "duration": 0.25}}
    assert verify(run.work_directory, replay=True).verdict == "intact"


@pytest.mark.parametrize("own", OWN.values(), ids=OWN)
def test_large_or_not_forked_or_repaired(tmp_path: Path, own: dict[str, Any]) -> None:
    returned = {"loss": 1.0, **own, "text": "long" * 20_000}
    run = made(tmp_path, returned).run()
    whole = {"ok": {**returned, "duration": 0.25}}
    forked = Run.fork(run.work_directory, directory=tmp_path, evaluator=run.evaluator, pool=DirectPool())
    forked.close()
    repair(run.work_directory, tmp_path / "run_again")
    for folder in (run.work_directory, forked.work_directory, tmp_path / "run_again"):
        assert [Run.checkout(folder).full_result(tid) for tid in (0, 1)] == [whole, whole]
        assert verify(folder, replay=True).verdict == "intact"


def test_another_objective_leaves_the_given_loss_beside_and_what_is_called_so_in_its_place(tmp_path: Path) -> None:
    returned = {"score": 2.0, "loss": {"train": 0.1}, "given_loss": "own", "file": "a"}
    run = made(tmp_path, returned, objective="score").run()
    kept = {"loss": 2.0, "score": 2.0, "given_loss": "own", "file": "a", "duration": 0.25}
    for tid in (0, 1):
        assert run.full_result(tid) == {"ok": kept, "given_loss": {"train": 0.1}}
        assert run.state.trials[tid][1]["given_loss"] == {"train": 0.1}
    assert verify(run.work_directory, replay=True).verdict == "intact"


def test_bytes_under_words_of_the_tape(tmp_path: Path) -> None:
    own: dict[str, Any] = {
        "file": b"f",
        "suggestion": b"s",
        "files": [b"0", {"at": b"1"}],
        "bytes": b"b",
        "dropped": b"",
    }
    run = made(tmp_path, {"loss": 1.0, **own, "given_loss": b"g", "text": "long" * 20_000}).run()
    forked = Run.fork(run.work_directory, directory=tmp_path, evaluator=run.evaluator, pool=DirectPool())
    forked.close()
    repair(run.work_directory, tmp_path / "run_again")
    for folder in (run.work_directory, forked.work_directory, tmp_path / "run_again"):
        for tid in (0, 1):
            result = Run.checkout(folder).full_result(tid)
            assert result.keys() == {"ok"}
            assert {key: result["ok"][key] for key in own} == own
            assert result["ok"]["given_loss"] == b"g"
            assert Run.checkout(folder).state.trials[tid][1]["suggestion"] == {"x": 0}
        assert verify(folder, replay=True).verdict == "intact"


def test_many_files_of_a_large_result_are_all_named_on_the_tape(tmp_path: Path) -> None:
    returned = {"loss": 1.0, **{f"{'plot' * 20}{k}": b"%d" % k for k in range(100)}, "text": "long" * 20_000}
    run = made(tmp_path, returned).run()
    assert Run.checkout(run.work_directory).full_result(1) == {"ok": {**returned, "duration": 0.25}}
    assert len(Run.checkout(run.work_directory).state.beside[0]["files"]) == 100
    assert verify(run.work_directory).verdict == "intact"


@pytest.mark.parametrize(
    ("given", "kept", "dropped"),
    [
        (b"bytes", {}, {"loss": "bytes are kept under every other key, but not under this one"}),
        ([1, b"x"], {}, {"loss": "bytes are kept under every other key, but not under this one"}),
        (object(), {}, {"loss": "is no data, but of type object"}),
        ({"a": object(), "b": 2}, {"given_loss": {"b": 2}}, {"loss.a": "is no data, but of type object"}),
        (np.array([0.5]), {"given_loss": [0.5]}, None),
        (None, {"given_loss": None}, None),
    ],
)
def test_a_given_loss_of_any_type(tmp_path: Path, given: Any, kept: dict[str, Any], dropped: Any) -> None:
    run = made(tmp_path, {"score": 2.0, "loss": given, "plot": b"p"}, objective="score").run()
    added = {} if dropped is None else {"dropped": dropped}
    for tid in (0, 1):
        result = Run.checkout(run.work_directory).full_result(tid)
        assert result == {"ok": {"loss": 2.0, "score": 2.0, "plot": b"p", "duration": 0.25}, **kept, **added}
    assert verify(run.work_directory, replay=True).verdict == "intact"


def test_by_hand_as_well(tmp_path: Path) -> None:
    run = Run(SpySearch(), None, StopMax(3), pool=DirectPool()).prepare(tmp_path)
    for own in (OWN["a suggestion"], OWN["what looks like a large result"], OWN["states"]):
        tid, _ = run.suggest()
        run.submit(tid, loss=1.0, data=own)
        result = run.full_result(tid)["ok"]
        assert {key: result[key] for key in own} == own
    run.close()
    assert verify(run.work_directory).verdict == "intact"


def test_a_voided_trial_leaves_nothing_behind(tmp_path: Path) -> None:
    run = made(tmp_path, {"loss": 1.0, "suggestion": "mine"}).run()
    run.void(0)
    with pytest.raises(KeyError):
        run.full_result(0)
    run.run()
    assert run.full_result(2) == {"ok": {"loss": 1.0, "suggestion": "mine", "duration": 0.25}}
