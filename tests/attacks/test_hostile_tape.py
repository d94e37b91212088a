"""Mutated tapes, half of them with a right chain, through checkout, verify, status, top, fork, repair and restore.

What comes out is a result or an error of runlib, each within two seconds of the processor and 300 MB of memory, and
what a repair makes is intact. ``hostile_tapes.py`` makes the tapes and looks at them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.hostile_tapes import DOORS

ROOT = Path(__file__).parents[2]


def looking(seed: int, first: int, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.attacks.hostile_tapes", str(seed), str(first), str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def seen(process: subprocess.Popen[str]) -> dict[str, Any]:
    said, _ = process.communicate()
    found: dict[str, Any] = json.loads(said)
    return found


def check(found: dict[str, Any], count: int) -> None:
    assert found["failures"] == []
    looks = {name: number for name, number in found["outcomes"].items() if not name.startswith("warm")}
    assert sum(looks.values()) == count * len(DOORS)
    assert looks["fine"] > count  # of seven doors: not all is refused
    assert looks["TapeFormat"] > count / 2
    assert looks["TapeCorrupt"] > count / 2


def test_sixty() -> None:
    check(seen(looking(1, 0, 60)), 60)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_twenty_thousand() -> None:
    for process in [looking(2, first, 10_000) for first in (0, 10_000)]:
        check(seen(process), 10_000)
