"""Ctrl-C is taken in, and acted on between two batches."""

import os
import signal
import threading

import pytest

from areoseg.training.progress import Interruption


def test_a_signal_waits_for_the_end_of_the_batch():
    interruption = Interruption()
    with interruption.listening():
        os.kill(os.getpid(), signal.SIGINT)  # would raise here without the listener
        assert interruption.requested
        with pytest.raises(KeyboardInterrupt):
            interruption.check()


def test_a_second_signal_strikes_at_once():
    interruption = Interruption()
    with interruption.listening():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_without_a_signal_nothing_happens():
    interruption = Interruption()
    interruption.check()


def test_the_handler_from_before_comes_back():
    before = signal.getsignal(signal.SIGINT)
    with Interruption().listening():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_a_handler_of_the_program_is_left_alone():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interruption().listening():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_it_can_run_outside_the_main_thread():
    entered = []

    def run() -> None:
        with Interruption().listening():
            entered.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert entered
