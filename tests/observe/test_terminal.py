"""A run on a terminal: progress where a person looks, prints above it, and the terminal as it was."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runlib.observe import terminal as module
from runlib.observe.terminal import open_terminal

ERASED = re.compile(r"\r\x1b\[2K|\r?\n")
STYLE = re.compile(r"\x1b\[[0-9;]*m")

SCRIPT = """
import ctypes, os, sys, time
from runlib import Float, RandomSearch, Run, SerialPool, ProcessPool, StopMax

def evaluate(x):
    print("print", os.getpid() % 7)
    print("error", file=sys.stderr)
    os.write(1, b"descriptor\\n")
    os.system("echo child")
    ctypes.CDLL(None).printf(b"from C\\n")
    ctypes.CDLL(None).fflush(None)
    time.sleep(0.01)
    return x

context = {{"observe_progress": {{"interval": 0.0}}, "max_workers": 2}}
run = Run(RandomSearch({{"x": Float(0, 1)}}), evaluate, StopMax(12), name="a_fox", pool={pool}(), context=context)
run.prepare().run({how})
print("afterwards", sys.stdout.isatty())
"""


def on_a_terminal(folder: Path, script: str, *redirections: str, **environment: str) -> tuple[str, int]:
    """What a person sees of a script, and its exit code."""
    (folder / "script.py").write_text(script)
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(folder)
        known = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
        command = f"exec {sys.executable} script.py {' '.join(redirections)}"
        os.execve("/bin/sh", ["sh", "-c", command], {**known, "TERM": "xterm", "COLUMNS": "150", **environment})
    shown = b""
    while True:
        try:
            data = os.read(fd, 1 << 16)
        except OSError:  # what Linux says when the other side of a terminal is closed
            data = b""
        if not data:
            break
        shown += data
    os.close(fd)
    return shown.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def pieces(shown: str) -> list[str]:
    """What stood on the terminal, a line or a redrawn part of one each."""
    return [STYLE.sub("", piece) for piece in ERASED.split(shown)]


@pytest.mark.parametrize(("pool", "unbuffered"), [("ProcessPool", ""), ("ProcessPool", "1"), ("SerialPool", "")])
def test_prints_stand_above_the_progress_and_are_whole(tmp_path: Path, pool: str, unbuffered: str) -> None:
    shown, code = on_a_terminal(tmp_path, SCRIPT.format(pool=pool, how=""), PYTHONUNBUFFERED=unbuffered)
    assert code == 0
    assert "\x1b[?25l" not in shown  # the cursor stays visible
    seen = pieces(shown)
    lines = [piece for piece in seen if "a_fox" not in piece and piece]
    assert sorted({line for line in lines if not line.startswith("print ")}) == [
        "afterwards True",
        "child",
        "descriptor",
        "error",
        "from C",
    ]
    for word in ("error", "descriptor", "child", "from C"):
        assert lines.count(word) == 12
    assert len([line for line in lines if re.fullmatch(r"print \d", line)]) == 12
    progress = [piece for piece in seen if re.search(r"a_fox  \d+/12 trials", piece)]
    assert len(progress) > 3
    assert seen[-2:] == ["afterwards True", ""]
    assert seen[-3].startswith("run_a_fox: 12 trials (Counted trials: 12/12")


def test_progress_can_be_switched_off(tmp_path: Path) -> None:
    for folder, how, environment in (("a", "progress=False", {}), ("b", "", {"RUNLIB_PROGRESS": "0"})):
        (tmp_path / folder).mkdir()
        script = SCRIPT.format(pool="SerialPool", how=how)
        shown, _ = on_a_terminal(tmp_path / folder, script, **environment)
        assert "\x1b" not in shown
        assert "12/12 trials" not in shown


@pytest.mark.parametrize("stream", ["2> err.txt", "2> err.txt > out.txt"])
def test_nothing_is_shown_where_nobody_looks(tmp_path: Path, stream: str) -> None:
    shown, code = on_a_terminal(tmp_path, SCRIPT.format(pool="SerialPool", how=""), stream)
    assert code == 0
    assert "\x1b" not in shown
    assert set((tmp_path / "err.txt").read_text().splitlines()) == {"error"}


def test_standard_output_in_a_file_is_left_alone(tmp_path: Path) -> None:
    shown, code = on_a_terminal(tmp_path, SCRIPT.format(pool="ProcessPool", how=""), "> out.txt")
    assert code == 0
    assert "a_fox: 12 trials" not in shown
    assert re.search(r"a_fox  \d+/12 trials", shown)
    assert pieces(shown).count("error") == 12
    text = (tmp_path / "out.txt").read_text()
    assert "\x1b" not in text
    assert text.splitlines().count("descriptor") == 12


def test_a_run_inside_of_a_trial_draws_nothing(tmp_path: Path) -> None:
    inner = """
def evaluate(x):
    inner = Run(RandomSearch({"y": Float(0, 1)}), lambda y: y, StopMax(3), name=f"in_{x:.9f}", pool=SerialPool())
    return inner.prepare().run().best.loss
