"""What all tests share: hypothesis without deadlines, no component that leaks, no process that is left behind."""

from __future__ import annotations

import hashlib
import os
import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from runlib.engine import registry
from runlib.engine.code import modules

# A deadline per example measures the other things that the machine does.
# The same examples in each run: whoever changes one thing is not told of another. "explore" looks for new ones.
settings.register_profile("runlib", deadline=None, print_blob=True, max_examples=60, derandomize=True)
settings.register_profile("explore", deadline=None, print_blob=True, max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "runlib"))

# A shell that starts the tests in the background has them ignore Ctrl-C, and with them all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

LONGEST_ID = 200  # pytest puts the name of a test into the environment, which has a limit for all that it starts
GRACE = 20_000  # milliseconds for a process that is just ending


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A long value stands in the name of a test by the beginning and a hash."""
    if not isinstance(val, str | bytes) or len(val) <= LONGEST_ID:
        return None
    data = val.encode("utf-8", "surrogatepass") if isinstance(val, str) else val
    return f"{argname}-of-{len(val)}-{hashlib.blake2b(data, digest_size=4).hexdigest()}"


@pytest.fixture(autouse=True)
def _forget_local_components() -> Iterator[None]:
    """A component that a test defines in its body is known to that test alone."""
    registry._settle()
    known = dict(registry._classes)
    yield
    registry._unsettled[:] = [cls for cls in registry._unsettled if "<locals>" not in cls.__qualname__]
    for kind, cls in list(registry._classes.items()):
        if "<locals>" in cls.__qualname__ and known.get(kind) is not cls:
            del registry._classes[kind]
            if kind in known:
                registry._classes[kind] = known[kind]


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Registry, plugins, added folders and search path are put back; modules from ``tmp_path`` are forgotten."""
    for name in ("_classes", "_unsettled", "_plugins", "_failed_packages"):
        value = getattr(registry, name)
        monkeypatch.setattr(registry, name, type(value)(value))
    monkeypatch.setattr(registry, "_searched_plugins", False)
    monkeypatch.setattr(modules, "_paths", modules.paths())
    monkeypatch.delenv("RUNLIB_PLUGINS", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    """A test fails that leaves a child process running."""
    before = _children()
    yield
    left = [pid for pid in _children() - before if _still_runs(pid)]
    assert not left, f"left running: {[_command(pid) for pid in left]}"


def _children() -> set[int]:
    """The children of this process by their ids; none where there is no ``/proc``."""
    if not Path("/proc").is_dir():
        return set()
    parent = str(os.getpid()).encode()
    states = {int(name): _state_and_parent(name) for name in os.listdir("/proc") if name.isdigit()}
    return {pid for pid, found in states.items() if found[1:] == [parent] and found[0] != b"Z"}


def _state_and_parent(pid: str) -> list[bytes]:
    """Nothing if it ended meanwhile. Read for all processes around each test, and therefore without ``Path``."""
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return []
    try:
        return os.read(fd, 512).rpartition(b")")[2].split(None, 2)[:2]
    except OSError:
        return []
    finally:
        os.close(fd)


def _still_runs(pid: int) -> bool:
    if "resource_tracker" in _command(pid):
        return False  # of Python itself, one for the whole session
    try:
        watch = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        poll = select.poll()
        poll.register(watch, select.POLLIN)
        return not poll.poll(GRACE)
    finally:
        os.close(watch)


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
    except OSError:
        return ""
