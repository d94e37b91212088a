"""Messages survive being cut into any pieces, and what is no message is found wherever it is cut."""

from __future__ import annotations

import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runlib.pool.processes.frames import LIMIT, WORDS, Inbox, Kind, Message, Outbox, frame, receive, send

MESSAGES = st.lists(st.builds(Message, st.integers(0, 255), st.binary(max_size=40)), max_size=8)
SIZES = st.lists(st.integers(1, 20), min_size=1, max_size=50)


def feed(inbox, stream, sizes):
    """What comes out when a stream is cut into pieces of these sizes."""
    found = []
    position = 0
    for size in sizes:
        found += inbox.feed(stream[position : position + size])
        position += size
    return found + inbox.feed(stream[position:])


@given(MESSAGES, SIZES)
def test_messages_come_out_however_the_stream_is_cut(messages, sizes):
    inbox = Inbox()
    assert feed(inbox, b"".join(frame(*message) for message in messages), sizes) == messages
    assert inbox.rest() == b""
    assert inbox.fault is None


def test_a_message_that_is_not_whole_is_kept_back():
    inbox = Inbox()
    half = frame(Kind.RESULT, b"half")
    assert inbox.feed(frame(Kind.READY, b"whole") + half[:-1]) == [(Kind.READY, b"whole")]
    assert inbox.rest() == half[:-1]
    assert inbox.feed(b"f") == [(Kind.RESULT, b"half")]


def test_last_words_in_the_place_of_a_message_are_left_over():
    inbox = Inbox()
    words = b"Fatal Python error: Segmentation fault\n\nStack (most recent call first):\n"
    assert inbox.feed(frame(Kind.READY, b"whole") + words[:3]) == [(Kind.READY, b"whole")]
    assert inbox.feed(words[3:30]) == []
    assert inbox.feed(words[30:]) == []
    assert inbox.rest() == words
    assert inbox.fault is None


def test_last_words_without_an_end_take_no_memory():
    inbox = Inbox()
    inbox.feed(WORDS)
    for _ in range(100):
        inbox.feed(b"x" * 100_000)
    assert len(inbox.rest()) < 200_000


@given(MESSAGES, st.binary(min_size=1, max_size=60), SIZES)
def test_what_is_no_message_is_found_and_what_was_before_it_counts(messages, stray, sizes):
    stray = b"!" + stray
    inbox = Inbox()
    stream = b"".join(frame(*message) for message in messages) + stray + frame(Kind.READY, b"")
    assert feed(inbox, stream, sizes) == messages
    assert "no message" in inbox.fault
    assert inbox.feed(frame(Kind.READY, b"")) == []
    assert inbox.rest() == b""


@pytest.mark.parametrize("length", [LIMIT + 1, 2**40, 2**64 - 1])
def test_a_message_that_claims_to_be_too_long_is_refused_before_it_comes(length):
    inbox = Inbox()
    header = frame(Kind.RESULT, b"")[:-8] + length.to_bytes(8)
    assert inbox.feed(frame(Kind.READY, b"") + header[:-1]) == [(Kind.READY, b"")]
    assert inbox.feed(header[-1:] + b"beginning") == []
    assert str(length) in inbox.fault
    assert inbox.rest() == b""


def test_an_outbox_never_waits_and_forgets_nothing():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        outbox = Outbox(ours)
        bodies = [b"a" * 3_000_000, b"", b"b" * 70_000]
        for body in bodies:
            outbox.put(Kind.PAYLOAD, body)
        assert not outbox.flush()
        found = []
        reader = threading.Thread(target=lambda: found.extend(receive(theirs) for _ in bodies))
        reader.start()
        while not outbox.flush():
            reader.join(0.001)
        reader.join()
        assert found == [(Kind.PAYLOAD, body) for body in bodies]


def test_an_outbox_for_a_reader_that_is_gone_is_empty():
    ours, theirs = socket.socketpair()
    with ours:
        ours.setblocking(False)
        theirs.close()
        outbox = Outbox(ours)
        outbox.put(Kind.PAYLOAD, b"text")
        assert outbox.flush()


def test_send_and_receive_fit_each_other():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for body in (b"", b"small", b"x" * 500_000):
            writer = threading.Thread(target=send, args=(ours, Kind.RESULT, body))
            writer.start()
            assert receive(theirs) == (Kind.RESULT, body)
            writer.join()


def test_the_end_of_the_stream_is_no_message_also_within_one():
    for rest in (b"", frame(Kind.BOOT, b"text")[:3], frame(Kind.BOOT, b"text")[:-1]):
        ours, theirs = socket.socketpair()
        with theirs:
            ours.sendall(rest)
            ours.close()
            assert receive(theirs) is None


def test_a_worker_that_finds_no_message_says_so():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(frame(Kind.TASK, b"text")[3:] + bytes(20))
        with pytest.raises(ValueError, match="no message"):
            receive(theirs)
