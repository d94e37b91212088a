"""Whatever happens in a run, what a reader of its tape sees is what the run itself saw."""

from __future__ import annotations

import math
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from runlib.engine import disk
from runlib.errors import TapeError
from runlib.search.base import Search, seed_for
from runlib.state.replay import replay
from runlib.state.state import State
from runlib.tape import codec
from runlib.tape.events import End, Enqueue, Event, Note, Retry, Session, Stopping, Submit, Suggest, Void
from runlib.tape.reader import Position, TapeReader
from runlib.tape.writer import Sync, TapeWriter, create_tape

METADATA: dict[str, Any] = {"run": {"search": {}}, "format": "runlib-tape/2"}

floats = st.floats(allow_nan=False)
losses = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(codec="utf-8"), max_size=12)
scalars = st.none() | st.booleans() | st.integers(-(2**80), 2**80) | floats | texts
keys = texts | st.sampled_from(["$", "$float", "$int", "$$x", "h", "n", "t", "d", "skip"])
data = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
tids = st.integers(0, 2**40)
unknown = st.dictionaries(texts.map("own {}".format), data, max_size=3)  # keys that the schema does not know
beside = st.dictionaries(st.sampled_from(["given_loss", "later"]), data)
events = st.one_of(
    st.builds(Session, unknown),
    st.builds(Suggest, tids, data, data),
    st.builds(
        lambda tid, ok, more: Submit(tid, {"ok": ok, **more}),
        tids,
        st.fixed_dictionaries({"loss": losses, "more": data}),
        beside,
    ),
    st.builds(Submit, tids, st.fixed_dictionaries({"error": unknown}), tids),
    st.builds(End, texts, texts),
    st.builds(Suggest, tids, data, queued=st.integers(1, 2**40)),
    st.builds(Retry, tids, st.integers(1, 2**40), texts, unknown),
    st.builds(Void, tids, texts, st.none() | texts),
    st.builds(Enqueue, data, st.none() | texts),
    st.builds(Note, texts, st.none() | tids, st.none() | texts),
    st.builds(Stopping, texts, st.none() | texts),
)
syncs: st.SearchStrategy[Sync] = st.sampled_from(["always", "interval", "never"])


class UnsyncedDisk(disk.Disk):
    """A disk that is quick, because nothing is forced down to it."""

    def sync(self, fd: int) -> None:
        pass

    def sync_folder(self, path: Path, at: int | None = None) -> None:
        pass


@contextmanager
def a_path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder, disk.use(UnsyncedDisk()):
        yield Path(folder) / "tape.son"


def ticking() -> Any:
    stream = iter(range(10**9))
    return lambda: 1_700_000_000 + next(stream) / 4


def write(path: Path, history: list[Event], sync: Sync, position: Position | None = None) -> list[Any]:
    position = position or create_tape(path, METADATA)
    writer = TapeWriter(path, position, sync=sync, clock=ticking())
    records = []
    for k, event in enumerate(history):
        records.append(writer.append(event))
        if k % 3 == 0:
            writer.commit()
    writer.close()
    return records


@given(events, st.integers(1, 2**40), st.floats(0, 1e11))
def test_every_event_comes_back_from_its_line(event: Event, n: int, t: float) -> None:
    line, h = codec.encode(event, n, t, n - 1, b"0" * 16)
    assert b"\n" not in line
    assert line.endswith(b', "h": "' + h + b'"}')
    record, note = codec.decode(line)
    assert (record.n, record.t, note) == (n, t, n - 1)
    assert record.event == event
    assert repr(record.event) == repr(event)  # of equal numbers, the type and the sign too


@given(st.lists(events, max_size=12), syncs)
def test_what_was_appended_is_what_is_read(history: list[Event], sync: Sync) -> None:
    with a_path() as path:
        appended = write(path, history, sync)
        reader = TapeReader(path)
        assert list(reader) == appended
        assert [record.event for record in appended] == history
        assert reader.tail is None
        assert reader.position.offset == path.stat().st_size


@given(st.lists(st.tuples(st.lists(events, max_size=5), syncs), max_size=4))
def test_writers_follow_on_each_other(sessions: list[tuple[list[Event], Sync]]) -> None:
    with a_path() as path:
        position, appended = create_tape(path, METADATA), []
        for history, sync in sessions:
            appended += write(path, history, sync, position)
            reader = TapeReader(path)
            assert list(reader) == appended
            position = reader.position


