"""The published schema of the tape, and that the checks made of it hold for every field, before it is used."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runlib import Run
from runlib.errors import TapeCorrupt, TapeFormat
from runlib.tape import codec
from runlib.tape.events import Session, event_from_data
from runlib.tape.schema import SCHEMA, check
from tests.attacks.hostile_tapes import chained, parsed

GOLDEN = Path(__file__).parents[1] / "golden"
HUGE = 10**400
RECORDS: dict[str, dict[str, Any]] = {
    "session": {
        "host": "h",
        "pid": 1,
        "format": 2,
        "versions": {"python": "3"},
        "plugins": ["a"],
        "paths": ["/b"],
        "slots": 1,
        "context": {"sync": "always"},
        "pool": {"pool_serial": {}},
        "observers": ["observe_log"],
        "recovered": ["so"],
        "clocks": {"wall": 1.5, "monotonic": 2, "boot": None},
        "changed": {
            "stop": {"stop_max": {}},
            "trial_timeout": 3,
            "caught_exceptions": ["A"],
            "retries": {"A": 1},
            "later": [1],
        },
    },
    "suggest": {"tid": 0, "suggestion": {"x": 1}, "memo": [1], "heard": 0, "queued": 3},
    "submit": {
        "tid": 0,
        "of": 3,
        "result": {
            "ok": {"loss": 1, "duration": 2.5, "var": 0.5, "cost": 3, "any": [None]},
            "file": {"name": "trials/0/result.json", "bytes": 3, "hash": "0" * 32},
            "given_loss": "any",
            "dropped": ["a"],
            "pruned": {"step": 3},
            "usage": {},
            "slot": 0,
            "started": 0.5,
        },
    },
    "retry": {"tid": 0, "attempt": 1, "rule": "A", "error": {"error": "A", "error_text": "b", "traceback": "c"}},
    "void": {"tid": 0, "reason": "a", "key": "b"},
    "enqueue": {"suggestion": None, "key": None},
    "note": {"text": "a", "tid": 0, "key": "b"},
    "stop": {"reason": "a", "key": "b"},
    "end": {"reason": "a", "text": "b"},
}
FREE = {"suggestion", "memo", "given_loss", "later", "any", "fingerprint"}  # any data may stand there
INSIDE = {"context", "usage", "pool", "stop", "stop_max", "pool_serial", "dropped"}  # who takes these checks them
WRONG = [True, -1, 1.5, HUGE, "\0", float("nan"), [], {}, None, [[]], {"a": []}]


def fields(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each field that the schema describes."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in FREE:
                yield (*place, key)
                yield from () if key in INSIDE else fields(item, (*place, key))
    elif isinstance(value, list) and value:
        yield (*place, 0)


def put(root: Any, place: tuple[Any, ...], value: Any) -> Any:
    root = copy.deepcopy(root)
    inner = root
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return root


def test_it_is_a_schema_of_which_every_part_is_checked() -> None:
    assert SCHEMA["$schema"].startswith("https://json-schema.org/")
    for name in SCHEMA["$defs"]:
        assert callable(check(name))
    assert RECORDS.keys() == SCHEMA["$defs"]["record"]["properties"].keys()
    assert json.loads((Path(codec.__file__).parent / "schema.json").read_text()) == SCHEMA


def test_a_keyword_that_nothing_checks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCHEMA["$defs"], "odd", {"type": "string", "minLength": 3})
    with pytest.raises(ValueError, match="minLength"):
        check("odd")


@pytest.mark.parametrize("kind", RECORDS)
def test_what_it_describes_is_a_record(kind: str) -> None:
    assert check(kind)(RECORDS[kind]) is None
    assert event_from_data(kind, {**RECORDS[kind], "later": 1}) is not None


@pytest.mark.parametrize(("kind", "place"), [(kind, place) for kind, body in RECORDS.items() for place in fields(body)])
def test_every_field_has_a_type_and_a_range(kind: str, place: tuple[Any, ...]) -> None:
    """Of values of all kinds, most are refused, at the place; and no other error comes out."""
    refused = 0
    for value in WRONG:
        fault = check(kind)(put(RECORDS[kind], place, value))
        if fault is not None:
            assert fault.path.startswith(".".join(map(str, place)))
            assert len(str(fault)) < 300
            with pytest.raises(TapeFormat, match=f"a '{kind}' record has other values"):
                event_from_data(kind, put(RECORDS[kind], place, value))
            refused += 1
    assert refused >= 5


REQUIRED = {
    "suggest": ["tid", "suggestion"],
    "submit": ["tid", "result"],
    "retry": ["tid", "attempt", "rule", "error"],
    "void": ["tid"],
    "enqueue": ["suggestion"],
    "note": ["text"],
    "end": ["reason"],
}


@pytest.mark.parametrize(("kind", "key"), [(kind, key) for kind, keys in REQUIRED.items() for key in keys])
def test_what_has_to_be_there(kind: str, key: str) -> None:
    body = {name: value for name, value in RECORDS[kind].items() if name != key}
    assert str(check(kind)(body)) == f"{key}: is missing"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"n": 10**30}, "n: must be a whole number"),
        ({"t": -1}, "t: must be a number from 0"),
        ({"t": 1e300}, "t: must be a number from 0"),
        ({"t": float("nan")}, "t: must be a number from 0"),
        ({"t": "now"}, "t: must be a number from 0"),
        ({"d": -1}, "d: must be a whole number"),
        ({"d": 10**30}, "d: must be a whole number"),
        ({"d": True}, "d: must be a whole number"),
    ],
)
def test_number_and_time_of_a_record(change: dict[str, Any], said: str) -> None:
    line, _ = codec.encode_line({"void": {"tid": 0}, "n": 1, "t": 1.0, **change}, b"")
    with pytest.raises(TapeFormat, match=said):
        codec.decode(line)


# -- through a whole tape ---------------------------------------------------------------------------


def golden_with(tmp_path: Path, place: tuple[Any, ...], value: Any) -> Path:
    """The edited golden run with one value changed, its hashes being right."""
    metadata, records = parsed((GOLDEN / "format-1-edits" / "tape.son").read_bytes())
    metadata, *records = put([metadata, *records], place, value)
    folder = tmp_path / "run_x"
    folder.mkdir()
    (folder / "tape.son").write_bytes(chained(metadata, records))
    return folder


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *(((11, "retry", "attempt"), value) for value in (0, -1, 1.0, "1", None, 10**30)),
        *(((4, "suggest", "tid"), value) for value in (10**30, -1, 0.0, "0", None, True)),
        *(((6, "submit", "result"), value) for value in ([], None, {"ok": 1}, {"ok": {}}, {"error": {"error": 1}})),
        *(((6, "submit", "result", "ok", "duration"), value) for value in ("long", [], None, True, HUGE)),
        *(((6, "submit", "result", "ok", "cost"), value) for value in ("much", HUGE, {}, None)),
        *(((6, "submit", "result", "ok", "loss"), value) for value in (float("nan"), float("inf"), HUGE, "0", None)),
        *(((18, "submit", "result", "file", "name"), value) for value in ("../../x", "/etc/passwd", "a\0b", 3, "")),
        *(((0, "origin"), value) for value in (3, [], {"at": -1}, {"adopted": 1.5}, {"origin": {"at": []}})),
        *(((0, "run"), value) for value in (3, [], {"order": "x"}, {"direction": 3}, {"retries": {"A": -1}})),
        *(((0, "run", "trial_timeout"), value) for value in ("x", 0, -1, float("nan"), [])),
        *(((0, "run", "caught_exceptions"), value) for value in ("x", [1], {}, 3)),
        *(((0, "versions"), value) for value in (3, [], {"a": 1})),
        *(((1, "session", "paths"), value) for value in ("/x", [3], ["a\0b"], ["x"] * 20_000, {})),
        *(((1, "session", "context"), value) for value in (3, [], {str(k): k for k in range(2000)})),
        *(((1, "session", "observers"), value) for value in (3, {}, [3], ["a"] * 2000)),
        *(((1, "session", "changed"), value) for value in (3, [], {"retries": 5}, {"stop": 3})),
        *(((1, "session", "host"), value) for value in (3, None, [])),
        *(((1, "session", "pid"), value) for value in ("1", -1, 2**40, 1.0)),
        *(((26, "void", "reason"), value) for value in (3, None, [])),
    ],
)
def test_wrong_content_with_a_right_chain_is_refused_with_its_place(tmp_path: Path, place: Any, value: Any) -> None:
    folder = golden_with(tmp_path, place, value)
    with pytest.raises(TapeFormat, match="than the schema of the tape allows") as caught:
        Run.checkout(folder)
    assert caught.value.n == place[0]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("place", "value"), [((0, "run", "later"), 1), ((1, "session", "later"), [1]), ((4, "later"), {})]
)
def test_what_is_unknown_is_skipped(tmp_path: Path, place: Any, value: Any) -> None:
    assert len(Run.checkout(golden_with(tmp_path, place, value)).state.trials) == 12


def test_an_attempt_of_any_number_takes_no_memory(tmp_path: Path) -> None:
    folder = golden_with(tmp_path, (11, "retry", "attempt"), 10**10)
    assert Run.checkout(folder, at=11).state.failed_attempts(3) == 10**10
    with pytest.raises(TapeCorrupt, match="attempt 2 at trial 3, which is not its next"):
        Run.checkout(folder)


@pytest.mark.parametrize("depth", [210, 1000, 100_000])
def test_absurd_depth_is_refused(tmp_path: Path, depth: int) -> None:
    metadata, records = parsed((GOLDEN / "format-1-edits" / "tape.son").read_bytes())
    (tmp_path / "run_x").mkdir()
    for place in (0, 5):
        data, previous = b"", b""
        for index, entry in enumerate([metadata, *records]):
            body = codec.encode_line(entry, b"")[0][:-26]
            if index == place:
                body += b', "deep": ' + b"[" * depth + b"]" * depth
            previous = codec.chain(previous, body)
            data += body + b', "h": "' + previous + b'"}' + (b"\n---\n" if index else b"\n===\n")
        (tmp_path / "run_x" / "tape.son").write_bytes(data)
        with pytest.raises(TapeFormat):
            Run.checkout(tmp_path / "run_x")


def test_what_a_newer_version_went_on_with_is_said() -> None:
    assert event_from_data("session", {"format": 2}) == Session({"format": 2})
    with pytest.raises(TapeFormat, match="a newer runlib went on with this tape, in format 3"):
        event_from_data("session", {"format": 3})
