"""An evaluator that waits in the way that its suggestion names, in a module that workers import by name."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from runlib.evaluator.base import Evaluator

ENDING = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP, signal.SIGINT)


def leave(number, frame):
    """A handler that ends the evaluation as programs do."""
    raise SystemExit(0)


class Waiting(Evaluator):
    """``{"how": name, "x": number}``; it says that it has started, and waits until ``go`` is there."""

    kind = "signals_test_waiting"

    def __init__(self, folder, context=None):
        super().__init__(context)
        self.folder = folder

    def __call__(self, suggestion):
        getattr(self, suggestion["how"])(suggestion["x"])
        with open(Path(self.folder) / "ledger", "a") as file:
            file.write(f"{suggestion['x']}\n")
        return {"loss": float(suggestion["x"]), "text": "x" * suggestion.get("size", 0)}

    def say(self, x):
        """Say that the trial has started."""
        path = Path(self.folder) / f"started-{x}"
        path.with_suffix(".new").write_text(str(os.getpid()))
        path.with_suffix(".new").rename(path)

    def quick(self, x):
        """At once."""

    def sleep(self, x):
        """Without doing anything about signals."""
        self.say(x)
        while not (Path(self.folder) / "go").exists():
            time.sleep(0.01)

    def child(self, x):
        """For a process that dies of signals, which is an error then."""
        code = f"import os, time\nwhile not os.path.exists({str(Path(self.folder) / 'go')!r}): time.sleep(0.01)"
        process = subprocess.Popen([sys.executable, "-ISc", code])
        self.say(x)
        if process.wait():
            raise subprocess.CalledProcessError(process.returncode, "child")

    def forks(self, x):
        """For processes of its own that are ended by SIGTERM when they are done."""
        with multiprocessing.get_context("fork").Pool(2) as pool:
            self.say(x)
            pool.map(_wait_for, [str(Path(self.folder) / "go")] * 2)

    def own(self, x):
        """With handlers of its own, which raise."""
        for number in ENDING:
            signal.signal(number, leave)
        self.sleep(x)

    def default(self, x):
        """With what a process does by default."""
        for number in ENDING:
            signal.signal(number, signal.SIG_DFL)
        self.sleep(x)

    def returning(self, x):
        """With a handler that makes it return early."""
        asked = []
        signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
        self.say(x)
        while not asked:
            time.sleep(0.01)

    def terminate(self, x):
        """End processes that it started, in several ways, each by SIGTERM."""
        code = "print(flush=True); import time; time.sleep(3600)"
        started = subprocess.Popen([sys.executable, "-ISc", code], stdout=subprocess.PIPE)
        forked = multiprocessing.get_context("fork").Process(target=time.sleep, args=(3600,))
        forked.start()
        started.stdout.readline()
        started.terminate()
        forked.terminate()
        assert started.wait(20) == -signal.SIGTERM
        forked.join(20)
        assert forked.exitcode == -signal.SIGTERM
        with contextlib.closing(started.stdout):
            self.forks_and_terminates()

    def forks_and_terminates(self):
        """Both of a pool and of a process that stops by Ctrl-C."""
        with multiprocessing.get_context("fork").Pool(1) as pool:
            assert pool.apply(abs, (-3,)) == 3
        code = "import time\ntry: print(flush=True), time.sleep(3600)\nexcept KeyboardInterrupt: raise SystemExit(7)"
        with subprocess.Popen([sys.executable, "-ISc", code], stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 7


def _wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.01)
