"""Old tapes are read for ever; see README.md beside this file."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from runlib.audit.repair import repair
from runlib.audit.verify import verify
from runlib.engine.component import from_config
from runlib.engine.data.canonical import dump, load
from runlib.run.folder.folder import RunFolder
from runlib.run.folder.large import is_apart, load_large
from runlib.run.folder.opening import make_state
from runlib.run.run import Run
from runlib.search.hyperopt.search import Hyperopt
from runlib.state.replay import replay
from runlib.state.state import State
from runlib.tape.events import Session
from runlib.tape.reader import TapeReader
from runlib.tape.writer import TapeWriter

HERE = Path(__file__).parent
G = "cd0aa9856147b6c5b4ff2b7dfee5da20aa38253099ef1b4a64aced233c9afe29"  # of the byte g
FILES = {
    "format-1/expected.json": "0b5221ec5f9b231e6c5e7984cc1a6af8a309ce21f56fcdfcf486d47e6d059167",
    "format-1/tape.son": "d434a2a003f0d877eb87de291e673488fd89d4975456493971c90b775ac589e8",
    "format-1/trials/4/result.json": "0e8a872db844189899e14f3e137418e45bf94e537967f92fe9e5b638911bfa20",
    "format-1-edits/expected.json": "cfb9a48214bd1fe2bdb59967b8b4cffbcdc8739d3eca350dc0e2c070cfb74e08",
    "format-1-edits/tape.son": "2fc3d6226b1908a79eed2289f2e30555348c3b130539c3ab054fc52266c60100",
    "format-1-edits/trials/5/result.json": "29f5bfff0924bca3eb99094947767a8b02bf076b58aaa11150bf27cded47047e",
    "format-1-failures/asktell/tape.son": "837113f75083bed13fdf234173e23a0fce4e043dd65664470d3e7457e628d140",
    "format-1-failures/chain/tape.son": "aa7654d695ec412f3672b79140b0dcf33da63fbe5a7dfd4f0de2d8ed7a75b814",
    "format-1-failures/evolution/tape.son": "5cd5f2f6b671b0e272f07b6a4905911420c4aaa08dac525450549459427d51a1",
    "format-1-failures/hyperopt/tape.son": "4272f155d0c419dc67b648cfe17014825c68bbcb5aadfb8a79c79fb143196164",
    "format-1-files/expected.json": "d75a9818075e33fc2c86702a3ac84da51dcd2e9c1da00ec748c88ccbb5e96866",
    "format-1-files/tape.son": "a1307e89a98eecd0fb889febbf1460e1f320f60b877e96694934debf16d842d0",
    "format-1-files/trials/0/returned-given_loss.plot": G,
    "format-1-files/trials/0/returned-plot": "7b5a9688d4fecb9f528bf81baa0da35b101297d0dc67d12c3c8df4e80ccca977",
    "format-1-files/trials/1/returned-given_loss.plot": G,
    "format-1-files/trials/1/returned-plot": "ef8842f54ce9e2cc0ade7b5f9efdf5f299e1dfeebd75658058538afe8a447365",
    "format-1-files/trials/6/result.json": "a22b287b707f0786fa4f0c9598a6ce4caf84f59f10f1c15646bc9051b42ccff2",
    "format-1-files/trials/6/returned-file": "252f10c83610ebca1a059c0bae8255eba2f95be4d1d7bcfa89d7248a82d9f111",
    "format-1-files/trials/6/returned-files.0": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
    "format-1-files/trials/6/returned-files.1.b": "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d",
    "format-1-files/trials/6/returned-plot": "0777d40efea7d015483f76036486bc11b5a86bac9cc4dde9839924600782c238",
    "format-1-files/trials/6/returned-suggestion": "043a718774c572bd8a25adbeb1bfcd5c0256ae11cecf9f9c3f925d0e52beaf89",
    "format-1-files/trials/8/returned-given_loss.plot": G,
    "format-1-files/trials/8/returned-plot": "8c63f5d3a8e7d25f8b17f1386be578f653e34a385235b18c768fd65e503f962e",
    "format-1-files/trials/9/returned-given_loss.plot": G,
    "format-1-files/trials/9/returned-plot": "9052c91a7c49ec5fdbe83371d49e587afc6c02bc6c7ea55e22aa6f6ae76627cf",
}


def fold(tape: Path) -> tuple[State, TapeReader]:
    reader = TapeReader(tape)
    state = make_state(reader.metadata, tape)
    replay(reader, state)
    return state, reader


def portrait(state: State, reader: TapeReader) -> dict[str, Any]:
    """What a tape adds up to, as plain data."""
    return {
        "metadata": reader.metadata,
        "records": state.n,
        "last_time": state.t,
        "bytes": reader.position.offset,
        "trials": {str(tid): entry for tid, entry in state.trials.items()},
        "evals": dict(state.evals),
        "live_trials": {str(tid): suggestion for tid, suggestion in state.live_trials.items()},
        "best": None if state.best is None else [state.best.tid, state.best.loss, state.best.suggestion],
        "top": [list(pair) for pair in state.top],
        "counts": {
            "since_best": state.since_best,
            "errors_in_a_row": state.errors_in_a_row,
            "repeats": state.repeats,
            "by_error": state.count_by_error,
            "ok_trials": state.trials.ok_count,
            "ok_evals": state.evals.ok_count,
        },
        "total_cost": state.total_cost,
        "runtime": round(state.runtime, 6),
        "sessions": state.sessions,
        "changes": state.changes,
        "ended": None if state.ended is None else [state.ended.reason, state.ended.text],
    }


@pytest.fixture(params=sorted(path.parent.name for path in HERE.glob("*/tape.son")))
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a golden folder, without what is expected of it."""
    ignored = shutil.ignore_patterns("expected.json")
    return Path(shutil.copytree(HERE / request.param, tmp_path / request.param, ignore=ignored))


