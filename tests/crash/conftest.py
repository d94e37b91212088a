"""The figures of the crash tests, told at the end of a session: faults that were injected, and survived."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest


@dataclass
class Figure:
    """One kind of fault: how often it was injected, how often nothing was lost by it, and what else is to be said."""

    fault: str
    injected: int = 0
    survived: int = 0
    remark: str = ""


FIGURES = pytest.StashKey[list[Figure]]()


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], Figure]:
    """Begin a row of the table at the end; whoever asks for it counts in it, so that a failure shows there too."""

    def begin(fault: str) -> Figure:
        row = Figure(fault)
        request.config.stash.setdefault(FIGURES, []).append(row)
        return row

    return begin


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The table, and what the other crash tests said of themselves."""
    rows = config.stash.get(FIGURES, [])
    passed = [report for report in terminalreporter.getreports("passed") if "crash/" in report.nodeid]
    said = [line for report in passed for line in report.capstdout.splitlines() if line.strip()]
    if not rows and not said:
        return
    terminalreporter.section("faults")
    for row in rows:
        remark = f"  ({row.remark})" if row.remark else ""
        terminalreporter.write_line(f"{row.injected:>7,} injected {row.survived:>7,} survived  {row.fault}{remark}")
    for line in said:
        terminalreporter.write_line(line)
