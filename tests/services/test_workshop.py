"""The few photos that the web process decodes at once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.errors import BusyError
from core.services.workshop import MAX_WAITING, Workshop


@pytest.fixture
def gate():
    """An event that what is made waits for; open at the end, whatever happened."""
    event = threading.Event()
    yield event
    event.set()


def test_no_more_are_made_at_once_than_there_are_threads():
    running, most = set(), []

    def make() -> int:
        running.add(threading.get_ident())
        most.append(len(running))
        running.discard(threading.get_ident())
        return 7

    shop = Workshop(2)
    with ThreadPoolExecutor(12) as askers:
        made = list(askers.map(lambda _: shop.make(make), range(12)))
    assert made == [7] * 12
    assert max(most) <= 2


def test_who_comes_to_a_full_workshop_is_told_at_once(gate):
    shop = Workshop(1)
    with ThreadPoolExecutor(MAX_WAITING + 1) as askers:
        waiting = [askers.submit(shop.make, gate.wait) for _ in range(MAX_WAITING + 1)]
        while shop.has_room:
            time.sleep(0.01)
        with pytest.raises(BusyError, match=f"{MAX_WAITING} photos wait"):
            shop.make(gate.wait)
        gate.set()
        assert all(each.result(10) for each in waiting)
    assert shop.make(lambda: 1) == 1  # and the seats are free again


def test_who_waits_too_long_is_told_and_nothing_is_made_for_them(gate):
    shop, made = Workshop(1), []
    shop.submit("first", gate.wait)
    with pytest.raises(BusyError, match="try again"):
        shop.make(lambda: made.append(1), wait_s=0.05)
    gate.set()
    shop.make(lambda: None)
    assert made == []


def test_what_fails_fails_for_who_asked():
    with pytest.raises(ZeroDivisionError):
        Workshop(1).make(lambda: 1 // 0)
