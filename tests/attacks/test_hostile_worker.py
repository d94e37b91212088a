"""Whatever a worker sends or does to its lines, at worst its trial is lost: the pool goes on, the others as well."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runlib import Run, StopMax
from runlib.audit.verify import verify
from runlib.engine.data.canonical import dump
from runlib.pool.base import Finished, Lost, Task
from runlib.pool.processes import messages, probe
from runlib.pool.processes.context import PoolContext, TaskMessage
from runlib.pool.processes.frames import HEADER, LIMIT, MARK, WORDS, Inbox, Kind, Message, Outbox, frame
from runlib.pool.processes.messages import Nonsense, Ready, Result, Unbuilt, read_message
from runlib.pool.processes.pool import ProcessPool
from runlib.pool.processes.process import WorkerProcess
from runlib.pool.processes.slot import Slot, State
from tests.attacks.hostile_evaluators import Hostile, Unbuildable
from tests.pool.pool_tools import finish, freeze, wait_for

OK = {"ok": {"loss": 1.0, "duration": 0.5}}
ERROR = {"error": {"error": "ValueError", "error_text": "no", "traceback": ""}}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(probe, "PATIENCE", 0.1)


@pytest.fixture
def open_pool():
    pools = []

    def start(evaluator=None, **context):
        pools.append(ProcessPool())
        pools[-1].open(evaluator or Hostile(), {"max_workers": 2, **context})
        return pools[-1]

    yield start
    for pool in pools:
        pool.close(0.0)


@pytest.fixture
def shared(open_pool):
    return open_pool()


def finished(pool, count, seconds=30.0):
    """The next ``count`` trials that finish, whatever else happens."""
    end = time.monotonic() + seconds
    events = []
    while len(events) < count and time.monotonic() < end:
        events += [event for event in pool.collect(1.0) if isinstance(event, Finished)]
    return events


def attack(pool, **suggestion):
    """What comes of an attack, among trials that it does not concern."""
    for tid in range(5):
        pool.schedule(Task(tid, suggestion if tid == 1 else {"do": "value", "x": tid / 2}))
    events = finished(pool, 5)
    results = {event.tid: event.result for event in events}
    assert sorted(results) == list(range(5))
    assert all(results[tid]["ok"]["loss"] == tid / 2 for tid in results if tid != 1)
    [found] = [event for event in events if event.tid == 1]
    return found


def lost(event):
    """The text of an error that says that a worker was lost."""
    assert event.result["error"]["error"] == "WorkerLost"
    assert "WorkerLost" in event.names
    return event.result["error"]["error_text"]


# -- stray writes, and descriptors that are closed and reused ----------------------------------------


@pytest.mark.parametrize("do", ["low", "close", "cover"])
@pytest.mark.parametrize(("first", "last"), [(3, 21), (3, 65), (3, 256)])
def test_what_is_done_to_low_descriptors_concerns_nobody(shared, do, first, last):
    assert attack(shared, do=do, first=first, last=last).result["ok"]["loss"] == 1.0


STRAY = """
import sys
from runlib import Run, StopMax
from tests.attacks.hostile_evaluators import Hostile

