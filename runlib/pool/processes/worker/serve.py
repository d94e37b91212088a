"""Unpacks the evaluator once, then evaluates one task after the other: this is what a worker does.

The evaluator runs in the main thread. Reports are JSON, so that only plain data leaves the worker. The worker decides
nothing: the manager decides when it stops, and signals of other senders do not concern it (see ``orderly``).
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import socket
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from runlib.engine import registry
from runlib.engine.code.trust import import_under
from runlib.engine.data.canonical import dump, load
from runlib.engine.data.shape import reshaped
from runlib.engine.descriptors import move_up
from runlib.engine.disk import open_output
from runlib.errors import InvalidResult
from runlib.evaluator.base import Evaluator
from runlib.pool.evaluate import evaluate, failed
from runlib.pool.processes.frames import PREFIX, Kind, receive, send
from runlib.pool.processes.messages import excess, excess_of_texts
from runlib.pool.processes.orderly import Requests
from runlib.pool.processes.payload.script import stand_in
from runlib.pool.processes.payload.unpacking import arriving, type_at_fault, unpack
from runlib.pool.processes.worker.lifeline import hold
from runlib.pool.processes.worker.prints import print_to_nobody

__all__ = ["serve"]

DATAGRAM = 64 * 1024
OOM_SCORE = 500  # added to the score by which the kernel chooses what to kill, in thousandths of all memory


def serve() -> None:
    """Serves the manager on the descriptors named in ``sys.argv`` until the manager ends it."""
    stream, tasks, requests = _connect(*map(int, sys.argv[1:4]))
    try:
        _serve(stream, tasks, requests)
    except (BrokenPipeError, ConnectionResetError):
        return  # the manager is gone
    finally:
        faulthandler.disable()
        for line in (stream, tasks):
            with suppress(OSError):  # the evaluator closed it
                line.close()


def _serve(stream: socket.socket, tasks: socket.socket, requests: Requests) -> None:
    boot, payload = receive(stream), receive(stream)
    if boot is None or payload is None:
        return  # the manager is gone
    try:
        with arriving():
            _imitate_manager(pickle.loads(boot.body))
            evaluator = unpack(payload.body)
    except BaseException as error:
        told = {"reason": _describe(error), "traceback": _as_text(traceback.format_exc())}
        send(stream, Kind.UNBUILT, dump({**told, "type": type_at_fault(payload.body)}))
        return
    send(stream, Kind.READY, b"")
    _work(evaluator, stream, tasks, requests)


def _connect(stream: int, tasks: int, life: int) -> tuple[socket.socket, socket.socket, Requests]:
    stream, tasks, life = map(move_up, (stream, tasks, life))
    line = socket.socket(fileno=tasks)
    requests = Requests(lambda: _is_last(line))
    requests.listen()
    hold(life)
    _raise_oom_score()
    # The traceback of a crash comes after the last message, see ``WorkerProcess.last_words``.
    faulthandler.enable(stream, all_threads=False)
    return socket.socket(fileno=stream), line, requests


def _is_last(tasks: socket.socket) -> bool:
    """Returns whether the manager asks the worker to end, or cannot be heard any more."""
    try:
        datagram = tasks.recv(DATAGRAM, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:  # the evaluator closed the line
        return True
    return not datagram or datagram[0] == Kind.LEAVE


def _raise_oom_score() -> None:
    """Makes the kernel kill this process or its children before the manager when the machine runs out of memory."""
    with suppress(OSError):  # the system has no such score
        with open("/proc/self/oom_score_adj", "rb") as file:
            score = min(1000, int(file.read()) + OOM_SCORE)
        line = open_output(Path("/proc/self/oom_score_adj"))
        try:
            os.write(line, b"%d" % score)
        finally:
            os.close(line)


def _imitate_manager(boot: dict[str, Any]) -> None:
    """Makes this process like the manager in everything that code can observe."""
    stand_in(boot["origin"])
    os.chdir(boot["folder"])
    sys.path[:] = boot["path"]
    sys.argv[:] = boot["argv"]
    if boot["pythonpath"] is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = boot["pythonpath"]
    print_to_nobody()
    for folder in boot["paths"]:
        registry.add_path(folder)
    for plugin in boot["plugins"]:
        registry.load_plugin(plugin)
    import_under(boot["trust"])  # this applies from here on, to what an evaluator builds from a suggestion


def _describe(error: BaseException) -> str:
    return _as_text("".join(traceback.format_exception_only(error)).strip())


def _as_text(text: str) -> str:
    """Returns text that JSON can hold, whatever an exception of other code says."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _work(evaluator: Evaluator, stream: socket.socket, tasks: socket.socket, requests: Requests) -> None:
    numbers = stream.fileno(), tasks.fileno()
    lines = _identities(*numbers)
    while (datagram := tasks.recv(DATAGRAM)) and datagram[0] != Kind.LEAVE:
        kind, number = PREFIX.unpack_from(datagram)
        if kind == Kind.PROBE:
            continue  # the worker answers by taking it
        data = _receive_long(stream, number) if kind == Kind.ANNOUNCED else datagram[PREFIX.size :]
        report = _evaluate(evaluator, number, load(data), requests)
        _flush()
        if _identities(*numbers) != lines:
            raise SystemExit("the evaluation closed or replaced descriptors by which its worker hears of trials")
        if requests.is_late:
            return  # it is no result any more
        if requests.signalled:
            send(stream, Kind.SIGNALLED, b"")
        send(stream, Kind.RESULT, report)
        requests.end_report()


def _identities(stream: int, tasks: int) -> tuple[int, ...] | None:
    """Returns the files behind the descriptors, or None if one was closed."""
    try:
        first, second = os.fstat(stream), os.fstat(tasks)
    except OSError:
        return None
    return first.st_ino, second.st_ino, first.st_dev, second.st_dev


def _receive_long(stream: socket.socket, number: int) -> bytes:
    """Returns a task from the stream that is too long for a datagram. The manager took back those before it."""
    while (message := receive(stream)) is not None:
        if message.kind == Kind.TASK and int.from_bytes(message.body[:8]) == number:
            return message.body[8:]
    raise SystemExit("the manager is gone")


def _evaluate(evaluator: Evaluator, number: int, task: list[Any], requests: Requests) -> bytes:
    tid, suggestion, folder, *shape = task
    if shape:
        suggestion = reshaped(suggestion, *shape)
    where = Path(os.fsdecode(folder.encode("latin-1"))) if folder else None
    result, names = evaluate(evaluator, suggestion, where, requests.begin_report)
    try:
        why = excess_of_texts(result)
        if why is None:
            report = dump([number, tid, result, names])
            why = excess(report)
    except Exception as error:  # this is most likely a lack of memory, because the result was checked to be data
        return dump([number, tid, *failed(error)])
    if why is None:
        return report
    return dump([number, tid, *failed(InvalidResult(f"the result {why}; write it to a file, and return its name"))])


def _flush() -> None:
    # The evaluator may have closed or replaced the streams.
    with suppress(AttributeError, OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
