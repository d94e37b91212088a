"""Messages survive being cut into any pieces."""

from __future__ import annotations

import socket
import threading

from hypothesis import given
from hypothesis import strategies as st

from runlib.pool.frames import Inbox, Outbox, frame, receive, send


@given(st.lists(st.binary(max_size=40), max_size=8), st.lists(st.integers(1, 20), min_size=1, max_size=50))
def test_messages_come_out_however_the_stream_is_cut(messages, sizes):
    stream = b"".join(map(frame, messages))
    inbox = Inbox()
    found = []
    position = 0
    for size in sizes:
        found += inbox.feed(stream[position : position + size])
        position += size
    found += inbox.feed(stream[position:])
    assert found == messages
    assert inbox.rest() == b""


def test_a_message_that_is_not_whole_is_kept_back():
    inbox = Inbox()
    assert inbox.feed(frame(b"whole") + frame(b"half")[:-1]) == [b"whole"]
    assert inbox.rest() == frame(b"half")[:-1]
    assert inbox.feed(b"f") == [b"half"]


def test_text_in_the_place_of_a_message_is_left_over():
    inbox = Inbox()
    words = b"Fatal Python error: Segmentation fault\n\nStack (most recent call first):\n"
    assert inbox.feed(frame(b"whole") + words[:30]) == [b"whole"]
    assert inbox.feed(words[30:]) == []
    assert inbox.rest() == words


def test_an_outbox_never_waits_and_forgets_nothing():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        outbox = Outbox(ours)
        bodies = [b"a" * 3_000_000, b"", b"b" * 70_000]
        for body in bodies:
            outbox.put(body)
        assert not outbox.flush()
        found = []
        reader = threading.Thread(target=lambda: found.extend(receive(theirs) for _ in bodies))
        reader.start()
        while not outbox.flush():
            reader.join(0.001)
        reader.join()
        assert found == bodies


def test_an_outbox_for_a_reader_that_is_gone_is_empty():
    ours, theirs = socket.socketpair()
    with ours:
        ours.setblocking(False)
        theirs.close()
        outbox = Outbox(ours)
        outbox.put(b"text")
        assert outbox.flush()


def test_send_and_receive_fit_each_other():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for body in (b"", b"small", b"x" * 500_000):
            writer = threading.Thread(target=send, args=(ours, body))
            writer.start()
            assert receive(theirs) == body
            writer.join()


def test_the_end_of_the_stream_is_no_message_also_within_one():
    for rest in (b"", frame(b"text")[:3], frame(b"text")[:-1]):
        ours, theirs = socket.socketpair()
        with theirs:
            ours.sendall(rest)
            ours.close()
            assert receive(theirs) is None