pool, do, folder = sys.argv[1:]
suggestions = [{"do": do, "first": 3, "last": 64}, {"do": "value"}] * 3
run = Run({"search_fixed": {"suggestions": suggestions}}, Hostile(), StopMax(6), pool=pool, reuse=False)
run.prepare(folder).run()
print(run.work_directory)
"""


@pytest.mark.parametrize("pool", ["pool_processes", "pool_serial"])
@pytest.mark.parametrize("do", ["low", "close", "cover"])
def test_a_run_is_whole_after_that(tmp_path, pool, do):
    command = [sys.executable, "-c", STRAY, pool, do, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    folder = Path(done.stdout.split()[-1])
    assert verify(folder).verdict == "intact"
    assert b"stray" not in (folder / "tape.son").read_bytes()
    assert (folder / "tape.son").read_bytes().count(b'"submit"') == 6


GARBAGE = {
    "text": "hello from a C library\n",
    "one letter": "x",
    "zeros": "\0" * 64,
    "json": '{"ready": true}',
    "the frame of old": "\0\0\0\0\0\0\0\x0217",
    "a mark and text": MARK.decode("latin-1") + "text that is a header's length and more",
    "nearly a mark": MARK[:3].decode("latin-1") + "\x02" + "\0" * 20,
    "newlines": "\n" * 5000,
    "much": "printed " * 100_000,
}


@pytest.mark.parametrize("text", GARBAGE.values(), ids=GARBAGE)
def test_what_is_no_message_costs_the_trial_and_is_named(shared, text):
    said = lost(attack(shared, do="say", text=text))
    assert said.startswith("the worker sent ")
    assert "and was killed during the evaluation" in said
    assert len(said) < 300
    assert said.isprintable()


def test_the_trial_is_lost_at_once_even_if_it_goes_on(shared):
    assert "sent what is no message" in lost(attack(shared, do="say", text="stray", before_return=False))


@pytest.mark.parametrize("seed", range(4))
def test_random_bytes(shared, seed):
    rng = random.Random(seed)
    text = "".join(chr(rng.randrange(256)) for _ in range(rng.choice([1, 13, 100, 70_000])))
    lost(attack(shared, do="say", text=text))


@pytest.mark.parametrize("length", [0, 1, 10**6, LIMIT, LIMIT + 1, 2**40, 2**64 - 1])
def test_a_message_that_does_not_come_swallows_nothing(shared, length):
    lost(attack(shared, do="claim", length=length))


def test_half_a_header_swallows_nothing(shared):
    lost(attack(shared, do="say", text=MARK.decode("latin-1") + "\x13"))


@pytest.mark.parametrize(
    "text",
    ["Fatal", "Fatal Python error", "Fatal Python error: nothing happened\n" * 10_000],
    ids=["begun", "one", "many"],
)
def test_words_of_a_crash_that_did_not_happen_are_no_reason_to_wait(shared, text):
    lost(attack(shared, do="say", text=text))


# -- messages whose content is wrong -----------------------------------------------------------------


def body(**changes):
    said = {"number": 0, "tid": 1, "result": OK, "names": [], **changes}
    return json.dumps(list(said.values()))


WRONG = {
    "no kind": (99, ""),
    "kind 0": (0, ""),
    "what the manager says": (Kind.TASK, "{}"),
    "ready again": (Kind.READY, ""),
    "ready with a body": (Kind.READY, "{}"),
    "cannot be built": (Kind.UNBUILT, '{"reason": "a lie", "traceback": "", "type": null}'),
    "of another trial": (Kind.RESULT, body(tid=7)),
    "of another number": (Kind.RESULT, body(number=10**18)),
    "no json": (Kind.RESULT, "[1, 2"),
    "empty": (Kind.RESULT, ""),
    "a number": (Kind.RESULT, "17"),
    "deep": (Kind.RESULT, "[" * 5000 + "]" * 5000),
}


@pytest.mark.parametrize(("kind", "text"), WRONG.values(), ids=WRONG)
def test_a_message_of_wrong_content_costs_the_trial_alone(shared, kind, text):
    lost(attack(shared, do="tell", kind=int(kind), body=text))


def test_a_flood_of_messages_is_one(shared):
    lost(attack(shared, do="tell", kind=int(Kind.READY), body="", times=20_000))


@pytest.mark.parametrize("text", ["text without end ", frame(Kind.READY, b"").decode("latin-1"), "Fatal Python error"])
def test_a_thread_that_never_stops_writing_stops_nobody(open_pool, text):
    pool = open_pool()
    pool.schedule(Task(0, {"do": "flood", "text": text}))
    finish(pool, 1)
    for tid in range(1, 7):
        pool.schedule(Task(tid, {"do": "value"}))
    events = finish(pool, 6)
    assert sum("error" in event.result for event in events if isinstance(event, Finished)) <= 1


@pytest.mark.parametrize("ahead", [0, 1])
def test_answers_that_were_not_asked_for_stop_nobody(open_pool, ahead):
    pool = open_pool(max_workers=1)
    pool.schedule(Task(0, {"do": "value"}))
    finish(pool, 1)
    pool.schedule(Task(1, {"do": "answer", "ahead": ahead}))
    pool.schedule(Task(2, {"do": "value", "x": 2.0}))
    results = {event.tid: event.result for event in finished(pool, 2)}
    assert results[1]["ok"]["loss"] == 7.0
    if ahead:
        assert results[2]["ok"]["loss"] == 7.0
    else:  # it may have been begun when the second answer to the one before came
        assert "error" in results[2] or results[2]["ok"]["loss"] == 2.0
    # The true answer comes late then, and costs the worker that gave it its life, and the trial that it is at by then.
    lost_one = False
    for tid in (3, 4):
        pool.schedule(Task(tid, {"do": "value", "x": float(tid)}))
        [event] = finished(pool, 1)
        lost_now = "error" in event.result
        assert event.tid == tid
        assert not (lost_now and (lost_one or not ahead))
        assert lost_now or event.result["ok"]["loss"] == float(tid)
        lost_one = lost_one or lost_now


# -- the lines themselves ----------------------------------------------------------------------------


@pytest.mark.parametrize("how", [socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR])
@pytest.mark.parametrize("line", ["stream", "tasks"])
def test_a_line_that_was_shut_down_stops_nobody(shared, line, how):
    attack(shared, do="shut", line=line, how=int(how))


def test_a_line_that_was_shut_costs_no_trial_that_takes_its_time(open_pool, monkeypatch, tmp_path):
    looks, took_all = [], WorkerProcess.took_all
    monkeypatch.setattr(WorkerProcess, "took_all", lambda process: looks.append(process) or took_all(process))
    pool, first, second = open_pool(max_workers=1), tmp_path / "first", tmp_path / "second"
    pool.schedule(Task(0, {"do": "shut", "line": "tasks", "how": int(socket.SHUT_RDWR), "mark": str(first)}))
    pool.schedule(Task(1, {"do": "wait", "mark": str(second)}))
    [slot] = pool._slots
    while slot.load != 2:  # both wait with the same worker
        assert pool.collect(0.05) == []
    first.touch()
    events = finished(pool, 1)
    looks.clear()
    while len(looks) < 4:
        events += pool.collect(0.05)
    second.touch()
    events += finished(pool, 1)
    assert [(event.tid, event.result["ok"]["loss"]) for event in events] == [(0, 1.0), (1, 1.0)]


@pytest.mark.parametrize("by", ["socket", "file", "nothing"])
@pytest.mark.parametrize("line", ["stream", "tasks"])
def test_a_line_that_was_replaced_costs_the_trial(shared, line, by):
    lost(attack(shared, do="swap", line=line, by=by))


@pytest.mark.parametrize("line", ["stream", "tasks"])
def test_a_line_that_only_a_child_has_stops_nobody(shared, line):
    lost(attack(shared, do="keep", line=line))


def test_all_descriptors_are_closed(shared):
    lost(attack(shared, do="close", first=3, last=65536))


def test_everything_at_once(shared):
    lost(attack(shared, do="everything"))


def test_a_task_that_was_stolen_is_noticed(open_pool, tmp_path):
    pool = open_pool(max_workers=1)
    mark = tmp_path / "mark"
    pool.schedule(Task(0, {"do": "steal", "mark": str(mark)}))
    pool.schedule(Task(1, {"do": "value"}))
    wait_for(lambda: pool._slots[0].tasks and pool._slots[0].process.took_all(), pool=pool)
    mark.touch()
    first, second = finish(pool, 2)
    assert first.tid == 0
    if second.result.get("error") is not None:
        assert "no answer" in lost(second)
    pool.schedule(Task(2, {"do": "value"}))
    assert finish(pool, 1)[0].tid == 2


def test_a_worker_that_never_reads_holds_up_nobody(open_pool):
    pool = open_pool()
    wait_for(lambda: all(slot.load == 0 for slot in pool._slots), pool=pool)
    freeze(_worker(pool._slots[0].process.pid))
    long = "x" * 5_000_000
    for tid in range(2, 6):
        pool.schedule(Task(tid, {"do": "value", "x": 1.0} if tid > 3 else {"do": "measure", "text": long}))
    events = finish(pool, 3)
    assert len({event.tid for event in events}) == 3


def _worker(supervisor):
    with open(f"/proc/{supervisor}/task/{supervisor}/children") as file:
        return int(file.read().split()[0])


def test_a_worker_that_lies_while_it_starts_is_named(open_pool):
    pool = open_pool(Unbuildable("stray"), max_workers=1)
    [event] = finish(pool, 1)
    assert isinstance(event, Lost)
    assert "sent what is no message: it begins with b'stray" in event.reason
    assert "before it was ready" in event.reason


def test_a_worker_whose_first_word_was_swallowed_is_no_reason_to_wait(open_pool):
    pool = open_pool(Unbuildable(HEADER.pack(MARK, Kind.RESULT, 10**6).decode("latin-1")), max_workers=1)
    [event] = finish(pool, 1)
    assert isinstance(event, Lost)
    assert "no answer" in event.reason


def test_what_a_lying_worker_cost_stands_on_the_tape(tmp_path):
    run = Run({"search_fixed": {"suggestions": [{"do": "say", "text": "x"}]}}, Hostile(), StopMax(1))
    with run.prepare(tmp_path) as prepared:
        prepared.run()
    assert "sent what is no message" in (prepared.work_directory / "tape.son").read_text()


# -- results that are too large ----------------------------------------------------------------------


@pytest.mark.parametrize("apart", [False, True])
def test_a_result_that_is_too_large_is_an_error_of_its_trial(shared, apart):
    error = attack(shared, do="large", size=200_000, limit=100_000, apart=apart).result["error"]
    assert error["error"] == "InvalidResult"
    assert error["error_text"].startswith("the result takes ")
    assert "97.7 KiB" in error["error_text"]
    assert error["error_text"].endswith("that it may; write it to a file, and return its name")


def test_a_result_of_too_many_lists_is_an_error_of_its_trial(shared):
    error = attack(shared, do="many", count=3000, limit=1000).result["error"]
    assert "holds more than the 1,000 lists and dicts" in error["error_text"]


def test_a_result_that_is_no_more_than_allowed_is_taken(monkeypatch):
    monkeypatch.setattr(messages, "LIMIT", 100)
    monkeypatch.setattr(messages, "CONTAINERS", 10)
    assert messages.excess(b"x" * 100) is None
    assert "100 B" in messages.excess(b"x" * 101)
    assert messages.excess(b"[]" * 10) is None
    assert "10 lists" in messages.excess(b"[]" * 11)


# -- every field -------------------------------------------------------------------------------------


def result(said):
    return Message(Kind.RESULT, dump(said) if not isinstance(said, bytes) else said)


RIGHT = [
    [3, 5, OK, []],
    [3, 5, {"ok": {"loss": 1.0, "duration": 1, "var": 0.5, "cost": 2, "more": {"x": [None, True, "text"]}}}, []],
    [3, 5, ERROR, ["ValueError", "Exception"]],
    [3, 5, {**OK, "dropped": {"x": "a lock"}}, []],
    [3, 5, {"ok": {**OK["ok"], "x": [{"y": ""}]}, "bytes": [[["x", 0, "y"], "AAEC"]]}, []],
]


@pytest.mark.parametrize("said", RIGHT)
def test_what_a_worker_says_is_read(said):
    assert read_message(result(said)) == Result(3, 5, said[2], tuple(said[3]))


def test_the_other_messages_are_read():
    assert read_message(Message(Kind.READY, b"")) == Ready()
    told = {"reason": "no", "traceback": "line 1", "type": None}
    assert read_message(Message(Kind.UNBUILT, dump(told))) == Unbuilt("no", "line 1", None)


def ok(**changes):
    return {"ok": {**OK["ok"], **changes}}


WRONG_FIELDS = [
    [], {}, "text", 1.0, None, [3, 5, OK], [3, 5, OK, [], 1], ["3", 5, OK, []], [3, "5", OK, []], [True, 5, OK, []],
    [3, 5.0, OK, []], [3, 5, OK, "names"], [3, 5, OK, [1]], [3, 5, ERROR, [["ValueError"]]], [3, 5, OK, {"a": 1}],
    [3, 5, OK, ["ValueError"]], [3, 5, ERROR, []], [3, 5, None, []], [3, 5, [OK], []], [3, 5, {}, []],
    [3, 5, {**OK, **ERROR}, []], [3, 5, {"ok": 1.0}, []], [3, 5, {"ok": []}, []], [3, 5, {"ok": {}}, []],
    [3, 5, {"error": "text"}, ["E"]], [3, 5, {"error": {}}, ["E"]], [3, 5, {"error": {"error": "E"}}, ["E"]],
    [3, 5, {"error": {**ERROR["error"], "error_text": 1}}, ["E"]],
    [3, 5, {"error": {**ERROR["error"], "x": "y"}}, ["E"]],
    [3, 5, {**ERROR, "dropped": {}}, ["E"]], [3, 5, {**OK, "file": {"name": "x", "bytes": 1, "hash": ""}}, []],
    [3, 5, {**OK, "files": []}, []], [3, 5, ok(loss=1), []], [3, 5, ok(loss="1"), []], [3, 5, ok(loss=None), []],
    [3, 5, ok(loss=True), []], [3, 5, ok(loss=float("nan")), []], [3, 5, ok(loss=float("inf")), []],
    [3, 5, ok(loss=10**400), []], [3, 5, ok(duration=None), []], [3, 5, ok(duration="soon"), []],
    [3, 5, ok(duration=float("inf")), []], [3, 5, ok(duration=True), []], [3, 5, ok(cost=10**400), []],
    [3, 5, ok(cost=[1]), []], [3, 5, ok(var={}), []], [3, 5, ok(var=float("nan")), []], [3, 5, ok(more=2**3000), []],
    [3, 5, {**OK, "dropped": []}, []], [3, 5, {**OK, "dropped": {"x": 1}}, []], [3, 5, {**OK, "bytes": {}}, []],
    [3, 5, {**OK, "bytes": ["x"]}, []], [3, 5, {**OK, "bytes": [[["x"], "AAEC"]]}, []],
    [3, 5, {**ok(x=""), "bytes": [[[], "AAEC"]]}, []], [3, 5, {**ok(x=""), "bytes": [["x", "AAEC"]]}, []],
    [3, 5, {**ok(x=""), "bytes": [[["x"], "no base64"]]}, []], [3, 5, {**ok(x=""), "bytes": [[["x"], 5]]}, []],
    [3, 5, {**ok(x=1), "bytes": [[["x"], "AAEC"]]}, []], [3, 5, {**ok(x=[""]), "bytes": [[["x", -1], "AAEC"]]}, []],
    [3, 5, {**ok(x=[""]), "bytes": [[["x", True], "AAEC"]]}, []],
    [3, 5, {**ok(x=""), "bytes": [[[["x"]], "AAEC"]]}, []],
    [3, 5, {**ok(x=""), "bytes": [[["x"], "AAEC"]] * 101}, []],
]  # fmt: skip


@pytest.mark.parametrize("said", WRONG_FIELDS, ids=range(len(WRONG_FIELDS)))
def test_a_field_of_another_type_is_nonsense(said):
    with pytest.raises(Nonsense) as caught:
        read_message(result(said))
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "text",
    [
        b"", b"\xff", b"nan", b"{", b'[3,5,{"ok":{"loss":1e999,"duration":0}},[]]', b'[3,5,{"$what":"x"},[]]',
        b'[3,5,{"ok":{"loss":{"$float":"x"},"duration":0}},[]]',
        b'[3,5,{"ok":{"loss":1.0,"duration":0,"x":{"$int":"' + b"9" * 700 + b'"}}},[]]',
        b'[3,5,{"ok":{"loss":1.0,"duration":0,"x":{"$int":"' + b"9" * 9000 + b'"}}},[]]',
        b'[3,5,{"ok":{"loss":1.0,"duration":0,"x":' + b"[" * 230 + b"]" * 230 + b"}},[]]",
        b'[3,5,{"ok":{"loss":1.0,"duration":0,"x":' + b'{"a":' * 230 + b"1" + b"}" * 230 + b"}},[]]",
    ],
)  # fmt: skip
def test_text_that_no_tape_can_hold_is_nonsense(text):
    with pytest.raises(Nonsense):
        read_message(Message(Kind.RESULT, text))


def test_what_an_evaluator_may_return_is_not_too_deep():
    deep = inner = []
    for _ in range(198):
        inner.append([])
        [inner] = inner
    said = [3, 5, ok(deep=deep), []]
    assert read_message(result(said)).result == said[2]


DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*"ab", "ok", "error", "loss"]), inner),
    max_leaves=12,
)


@given(st.integers(0, 255), DATA)
def test_any_data_of_any_kind_is_read_or_refused(kind, data):
    assert isinstance(_read(Message(kind, dump(data))), Ready | Result | Unbuilt | Nonsense)


def _read(message):
    try:
        return read_message(message)
    except Nonsense as nonsense:
        return nonsense


@given(st.sampled_from(RIGHT), st.data())
def test_a_result_with_one_part_replaced_is_one_that_a_tape_can_hold_or_refused(said, data):
    said = json.loads(json.dumps(said))
    where = said
    while isinstance(where, dict | list) and where:
        key = data.draw(st.sampled_from([*where] if isinstance(where, dict) else [*range(len(where))]))
        if not isinstance(where[key], dict | list) or not where[key] or data.draw(st.booleans()):
            where[key] = data.draw(DATA)
            break
        where = where[key]
    try:
        read = read_message(result(said))
    except Nonsense:
        return
    assert len(read.result.keys() & {"ok", "error"}) == 1
    assert dump(read.result)


# -- a slot, and whatever comes out of its worker's line ---------------------------------------------


class Puppet(WorkerProcess):
    """A worker that says what the test says, without a process."""

    def __init__(self):
        self.stream, self.theirs = socket.socketpair()
        self._tasks, self._unread = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        for line in (self.stream, self._tasks, self.theirs):
            line.setblocking(False)
        self._inbox, self._outbox = Inbox(), Outbox(self.stream)
        self.pid, self.handle, self.ended_stream, self.all_sent = 0, None, False, True
        self.overrun = self.unstarted = self.exit_code = None
        self.signals = []

    signalled = False

    def signal(self, number):
        self.signals.append(number)

    def wake(self):
        pass

    def has_ended(self):
        return False

    def reap(self):
        for line in (self.stream, self.theirs, self._tasks, self._unread):
            line.close()
        return "was buried"


def puppet_slot():
    shared = PoolContext(lambda index: Puppet(), None)
    slot = Slot(0, shared)
    slot.start()
    return shared, slot


PIECES = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.sampled_from(
            [
                frame(Kind.READY, b""),
                frame(Kind.SIGNALLED, b""),
                frame(Kind.RESULT, dump([1, 0, OK, []])),
                frame(Kind.RESULT, dump([2, 1, OK, []])),
                frame(Kind.RESULT, dump([2, 1, OK, []]))[:-3],
                frame(Kind.RESULT, dump([1, 5, OK, []])),
                frame(Kind.RESULT, dump(17)),
                frame(Kind.UNBUILT, dump({"reason": "no", "traceback": "", "type": None})),
                HEADER.pack(MARK, Kind.RESULT, 2**50),
                HEADER.pack(MARK, Kind.RESULT, 50),
                WORDS,
                MARK,
            ]
        ),
    ),
    max_size=6,
)


@settings(deadline=None)
@given(PIECES, st.booleans(), st.integers(0, 2))
def test_every_task_is_reported_once_or_waits_whatever_a_worker_sends(pieces, ready, taken):
    shared, slot = puppet_slot()
    process = slot.process
    if ready:
        process.theirs.send(frame(Kind.READY, b""))
        slot.on_stream()
        for tid in range(2):
            slot.assign(TaskMessage(Task(tid, {}), dump([tid, {}, None])))
    for _ in range(taken):
        if not process.took_all():
            process._unread.recv(2**16)
    now = time.monotonic()
    for step, piece in enumerate(pieces):
        process.theirs.send(piece)
        slot.on_stream()
        slot.look(now + 1000 * (step + 1))
    slot.look(now + 10**6)
    slot.on_end()
    assert slot.state is State.EMPTY
    done = [event.tid for event in shared.events if isinstance(event, Finished)]
    waiting = [task.tid for task in shared.queue]
    assert sorted(done + waiting) == ([0, 1] if ready else [])
    assert waiting == sorted(waiting)


def test_a_probe_waits_for_what_is_on_its_way():
    """A result that fills the line is no reason to kill: the probe is taken only when all of it was sent."""
    shared, slot = puppet_slot()
    process = slot.process
    process.theirs.send(frame(Kind.READY, b""))
    slot.on_stream()
    slot.assign(TaskMessage(Task(0, {}), dump([0, {}, None])))
    process._unread.recv(2**16)
    now = time.monotonic()
    report = deque([frame(Kind.RESULT, dump([1, 0, ok(text="x" * 100_000), []]))])
    slot.look(now + 10)
    for step in range(20, 60, 10):  # the probe lies there: the worker is at its task
        slot.look(now + step)
        assert slot.state is State.READY
    process.theirs.setblocking(True)
    process.theirs.sendall(report.popleft())
    assert process._unread.recv(2**16)[0] == Kind.PROBE
    slot.look(now + 100)
    assert slot.state is State.READY
    [event] = shared.events
    assert event.result["ok"]["loss"] == 1.0
    slot.on_end()


def test_what_was_said_before_the_nonsense_counts():
    shared, slot = puppet_slot()
    process = slot.process
    process.theirs.send(frame(Kind.READY, b""))
    slot.on_stream()
    for tid in range(2):
        slot.assign(TaskMessage(Task(tid, {}), dump([tid, {}, None])))
        process._unread.recv(2**16)
    process.theirs.send(frame(Kind.RESULT, dump([1, 0, OK, []])) + b"stray")
    slot.on_stream()
    slot.on_end()
    first, second = shared.events
    assert first.result == OK
    assert "sent what is no message" in lost(second)


def test_a_task_that_a_worker_cannot_take_goes_to_another():
    shared, slot = puppet_slot()
    process = slot.process
    process.theirs.send(frame(Kind.READY, b""))
    slot.on_stream()
    process._unread.shutdown(socket.SHUT_RD)
    slot.assign(TaskMessage(Task(0, {}), dump([0, {}, None])))
    assert [task.tid for task in shared.queue] == [0]
    assert slot.state is State.STOPPING
    slot.on_end()
    [event] = shared.events
    assert isinstance(event, Lost)
    assert "closed the line by which it gets its tasks" in event.reason


def test_a_trial_that_is_cancelled_is_not_reported_though_its_worker_lied():
    shared, slot = puppet_slot()
    process = slot.process
    process.theirs.send(frame(Kind.READY, b""))
    slot.on_stream()
    slot.assign(TaskMessage(Task(0, {}), dump([0, {}, None])))
    process._unread.recv(2**16)
    process.theirs.send(b"stray")
    assert slot.cancel(0)
    slot.on_end()
    assert shared.events == []


def test_nothing_is_left_open(open_pool):
    pool = open_pool(max_workers=1)
    pool.schedule(Task(0, {"do": "value"}))
    finish(pool, 1)
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for tid in range(1, 4):
        pool.schedule(Task(tid, {"do": "say", "text": "stray"}))
        lost(finish(pool, 1)[0])
    pool.schedule(Task(9, {"do": "value"}))
    finish(pool, 1)
    assert (len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0) == before
