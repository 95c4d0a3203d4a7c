"""Where the web process decodes photos for whoever waits for an answer: a few at a time."""

from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from threading import RLock
from typing import Any, TypeVar

from core.errors import BusyError
from core.settings import Settings

MAX_WAITING = 16
"""So many requests wait in threads of the web app, which has 40 for all of them."""

WAIT_S = 20.0

Made = TypeVar("Made")


class Workshop:
    """Threads that make things of photos; all there is in the process decode in them."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="workshop")
        self._making: dict[Hashable, Future[Any]] = {}
        self._lock = RLock()  # a future that is done already calls back from within submit()
        self._seats = threads + MAX_WAITING

    @property
    def has_room(self) -> bool:
        """Whether one more may wait."""
        return self._seats > 0

    def submit(self, key: Hashable, make: Callable[[], Made]) -> Future[Made]:
        """Have it made; who asks for what is in the making, by the key, waits for the same."""
        with self._lock:
            making = self._making.get(key)
            if making is None:
                making = self._making[key] = self._threads.submit(make)
                making.add_done_callback(lambda _: self._forget(key))
        return making

    def make(self, make: Callable[[], Made], *, wait_s: float = WAIT_S) -> Made:
        """Return what was made, when it is.

        Raises:
            BusyError: ``MAX_WAITING`` wait already, or its turn did not come in time.
        """
        with self._seat():
            made = self._threads.submit(make)
            wait([made], wait_s)
            if made.cancel():
                raise BusyError(
                    f"other photos took more than {wait_s:.0f} s; try again in a minute"
                )
            return made.result()  # it is done, or in the making

    @contextmanager
    def _seat(self) -> Iterator[None]:
        with self._lock:
            if not self.has_room:
                raise BusyError(f"{MAX_WAITING} photos wait to be looked at; try again in a minute")
            self._seats -= 1
        try:
            yield
        finally:
            with self._lock:
                self._seats += 1

    def _forget(self, key: Hashable) -> None:
        with self._lock:
            self._making.pop(key, None)


def workshop(settings: Settings) -> Workshop:
    """Return the process's own, of ``decode_threads`` threads."""
    return _workshop(settings.decode_threads)


@cache
def _workshop(threads: int) -> Workshop:
    return Workshop(threads)
