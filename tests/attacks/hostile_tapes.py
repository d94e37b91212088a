"""Tapes from somebody who wants to do harm: made by the thousand, and put through every door.

``python -m tests.attacks.hostile_tapes SEED FIRST COUNT`` looks at COUNT tapes, beginning with number FIRST, in a
process that may take 300 MB more than it has at its start. It prints one line of JSON: what came of how many, and each
tape for which something else came out than a result or an error of runlib, or which took more than two seconds.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import logging
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from runlib import Run, SerialPool, StopMax
from runlib.audit import mending
from runlib.audit.repair import repair
from runlib.audit.verify import verify
from runlib.cli.account import describe, render_description
from runlib.cli.best import best_trials, print_best
from runlib.engine import disk
from runlib.engine.data.canonical import dump, load
from runlib.errors import RunlibError
from runlib.run.continuation.fork import make_fork
from runlib.run.folder.folder import RunFolder
from runlib.search.random import RandomSearch
from runlib.tape import codec

SECONDS = 2.0  # of the processor, for each door
MEMORY = 300 * 2**20
EFFORT = mending.EFFORT
GOLDEN = Path(__file__).parents[1] / "golden"
SPACE = {"x": ["hp_uniform", "x", -1, 1], "n": ["hp_choice", "n", [1, {"deep": ["hp_loguniform", "y", -3, 0]}]]}

Record = dict[str, Any]


class UnsyncedDisk(disk.Disk):
    """A disk that is quick, because nothing is forced down to it."""

    def sync(self, fd: int) -> None:
        """Do nothing."""

    def sync_folder(self, path: Path, at: int | None = None) -> None:
        """Do nothing."""


def evaluate(x: float, n: Any) -> dict[str, Any]:
    """Fails now and then, and returns words of the tape."""
    if 0.6 < x < 0.7:
        raise ValueError("too \x1b[31m high")
    if x < -0.9:
        raise OSError("busy")
    return {"loss": x * x, "cost": 0.5, "file": "model", "text": "x" * (70_000 if 0.1 < x < 0.15 else 10)}


def evaluate_all(x: float, n: Any) -> dict[str, Any]:
    """The same with another objective, bytes, and what is no data."""
    return {**evaluate(x, n), "score": -x, "plot": b"\x89PNG", "of": [b"", object()]}


# -- honest tapes -----------------------------------------------------------------------------------


def honest(folder: Path) -> list[bytes]:
    """Tapes as runlib writes them, with every kind of record."""
    made = [(GOLDEN / name / "tape.son").read_bytes() for name in ("format-1", "format-1-edits")]
    more = {
        "objective": "score",
        "direction": "max",
        "loss_on_error": -9.0,
        "cost_on_error": 1,
        "description": "a \x1b[1m",
    }
    made.append(_run(folder / "0", 0, "suggested", evaluate_all, **more))
    for seed, order in enumerate(("completed", "suggested"), 1):
        made.append(_run(folder / f"{seed}", seed, order, evaluate))
    return made


def _run(folder: Path, seed: int, order: Any, evaluator: Any, **more: Any) -> bytes:
    name = f"tests.attacks.hostile_tapes:{evaluator.__name__}"
    given: dict[str, Any] = {"order": order, "retries": {"OSError": 1}, "caught_exceptions": ["ValueError", "OSError"]}
    given.update(more)
    run = Run(RandomSearch(SPACE, seed=seed), name, StopMax(12), pool=SerialPool(), observers=[], name="x", **given)
    run.announces = False
    run.prepare(folder)
    run.enqueue({"x": 0.25, "n": 1})
    run.enqueue({"x": 0.25, "n": 1})
    run.run()
    run = Run.restore(run.work_directory, new_stop=StopMax(16), trial_timeout=9.0)
    run.void(3, "why not")
    run.annotate(None, "a remark")
    run.annotate(2, "another")
    run.run()
    return (run.work_directory / "tape.son").read_bytes()


def parsed(tape: bytes) -> tuple[Record, list[Record]]:
    """The metadata and the records as data, without hashes."""
    lines = [load(line) for line in tape.split(b"\n") if line.startswith(b"{")]
    first, *records = ({key: value for key, value in line.items() if key != "h"} for line in lines)
    return first, records


def chained(metadata: Any, records: list[Any]) -> bytes:
    """A tape whose hashes are right, whatever stands in it."""
    line, h = codec.encode_line(metadata, b"")
    data = line + b"\n===\n"
    for record in records:
        line, h = codec.encode_line(record, h)
        data += line + b"\n---\n"
    return data


# -- hostile tapes ----------------------------------------------------------------------------------


def _deep(levels: int) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = {"a": value} if levels % 2 else [value]
    return value


VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 2, 7, 2**31, 2**53, 2**63, 10**9, 10**10, 10**30, 10**400, -(10**18)),
    *(0.0, -0.0, 0.5, 1e300, -1e300, 5e-324, float("nan"), float("inf"), float("-inf")),
    *("", "a", "\x00", "\x1b[2J\x9b31m", "‮abc⁦", "../../x", "/etc/passwd", "trials/0/result.json", "x" * 5000),
    *("a\nb", "[red]b[/red]", "", "search_random", "no:such", "tests.fakes:quadratic", "stop_max"),
    *([], {}, [1], [None], ["a"], {"a": 1}, {"": {}}, {"search_random": {}}, {"stop_max": {"count": 10**12}}),
    *({"stop_any": {"stops": []}}, {"pool_processes": {}}, {"pool_serial": None}, {"observe_log": {"x": 1}}),
    *({"max_workers": 10**9}, {"ahead": 10**9, "max_workers": 1}, {"sync": "x"}, {"$float": "nan"}, {"$int": "5"}),
    *(_deep(150), _deep(190), [[0] * 50] * 50, {str(k): k for k in range(300)}, list(range(2000))),
]
RAW = [b'{"$int": "' + b"9" * 700 + b'"}', b"1e999", b"[" * 5000 + b"]" * 5000, b'{"a":' * 900 + b"1" + b"}" * 900]
RAW += [b'"\\ud800"', b"-", b"1" * 5000, b'{"$float": "x"}', b'{"$x": 1}', b'{"tid":0,"tid":"x"}']


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value in data, the whole first."""
    yield above
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*above, key))


