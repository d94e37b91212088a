"""What a worker makes of signals: nothing, unless its manager asks; an error waits for a signal that is on its way."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from runlib.pool.processes import orderly
from runlib.pool.processes.orderly import BEHIND, ORDERLY, RECENT, Requests, held_back


class Time:
    """A clock that sleeping alone moves; something may happen in the meantime."""

    def __init__(self, meanwhile=None):
        self.now = 100.0
        self.meanwhile = meanwhile or {}

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        if happens := self.meanwhile.pop(min(self.meanwhile, default=None), None):
            happens()


@pytest.fixture
def make():
    """Make requests that handle the signals of this process, which are put back."""
    before = {number: signal.getsignal(number) for number in ORDERLY}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])

    def listen(is_last=lambda: False, time=None):
        time = time or Time()
        requests = Requests(is_last, time.clock, time.sleep)
        for number in ORDERLY:
            signal.signal(number, requests.handle)
        return requests

    yield listen
    for number, handler in before.items():
        signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@pytest.mark.parametrize("number", ORDERLY)
def test_a_signal_of_somebody_else_is_remembered_for_a_while(make, number):
    time = Time()
    requests = make(time=time)
    assert not requests.signalled
    signal.raise_signal(number)
    assert requests.signalled
    time.now += RECENT
    assert not requests.signalled


def test_a_request_of_the_manager_ends_the_process_as_by_default():
    code = "from runlib.pool.processes.orderly import Requests; import signal\n"
    code += "Requests(lambda: True).listen(); signal.raise_signal(signal.SIGUSR1); signal.raise_signal(signal.SIGTERM)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGTERM


def test_a_request_waits_until_what_was_finished_is_told(make):
    requests = make(is_last=lambda: True)
    requests.begin_report()
    signal.raise_signal(signal.SIGTERM)
    assert requests.signalled  # and this goes on


@pytest.mark.parametrize("handler", [lambda *_: None, signal.SIG_DFL])
def test_what_comes_after_the_request_is_late_where_the_evaluator_handles_that(make, handler):
    requests = make(is_last=lambda: True)
    assert not requests.is_late
    signal.signal(signal.SIGTERM, handler)
    assert requests.is_late == callable(handler)


def test_a_handler_of_the_evaluators_own_may_have_heard_a_signal(make):
    requests = make()
    signal.signal(signal.SIGUSR2, lambda *_: None)
    assert not requests.signalled
    fail(requests, child=False)
    assert requests.signalled


def fail(requests, child):
    """What ``evaluate`` does with an evaluator that fails, after a process of its own has ended if there is one."""
    try:
        try:
            if child:
                subprocess.run([sys.executable, "-ISc", "raise SystemExit(3)"], check=True)
            raise ValueError
        finally:
            requests.begin_report()
    except (ValueError, subprocess.CalledProcessError):
        requests.end_report()


@pytest.mark.parametrize(("child", "waits"), [(True, True), (False, False)])
def test_an_error_waits_if_a_process_of_the_trial_has_ended(make, child, waits):
    time = Time()
    requests = make(time=time)
    fail(requests, child)
    assert (time.now - 100.0 >= BEHIND) == waits
    assert not requests.signalled


def test_it_waits_no_longer_than_until_the_signal_comes(make):
    time = Time({1: lambda: None, 2: lambda: signal.raise_signal(signal.SIGUSR1)})
    requests = make(time=time)
    fail(requests, child=True)
    assert time.now == pytest.approx(100.0 + 2 * orderly.LOOK)
    assert requests.signalled


def test_the_processes_of_an_earlier_trial_are_none_of_the_next(make):
    time = Time()
    requests = make(time=time)
    subprocess.run([sys.executable, "-ISc", ""], check=True)
    requests.begin_report()  # no error
    requests.end_report()
    fail(requests, child=False)
    assert time.now == 100.0


def test_a_signal_is_held_back_until_it_is_let_through(make):
    requests = make()
    with held_back():
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)  # of this thread: others hold nothing back
        assert not requests.signalled
    assert requests.signalled