@given(st.lists(events, min_size=1, max_size=8), syncs, st.data())
def test_after_a_cut_anywhere_the_tape_goes_on(history: list[Event], sync: Sync, choose: st.DataObject) -> None:
    with a_path() as path:
        appended = write(path, history, sync)
        whole = path.read_bytes()
        head = whole.index(b"===\n") + 4
        cut = choose.draw(st.integers(head, len(whole)))
        path.write_bytes(whole[:cut])
        reader = TapeReader(path)
        kept = list(reader)
        assert kept == appended[: len(kept)]
        writer = TapeWriter(path, reader.position, sync=sync, clock=ticking())
        aside = writer.mend(reader.tail) if reader.tail is not None else None
        added = writer.append(End("closed"))
        writer.close()
        again = TapeReader(path)
        assert list(again) == [*kept, added]
        assert again.tail is None
        torn = aside.read_bytes() if aside is not None else b""
        assert whole[:cut].endswith(torn)
        assert len(torn) == max(0, cut - reader.position.offset)


@given(st.lists(events, min_size=1, max_size=8), syncs, st.data())
def test_no_change_of_bytes_is_read_as_if_it_were_whole(
    history: list[Event], sync: Sync, choose: st.DataObject
) -> None:
    with a_path() as path:
        appended = write(path, history, sync)
        whole = path.read_bytes()
        start = choose.draw(st.integers(0, len(whole)))
        end = choose.draw(st.integers(start, min(len(whole), start + 40)))
        damaged = whole[:start] + choose.draw(st.binary(max_size=40)) + whole[end:]
        path.write_bytes(damaged)
        read = []
        try:
            reader = TapeReader(path)
            for record in reader:
                read.append(record)
        except TapeError:
            noticed = True
        else:
            noticed = reader.tail is not None
        assert read == appended[: len(read)]
        ends_after_a_record = damaged == whole[: len(damaged)] and damaged.endswith((b"\n---\n", b"\n===\n"))
        assert noticed or ends_after_a_record


# -- live and replayed ----------------------------------------------------------------------------


class Listening(Search, abstract=True):
    """Suggests from few points by what it heard, so that histories hold repeats; recalls without making them."""

    def __init__(self, seed: int) -> None:
        super().__init__(None)
        self.seed, self.made, self.heard = seed, 0, [("none", 0.0)]

    def suggest(self) -> tuple[int, Any]:
        stream = random.Random(f"{seed_for(self.seed, self.made)}{self.heard[-1]!r}")
        self.made += 1
        return self.made - 1, {"x": stream.randrange(4), "$y": stream.choice([0.5, -0.0, "ä"])}

    def memo(self, tid: int) -> Any:
        return {"k": tid}

    def recall(self, tid: int, suggestion: Any, memo: Any) -> None:
        assert (tid, memo) == (self.made, {"k": tid})
        self.made += 1

    def submit(self, tid: int, *, error: bool = False, loss: float | None = None, var: float | None = None) -> None:
        self.heard.append((f"{tid} {error} {var}", math.inf if loss is None else loss))

    def adopt(self, suggestion: Any) -> int:
        self.heard.append((f"adopted {suggestion!r}", 0.0))
        self.made += 1
        return self.made - 1

    def forget(self, tid: int) -> None:
        self.heard = [told for told in self.heard if told[0].split()[0] != str(tid)]


def portrait(state: State) -> dict[str, Any]:
    """All that a state knows, as values."""
    known = {tid: state.known(tid) for tid in state.live_trials}
    names = "best since_best errors_in_a_row repeats total_cost ended sessions changes last_session count_by_error "
    names += "voided queue notes stopping attempts commands next_tid"
    plain = {name: getattr(state, name) for name in [*names.split(), "n", "t", "runtime", "top"]}
    tables = {"trials": list(state.trials.items()), "evals": list(state.evals.items())}
    counts = {"ok": state.trials.ok_count, "evals_ok": state.evals.ok_count}
    return {**plain, **tables, **counts, "live": list(state.live_trials.items()), "known": known}


