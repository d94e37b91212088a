"""A tape of a million records: how long a checkout takes against parsing its lines, and how much memory it needs."""

from __future__ import annotations

import gc
import json
import random
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runlib import Hyperopt, Run, StopMax
from runlib.tape import codec
from runlib.tape.events import Event, Submit, Suggest
from runlib.tape.reader import TapeReader
from tests.benchmarks.common import SPACE, noop, tell

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

TRIALS = 500_000
SMALL = {"x": ["hp_uniform", "x", 0, 1]}

# Memory in KiB of a process of its own: before, at most, and after; and how many trials it saw.
LOOK = """
import sys
from pathlib import Path
from runlib import Run

def memory(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))

before = memory("VmRSS")
run = Run.checkout(sys.argv[1])
print(before, memory("VmHWM"), memory("VmRSS"), len(run.state.trials))
"""


def drawn(space: dict[str, Any], stream: random.Random) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """A suggestion from a space of these benchmarks and what a search notes beside it, quicker than a search."""
    suggestion: dict[str, Any] = {name: stream.random() for name in space if name not in ("i", "c")}
    if "c" not in space:
        return suggestion, None
    choice = stream.randrange(3)
    return {**suggestion, "i": stream.randint(1, 10), "c": "abc"[choice]}, {"c": choice}


def events(space: dict[str, Any], trials: int) -> Iterator[Event]:
    stream = random.Random(1)
    for tid in range(trials):
        yield Suggest(tid, *drawn(space, stream))
        yield Submit(tid, {"ok": {"loss": stream.random(), "duration": 0.0123}})


def write_run(directory: Path, space: dict[str, Any], trials: int) -> Path:
    """A run with a tape as its writer would have left it, had it been killed at the end."""
    run = Run(Hyperopt(space, method="rand"), noop, StopMax(trials), name="long").prepare(directory)
    run.close()
    reader = TapeReader(run.work_directory / "tape.son")
    began = sum(1 for _ in reader)
    h = reader.position.h
    with reader.path.open("ab") as file:
        for n, event in enumerate(events(space, trials), began + 1):
            line, h = codec.encode(event, n, 1_700_000_000.123 + n * 0.001, n - 1, h)
            file.write(line + b"\n" + codec.RECORD_END)
    return run.work_directory


def parse(folder: Path) -> None:
    """Read what is JSON in the lines, and keep none of it."""
    with (folder / "tape.son").open("rb") as file:
        for line in file:
            if line.startswith(b"{"):
                json.loads(line)


def timed(action: Callable[[], object]) -> float:
    gc.collect()
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="asks /proc for the memory of a process")
@pytest.mark.parametrize("space", [SMALL, SPACE], ids=["1 dimension", "10 dimensions"])
def test_a_million_records(space: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = write_run(Path(name), space, TRIALS)
        parses, looks = [], []
        while len(looks) < 2 or (min(looks) > 6 * min(parses) and len(looks) < 5):
            parses.append(timed(lambda: parse(folder)))
            looks.append(timed(lambda: Run.checkout(folder)))
        ratios = [look / reading for look, reading in zip(looks, parses, strict=True)]
        command = [sys.executable, "-c", LOOK, str(folder)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        before, most, after, trials = map(int, said.split())
        size = (folder / "tape.son").stat().st_size / 1024
    each = (most - before) / trials
    tell(
        f"{len(space)} dimensions, {TRIALS:,} trials",
        checkout_by_json_loads=min(looks) / min(parses),
        at_worst=max(ratios),
        checkout_s=min(looks),
        kib_a_trial=each,
        mib_above_the_end=(most - after) / 1024,
        mib_of_tape=size / 1024,
    )
    assert trials == TRIALS
    assert min(looks) <= 6 * min(parses)
    assert each <= 3
    assert most - after <= size / 10


def test_the_file_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    folder = write_run(tmp_path, SPACE, 5_000)
    size = (folder / "tape.son").stat().st_size
    Run.checkout(folder)  # what is imported and kept at the first time does not count
    tracemalloc.start()
    try:
        run = Run.checkout(folder)
        kept, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    tell("reading 10,000 records", mib_of_tape=size / 2**20, mib_kept=kept / 2**20, mib_at_most=most / 2**20)
    assert len(run.state.trials) == 5_000
    assert most - kept <= size / 20
