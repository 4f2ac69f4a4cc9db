"""No loop runs forever: the CPU time that a disk's parser may use."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from shared.proof.watch import Endless, watched


def counting() -> Iterator[int]:
    """Count for ever."""
    number = 0
    while True:
        yield number
        number += 1


def while_true() -> None:
    """Go round in circles."""
    while True:
        pass


def in_a_generator() -> None:
    """Go round in a generator that something written in C consumes."""
    any(number < 0 for number in counting())


def catching() -> None:
    """Go round and take every exception for a broken entry, as parsers do."""
    while True:
        try:
            while_true()
        except Exception:  # noqa: BLE001, S112 - the parser's mistake is the point
            continue


@pytest.mark.parametrize("endless", [while_true, in_a_generator, catching])
def test_an_endless_loop_ends(endless: Callable[[], None]) -> None:
    """Pure computation without a further read is ended, also where exceptions are caught."""
    with pytest.raises(Endless), watched(0.05):
        endless()


def test_what_is_not_watched_goes_on() -> None:
    """Only the watched thread is ended; after that nothing is."""
    done = []

    def work() -> None:
        until = time.thread_time() + 0.2
        while time.thread_time() < until:
            pass
        done.append(True)

    other = threading.Thread(target=work)
    other.start()
    with pytest.raises(Endless), watched(0.05):
        while_true()
    other.join()
    assert done == [True]
    work()
    assert done == [True, True]


def test_time_that_passes_elsewhere_does_not_count() -> None:
    """Waiting for a network is no work: only the thread's own CPU time is measured."""
    with watched(0.05):
        time.sleep(0.2)
        for _ in range(10_000):
            pass
