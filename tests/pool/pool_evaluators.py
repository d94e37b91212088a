"""An evaluator that does what its suggestion says, in a module that workers import by name."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

from runlib.evaluator.base import Evaluator


class Doing(Evaluator):
    """``{"do": name, ...}`` calls the method of that name."""

    kind = "pool_test_doing"

    def __init__(self, factor=1.0, context=None):
        super().__init__(context)
        self.factor = factor

    def __call__(self, suggestion):
        return getattr(self, suggestion["do"])(**{k: v for k, v in suggestion.items() if k != "do"})

    def value(self, x=1.0):
        return x * self.factor

    def sleep(self, seconds):
        time.sleep(seconds)
        return 1.0

    def where(self, seconds=0.0):
        time.sleep(seconds)
        variables = ("RUNLIB_SLOT", "CUDA_VISIBLE_DEVICES", "PYTHONPATH")
        return {
            "loss": 1.0,
            "pid": os.getpid(),
            "group": os.getpgid(0),
            "session": os.getsid(0),
            "folder": os.getcwd(),
            "argv": sys.argv,
            "path": sys.path,
            "environment": {name: os.environ.get(name) for name in variables},
            "stdin": sys.stdin.read(),
            "threads": threading.active_count(),
            "main": threading.current_thread() is threading.main_thread(),
            "descriptors": sorted(map(int, os.listdir("/proc/self/fd"))) if os.path.isdir("/proc/self/fd") else [],
            "inherited": subprocess.run(
                [sys.executable, "-ISc", "import os; print(len(os.listdir('/proc/self/fd')))"],
                stdout=subprocess.PIPE,
                text=True,
                close_fds=False,
            ).stdout.strip(),
        }

    def segfault(self):
        ctypes.string_at(0)

    def exit(self, code):
        os._exit(code)

    def kill(self, number):
        os.kill(os.getpid(), number)
        time.sleep(60)

    def stubborn(self, mark):
        """Ignore SIGTERM, leave a mark, never end."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with open(mark, "w") as file:
            file.write(str(os.getpid()))
        while True:
            time.sleep(60)

    def hold(self, mark):
        """Compute in C without ever letting go of the interpreter."""
        with open(mark, "w") as file:
            file.write(str(os.getpid()))
        ctypes.PyDLL(None).sleep(3600)

    def parent(self, mark, ignore=True):
        """Start a process that ignores SIGTERM, and wait."""
        code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(3600)"
        child = subprocess.Popen([sys.executable, "-ISc", code], stdout=subprocess.PIPE)
        child.stdout.readline()
        with open(mark, "w") as file:
            file.write(f"{os.getpid()} {child.pid}")
        time.sleep(3600)

    def large(self, size):
        return {"loss": 1.0, "text": "x" * size}

    def measure(self, text):
        return float(len(text))

    def speak(self, times=1):
        for _ in range(times):
            print("from python")
            print("wrong", file=sys.stderr)
        ctypes.CDLL(None).puts(b"from c")
        subprocess.run(["echo", "from a process"], check=True)
        return 1.0

    def print_and_die(self):
        print("last words")
        os.kill(os.getpid(), signal.SIGKILL)

    def deaf(self):
        """Close every descriptor, that of the pool's stream too."""
        os.closerange(3, 256)
        time.sleep(3600)

    def heed(self, mark):
        """End in order when asked by SIGTERM."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        with open(mark, "w") as file:
            file.write("started")
        try:
            time.sleep(3600)
        finally:
            with open(mark, "w") as file:
                file.write("tidied up")


class Failing(Evaluator):
    """Cannot be built in a worker."""

    kind = "pool_test_failing"

    def __init__(self, how="raise", context=None):
        super().__init__(context)
        self.how = how

    def __setstate__(self, state):
        if state["how"] == "segfault":
            ctypes.string_at(0)
        raise LookupError("the data set is missing")


class Locked(Evaluator):
    """Holds what cannot be pickled, but can be made anew."""

    kind = "pool_test_locked"

    def __init__(self, factor=1.0, context=None):
        super().__init__(context)
        self.factor = factor
        self.lock = threading.Lock()

    def __call__(self, suggestion):
        with self.lock:
            return {"loss": self.factor, "context": dict(self.given_context)}