@pytest.fixture
def first_format(tmp_path: Path) -> Path:
    """A copy of the run of ``format-1``."""
    return Path(
        shutil.copytree(HERE / "format-1", tmp_path / "format-1", ignore=shutil.ignore_patterns("expected.json"))
    )


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    """A copy of the run of ``format-1-edits``."""
    ignored = shutil.ignore_patterns("expected.json")
    return Path(shutil.copytree(HERE / "format-1-edits", tmp_path / "run_edits", ignore=ignored))


def expected(folder: Path) -> Any:
    return load((HERE / folder.name / "expected.json").read_bytes())


def test_no_golden_file_was_changed() -> None:
    found = {
        path.relative_to(HERE).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in HERE.glob("format-*/**/*")
        if path.is_file()
    }
    assert found == FILES


def test_a_golden_tape_adds_up_to_what_it_did(golden: Path) -> None:
    state, reader = fold(golden / "tape.son")
    assert reader.tail is None
    # As bytes: the order of keys, the type of a number and the sign of a zero count too.
    assert json.loads(dump(portrait(state, reader))) == json.loads(dump(expected(golden)))
    assert dump(portrait(state, reader)["trials"]) == dump(expected(golden)["trials"])


def test_a_golden_run_is_checked_out(golden: Path) -> None:
    run = Run.checkout(golden)
    assert run.best is not None
    assert [run.best.tid, run.best.loss, run.best.suggestion] == expected(golden)["best"]
    assert len(run.state.trials) == len(expected(golden)["trials"])
    assert run.trial_timeout == expected(golden)["changes"]["trial_timeout"]


def test_a_large_result_of_a_golden_run_is_whole(first_format: Path) -> None:
    folder = RunFolder.find(first_format)
    large = {tid: o["file"] for tid, o in fold(folder.tape)[0].trials.where_state("ok").items() if is_apart(o)}
    assert list(large) == [4]
    result = load_large(large[4], folder)
    assert len(result["ok"]["predictions"]) == 7000
    assert result["ok"]["loss"] == 0.25