def _replace(root: Any, place: tuple[Any, ...], by: Any) -> Any:
    if not place:
        return by
    *way, last = place
    inner = root
    for key in way:
        inner = inner[key]
    inner[last] = by
    return root


def _changed(stream: random.Random, value: Any) -> Any:
    """Data with one thing in it that is not as it was."""
    found = list(places(value))
    place = stream.choice(found[: stream.choice((12, len(found)))])
    how = stream.random()
    if how < 0.7 or not place:
        return _replace(value, place, copy.deepcopy(stream.choice(VALUES)))
    *way, last = place
    inner = value
    for key in way:
        inner = inner[key]
    if how < 0.85:
        del inner[last]
    elif isinstance(inner, dict):
        inner[stream.choice([*NAMES, "x", "", "\x1b"])] = copy.deepcopy(stream.choice(VALUES))
    else:
        inner.append(copy.deepcopy(stream.choice(VALUES)))
    return value


NAMES = [
    *("tid", "suggestion", "memo", "heard", "queued", "result", "of", "ok", "error", "loss", "cost", "var", "duration"),
    *("files", "dropped", "bytes", "hash", "program", "fingerprint", "evaluator", "description", "folder", "path"),
    *("loss_on_error", "cost_on_error", "arguments", "how", "directory", "earlier", "package"),
    *("file", "given_loss", "attempt", "rule", "reason", "key", "text", "changed", "context", "observers", "pool"),
    *("paths", "plugins", "versions", "recovered", "host", "pid", "slots", "n", "t", "d", "skip", "stop", "retries"),
    *(
        "trial_timeout",
        "caught_exceptions",
        "order",
        "direction",
        "origin",
        "format",
        "clocks",
        "name",
        "adopted",
        "at",
    ),
]


def with_right_chain(stream: random.Random, tape: tuple[Record, list[Record]]) -> bytes:
    """A tape with a right chain and wrong content."""
    metadata, records = copy.deepcopy(tape)
    renumber = stream.random() < 0.8
    for _ in range(stream.choice((1, 1, 1, 2, 5))):
        how = stream.random()
        at = stream.randrange(len(records)) if records else 0
        if how < 0.15:
            metadata = _changed(stream, metadata)
            if not isinstance(metadata, dict) or not metadata:
                metadata = {"x": metadata}
        elif how < 0.7 and records:
            found = _changed(stream, records[at])
            records[at] = found if isinstance(found, dict) and found else {"x": found}
        elif how < 0.8 and records:
            del records[at : at + stream.choice((1, 1, 3))]
        elif how < 0.9 and records:
            records.insert(at, copy.deepcopy(stream.choice(records)))
        elif len(records) > 1:
            other = stream.randrange(len(records))
            records[at], records[other] = records[other], records[at]
    if renumber:
        records = [{**record, "n": n} if "n" in record else record for n, record in enumerate(records, 1)]
    try:
        return _with_raw(stream, metadata, records) if stream.random() < 0.1 else chained(metadata, records)
    except TypeError:  # data in data, too deep to be written
        return with_broken_bytes(stream, chained(*tape))


def _with_raw(stream: random.Random, metadata: Any, records: list[Any]) -> bytes:
    """A right chain over a line that no writer writes: JSON that Python's data cannot be."""
    data = b""
    previous = b""
    place = stream.randrange(len(records) + 1)
    for index, entry in enumerate([metadata, *records]):
        body = dump(entry)[:-1]
        if index == place:
            ends = [match for match in range(len(body)) if body[match : match + 1] in (b":", b",")]
            at = stream.choice(ends) if ends else 1
            body = body[: at + 1] + stream.choice(RAW) + (b"" if stream.random() < 0.5 else b"," + body[at + 1 :])
        h = codec.chain(previous, body)
        data += body + b', "h": "' + h + b'"}' + (b"\n===\n" if index == 0 else b"\n---\n")
        previous = h
    return data