"""
    script = re.sub(r"\ndef evaluate.*?return x\n", lambda _: inner, SCRIPT, flags=re.DOTALL)
    for number, pool in enumerate(("SerialPool", "ProcessPool")):
        (tmp_path / str(number)).mkdir()
        text = script.replace("{{", "{").replace("}}", "}").replace("{pool}", pool).replace("{how}", "")
        shown, code = on_a_terminal(tmp_path / str(number), text)
        assert code == 0, shown
        assert not re.search(r"in_0\.\d+  \d/3", shown)
        assert "a_fox  " in shown


def test_ctrl_c_ends_a_script_with_one_line(tmp_path: Path) -> None:
    script = SCRIPT.format(pool="ProcessPool", how="").replace("time.sleep(0.01)", "os.kill(os.getppid(), 0)")
    ask = "import signal\nos.kill(int(os.environ['MANAGER']), signal.SIGINT)\n    time.sleep(20)"
    script = script.replace("os.kill(os.getppid(), 0)", ask.replace("\n", "\n    ", 1).replace("    import", "import"))
    script = script.replace("import ctypes", "import os\nos.environ['MANAGER'] = str(os.getpid())\nimport ctypes", 1)
    shown, code = on_a_terminal(tmp_path, script)
    assert code == 130, shown
    assert "Traceback" not in shown
    assert pieces(shown)[-2].startswith("run_a_fox: 0 trials (stopped by SIGINT)")


def test_a_killed_run_leaves_the_terminal_clean(tmp_path: Path) -> None:
    script = SCRIPT.format(pool="SerialPool", how="").replace("time.sleep(0.01)", "os.kill(os.getpid(), 9)")
    shown, code = on_a_terminal(tmp_path, script)
    assert code == -signal.SIGKILL
    assert pieces(shown)[-1] == ""
    assert pieces(shown).count("from C") == 1


KILLS = """
def parent_of(pid):
    try:
        return int(open(f"/proc/{{pid}}/stat").read().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return None

def kill_drawer():
    drawer = terminal._shown[0]._drawer
    if {kills_parent}:
        drawer.kill()
        return
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if parent_of(pid) == drawer.pid:
            os.kill(int(pid), 9)

def evaluate(x):
    kill_drawer()
    for _ in range(20):  # far more than a pipe holds, and nothing is drawn meanwhile
        print("y" * 9000)
    return x
"""


@pytest.mark.parametrize("kills_parent", [True, False])
def test_a_killed_drawer_is_in_nobodys_way(tmp_path: Path, kills_parent: bool) -> None:
    script = re.sub(r"\ndef evaluate.*?return x\n", lambda _: KILLS, SCRIPT, flags=re.DOTALL)
    text = script.format(pool="SerialPool", how="", kills_parent=kills_parent)
    shown, code = on_a_terminal(tmp_path, "from runlib.observe import terminal\n" + text)
    assert code == 0
    assert pieces(shown)[-2] == "afterwards True"
    whole = [piece for piece in pieces(shown) if piece == "y" * 9000]
    # What a killed one had read is lost: at most a block each time, of eight of these lines.
    assert len(whole) >= (12 * 20 if kills_parent else 12 * (20 - 9))


class Pty:
    """A terminal that nobody watches, as standard error of this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._master, slave = pty.openpty()
        self.stream = os.fdopen(slave, "w")
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(sys, "stderr", self.stream)

    def close(self) -> str:
        """All that was written."""
        self.stream.close()
        text = b""
        try:
            while data := os.read(self._master, 1 << 16):
                text += data
        except OSError:  # the end, on Linux
            os.close(self._master)
        return text.decode()


def test_there_is_one_line_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Pty(monkeypatch)
    first = open_terminal()
    assert first is not None
    assert open_terminal() is None
    first.show("the one", 0, None)
    first.close()
    assert module._shown == []
    second = open_terminal()
    assert second is not None
    second.close()
    assert "the one" in screen.close()


def test_a_line_is_never_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    screen = Pty(monkeypatch)
    shown = open_terminal()
    assert shown is not None
    shown.show("long " * 100, 3, 10)
    shown.close()
    assert max(len(piece) for piece in pieces(screen.close())) == 39


@pytest.mark.parametrize("term", ["dumb", "unknown", ""])
def test_a_terminal_that_cannot_move_its_cursor(monkeypatch: pytest.MonkeyPatch, term: str) -> None:
    screen = Pty(monkeypatch)
    monkeypatch.setenv("TERM", term)
    assert open_terminal() is None
    assert screen.close() == ""


def test_importing_it_is_cheap() -> None:
    code = "import runlib.observe.progress, sys; print({'rich', 'IPython'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_a_drawer_that_cannot_be_started_leaves_all_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError("Resource temporarily unavailable")

    screen = Pty(monkeypatch)
    before = set(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(BlockingIOError):
        open_terminal()
    assert set(os.listdir("/proc/self/fd")) == before
    assert module._shown == []
    assert os.isatty(screen.stream.fileno())
    assert screen.close() == ""