def test_the_search_of_a_golden_run_goes_on(first_format: Path) -> None:
    reader = TapeReader(first_format / "tape.son")
    search = from_config(reader.metadata["run"]["search"])
    assert isinstance(search, Hyperopt)
    state = State(search)
    replay(reader, state)
    tid, suggestion = search.suggest()
    assert tid == len(state.trials) + len(state.live_trials)
    assert suggestion.keys() == state.live_trials[10].keys()


def test_a_golden_tape_goes_on(golden: Path) -> None:
    before = (golden / "tape.son").read_bytes()
    state, reader = fold(golden / "tape.son")
    writer = TapeWriter(golden / "tape.son", reader.position)
    writer.append(Session({"pid": 1}))
    writer.close()
    again, _ = fold(golden / "tape.son")
    assert (golden / "tape.son").read_bytes().startswith(before)
    assert (again.n, again.sessions) == (state.n + 1, state.sessions + 1)
    assert dump(dict(again.evals)) == dump(dict(state.evals))


@pytest.mark.usefixtures("own_registry")
@pytest.mark.filterwarnings("ignore:the code or data of the evaluator")
def test_a_golden_run_with_edits_is_restored_and_goes_on(
    edited: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "evaluate.py").write_text("def evaluate(k):\n    return {'score': k / 2, 'loss': 'own'}\n")
    monkeypatch.chdir(tmp_path)
    before = (edited / "tape.son").read_bytes()
    assert verify(edited).verdict == "intact"
    with Run.restore(edited, new_stop={"stop_max": {"count": 13}}) as run:
        run.run()
    assert (edited / "tape.son").read_bytes().startswith(before)
    assert run.state.last_session["format"] == 2  # a newer version went on with it
    assert run.full_result(14) == {"ok": run.full_result(14)["ok"], "given_loss": "own"}
    assert run.full_result(1 + 3)["ok"]["file"] == {"name": "a", "bytes": 1, "hash": "b"}
    assert run.state.trials[14][1]["suggestion"] == {"k": 14}
    assert run.state.trials[14][1]["loss"] == 7.0
    assert verify(edited, replay=True).verdict == "intact"


@pytest.mark.usefixtures("own_registry")
@pytest.mark.filterwarnings("ignore:the code or data of the evaluator")
def test_a_golden_run_with_bytes_is_restored_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ignored = shutil.ignore_patterns("expected.json")
    folder = Path(shutil.copytree(HERE / "format-1-files", tmp_path / "run_files", ignore=ignored))
    returned = "{'score': k / 2, 'loss': {'train': k}, 'plot': b'new', 'model': object(), 'given_loss': 'own'}"
    (tmp_path / "other.py").write_text(f"def evaluate(k):\n    return {returned}\n")
    monkeypatch.chdir(tmp_path)
    before = (folder / "tape.son").read_bytes()
    assert verify(folder).verdict == "intact"
    with Run.restore(folder, new_stop={"stop_max": {"count": 11}}) as run:
        run.run()
    assert (folder / "tape.son").read_bytes().startswith(before)
    assert (run.loss_on_error, run.cost_on_error, run.state.last_session["evaluator"]) == (-1.0, 2.0, "other:evaluate")
    old, large, new = run.full_result(3), run.full_result(7), run.full_result(11)
    dropped = {"model": "is no data, but of type object"}
    assert (old["ok"]["given_loss"], old["ok"]["plot"]) == ({"train": 1, "plot": b"g"}, b"\x89PNG 1")
    assert (large["ok"]["files"], large["ok"]["file"]) == ([b"a", {"b": b"b"}], b"f")
    assert (len(large["ok"]["big"]), large["ok"]["suggestion"]) == (70_000, b"s")
    assert (new["ok"]["given_loss"], new["given_loss"], new["ok"]["plot"]) == ("own", {"train": 9}, b"new")
    assert old["dropped"] == large["dropped"] == new["dropped"] == dropped
    assert verify(folder, replay=True).verdict == "intact"
    repair(folder, tmp_path / "run_again")
    again = Run.checkout(tmp_path / "run_again")
    assert [again.full_result(tid) for tid in (3, 7, 11)] == [old, large, new]