PIECES = [
    *(b"\n---\n", b"\n===\n", b"---\n", b"\n", b"{", b"}", b'"', b"\x00", b"\xff", b"[" * 300, b'{"suggest":{"tid":'),
    *(b', "h": "0123456789abcdef"}', b'"n":1,"t":1', b'"n":999999999999999999,"t":1, "h": "0123456789abcdef"}'),
]


def with_broken_bytes(stream: random.Random, tape: bytes) -> bytes:
    """A tape with bytes that are not as they were."""
    data = tape
    for _ in range(stream.choice((1, 1, 2, 4, 20))):
        at, how = stream.randrange(len(data) + 1), stream.random()
        if how < 0.3 and at < len(data):
            data = data[:at] + bytes((data[at] ^ 1 << stream.randrange(8),)) + data[at + 1 :]
        elif how < 0.5:
            data = data[:at] + data[at + stream.choice((1, 5, 100, 1000)) :]
        elif how < 0.8:
            data = data[:at] + stream.choice(PIECES) * stream.choice((1, 1, 3, 500)) + data[at:]
        elif how < 0.9:
            other = stream.randrange(len(data) + 1)
            data = data[:at] + data[min(at, other) : max(at, other)] + data[at:]
        else:
            data = data[:at]
    return data[: 2**20]


def hostile(seed: int, number: int, tapes: list[bytes]) -> bytes:
    """Tape ``number``; half of them have a right chain."""
    stream = random.Random(f"{seed}/{number}")
    tape = stream.choice(tapes)
    return with_broken_bytes(stream, tape) if number % 2 else with_right_chain(stream, parsed(tape))


# -- the doors --------------------------------------------------------------------------------------


def _checkout(folder: Path) -> None:
    run = Run.checkout(folder)
    repr(run)
    for tid in run.state.trials:
        with contextlib.suppress(RunlibError):
            run.full_result(tid)


def _status(folder: Path) -> None:
    render_description(describe(Run.checkout(folder), 1.8e9), 1.8e9)


def _top(folder: Path) -> None:
    state = Run.checkout(folder).state
    with contextlib.redirect_stdout(io.StringIO()):
        print_best(state, 5)
    dump(best_trials(state, 5))


def _fork(folder: Path) -> None:
    made = make_fork(RunFolder.find(folder), None, folder.parent / "forks", {})
    Run.checkout(made.path)


def _repair(folder: Path) -> None:
    into = folder.parent / "run_repaired"
    repair(folder, into)
    report = verify(into)
    if report.verdict != "intact":
        raise AssertionError(f"a repaired run is {report.verdict}: {report.findings[0].text}")


def _restore(folder: Path) -> None:
    Run.restore(folder).close()


DOORS: dict[str, Callable[[Path], None]] = {
    "checkout": _checkout,
    "verify": lambda folder: dump(verify(folder).as_data()) and None,
    "status": _status,
    "top": _top,
    "fork": _fork,
    "repair": _repair,
    "restore": _restore,
}


class TooLongError(BaseException):
    """More than the time that a door may take."""


def _too_long(*_: Any) -> None:
    raise TooLongError


def look(tape: bytes, folder: Path) -> Iterator[tuple[str, str]]:
    """Put a tape through every door: the door, and what came of it: ``fine``, the name of an error, or a failure."""
    for name, door in DOORS.items():
        shutil.rmtree(folder, ignore_errors=True)
        run = folder / "run_x"
        run.mkdir(parents=True)
        (run / "tape.son").write_bytes(tape)
        yield name, _outcome(door, run)


def _outcome(door: Callable[[Path], None], run: Path) -> str:
    began = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, 5 * SECONDS)
    try:
        door(run)
        result = "fine"
    except RunlibError as error:
        result = type(error).__name__
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        result = f"FAILED {type(error).__name__}: {str(error)[:200]} ({Path(place.filename).name}:{place.lineno})"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    used = time.process_time() - began
    return result if used <= SECONDS else f"FAILED {result}, took {used:.1f} s"


def _limit_memory() -> None:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmSize:"):
            limit = int(line.split()[1]) * 1024 + MEMORY
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def main(seed: int, first: int, count: int) -> dict[str, Any]:
    """Look at many tapes."""
    signal.signal(signal.SIGPROF, _too_long)
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    outcomes: Counter[str] = Counter()
    failures = []
    with tempfile.TemporaryDirectory() as place, disk.use(UnsyncedDisk()):
        tapes = honest(Path(place) / "honest")
        for outcome in look(tapes[-1], Path(place) / "warm"):
            outcomes["warm " + outcome[1]] += 1
        _limit_memory()
        for number in range(first, first + count):
            mending.EFFORT = EFFORT if number % 50 == 1 else EFFORT // 50  # the whole of it takes a second each time
            for door, outcome in look(hostile(seed, number, tapes), Path(place) / "looked"):
                outcomes[outcome.partition(":")[0]] += 1
                if outcome.startswith("FAILED"):
                    failures.append([number, door, outcome])
    return {"outcomes": dict(outcomes), "failures": failures}


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:4]))))