outcomes = st.one_of(
    st.builds(lambda loss, cost: {"ok": {"loss": loss, "cost": cost}}, losses, st.integers(0, 9)),
    st.builds(lambda loss: {"ok": {"loss": loss, "nan": math.inf, "t": (1, 2)}}, st.sampled_from([0.0, -0.0, 1.0])),
    st.builds(lambda name: {"error": {"error": name}}, st.sampled_from(["ValueError", "TimeoutError", "WorkerLost"])),
)
steps = st.lists(
    st.one_of(
        st.just(("suggest", None)),
        st.tuples(st.just("submit"), st.tuples(st.integers(0, 5), outcomes)),
        st.just(("answer", None)),
        st.tuples(st.just("session"), st.dictionaries(st.sampled_from(["stop", "objective"]), texts, max_size=2)),
        st.just(("end", None)),
        st.just(("cut off", None)),
        st.tuples(st.just("void"), st.integers(0, 9)),
        st.tuples(st.just("enqueue"), st.one_of(data, st.builds(lambda x: {"x": x, "$y": 0.5}, st.integers(0, 3)))),
        st.tuples(st.just("retry"), st.tuples(st.integers(0, 5), st.sampled_from(["WorkerLost", "Exception"]))),
        st.tuples(st.just("note"), st.one_of(st.none(), st.integers(0, 3))),
        st.tuples(st.just("stopping"), texts),
    ),
    max_size=40,
)


def answer(state: State) -> list[Event]:
    for tid in state.live_trials:
        known = state.known(tid)
        if known is not None:
            (kind, outcome), owner = known
            return [Submit(tid, {kind: {k: v for k, v in outcome.items() if k != "suggestion"}}, of=owner)]
    return []


def happening(step: tuple[str, Any], state: State, search: Listening) -> list[Event]:
    """What a step of a random history puts on the tape."""
    kind, argument = step
    if kind == "suggest" and state.queue:
        n, wanted = next(iter(state.queue.items()))
        return [Suggest(search.adopt(wanted), wanted, queued=n)]
    if kind == "suggest":
        tid, suggestion = search.suggest()
        return [Suggest(tid, suggestion, search.memo(tid))]
    if kind == "submit" and state.live_trials:
        place, result = argument
        live = list(state.live_trials)
        return [Submit(live[place % len(live)], result)]
    if kind == "session":
        return [Session({"changed": argument})]
    if kind == "end":
        return [End("duration", "over")]
    return answer(state) if kind == "answer" else edit(kind, argument, state)


def edit(kind: str, argument: Any, state: State) -> list[Event]:
    """What people do in a random history, and attempts that fail."""
    there = [*state.live_trials, *state.trials]
    key = None if state.n % 2 else f"key {state.n}"
    if kind == "void" and there:
        return [Void(there[argument % len(there)], "so", key)]
    if kind == "retry" and state.live_trials:
        tid = list(state.live_trials)[argument[0] % len(state.live_trials)]
        return [Retry(tid, len(state.attempts.get(tid, [])) + 1, argument[1], {"error": argument[1]})]
    edits = {"enqueue": Enqueue, "stopping": Stopping}
    if kind in edits:
        return [edits[kind](argument, key)]
    return [Note("well", argument, key)] if kind == "note" else []


@given(steps, st.integers(0, 10**6), syncs)
def test_the_live_state_is_the_replayed_state(history: list[tuple[str, Any]], seed: int, sync: Sync) -> None:
    with a_path() as path:
        search = Listening(seed)
        state = State(search, path=path)
        writer = TapeWriter(path, create_tape(path, METADATA), sync=sync, clock=ticking())
        for step in [("session", {}), *history]:
            if step[0] == "cut off":  # and restored: from here on another state goes on
                writer.close()
                reader, search = TapeReader(path), Listening(seed)
                restored = State(search, path=path)
                replay(reader, restored)
                assert portrait(restored) == portrait(state)
                state = restored
                writer = TapeWriter(path, reader.position, sync=sync, clock=ticking())
            for event in happening(step, state, search):
                state.apply(writer.append(event))
            writer.commit()
        writer.close()
        again = Listening(seed)
        read = State(again, path=path)
        replay(TapeReader(path), read)
        assert portrait(read) == portrait(state)
        assert repr(portrait(read)) == repr(portrait(state))
        assert again.heard == search.heard
        assert again.suggest() == search.suggest()
