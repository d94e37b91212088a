"""An evaluator that does what its suggestion says, in a module that workers import by name."""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

from runlib.evaluator.base import Evaluator

# A process that ignores SIGTERM and says its number, in the ways in which it can try to get away.
STAY = "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
SAY = "print(os.getpid(), flush=True); time.sleep(3600)"
ESCAPES = {
    "plain": (STAY + SAY, {}),
    "session": (STAY + SAY, {"start_new_session": True}),
    "daemon": (STAY + "os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); " + SAY, {"env": {}}),
}


def begin(how):
    """Start a process that outlives its trial if it can, and return its number."""
    code, options = ESCAPES[how]
    child = subprocess.Popen([sys.executable, "-ISc", code], stdout=subprocess.PIPE, **options)
    return int(child.stdout.readline())


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

    def escape(self, mark, then="sleep", ways=tuple(ESCAPES)):
        """Start processes in all ways, then sleep, hold the interpreter, or return."""
        pids = [os.getpid(), *map(begin, ways)]
        with open(mark + "~", "w") as file:
            file.write(" ".join(map(str, pids)))
        os.rename(mark + "~", mark)
        if then == "sleep":
            time.sleep(3600)
        elif then == "hold":
            ctypes.PyDLL(None).sleep(3600)
        return {"loss": 1.0, "pids": pids}

    def allocate(self, size, where="here"):
        """Take memory, here or in a process in a session of its own, and wait."""
        code = f"import time; held = b'x' * {size}; time.sleep(3600)"
        if where == "here":
            exec(code, {})
        else:
            subprocess.run([sys.executable, "-ISc", code], start_new_session=True)

    def share(self, size, copies, seconds):
        """Hold memory that several processes share, for a while."""
        held = bytearray(b"x") * size
        children = [child for _ in range(copies) if (child := _touch(held))]
        time.sleep(seconds)
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        return {"loss": 1.0, "size": len(held)}

    def track(self, mark):
        """Leave a process that tidies up when this worker is gone, as the trackers of shared memory do."""
        code = "import sys, time; print(flush=True); sys.stdin.read(); time.sleep(0.1); "
        code += f"open({mark!r}, 'w').write('tidied up')"
        read, self.held = os.pipe()
        child = subprocess.Popen([sys.executable, "-ISc", code], stdin=read, stdout=subprocess.PIPE)
        child.stdout.readline()
        os.close(read)
        return 1.0

    def linger(self, mark, seconds):
        """Make this worker take its time for leaving."""

        def leave():
            with open(mark, "w") as file:
                file.write("leaving")
            time.sleep(seconds)
            with open(mark, "w") as file:
                file.write("left")

        atexit.register(leave)
        return {"loss": 1.0, "pid": os.getpid()}

    def score(self):
        with open("/proc/self/oom_score_adj") as file:
            return float(file.read())

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
        os.closerange(3, 65536)
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


def _touch(held):
    """A fork that reads all of ``held``, so that its pages are its own as well, and waits."""
    child = os.fork()
    if not child:
        held.count(b"y")
        time.sleep(3600)
    return child


class Greedy(Evaluator):
    """Takes ever more memory in its second trial, whichever worker has it; the trials are counted in a file."""

    kind = "pool_test_greedy"

    def __init__(self, path, context=None):
        super().__init__(context)
        self.path = path

    def __call__(self, suggestion):
        with open(self.path, "a+") as file:
            file.write(f"{os.getpid()}\n")
            file.seek(0)
            count = len(file.readlines())
        held = [b"x" * 2**28 for _ in range(3)] if count == 2 else []
        time.sleep(60 * len(held))
        return suggestion["x"]


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
