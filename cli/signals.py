"""What tells a command to stop: Ctrl-C, a service manager, the end of its terminal."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


def stop_event() -> threading.Event:
    """Return an event that is set when this process is told to stop.

    A signal that is ignored, as SIGHUP under nohup, stays so. Windows has no SIGHUP.
    """
    stop = threading.Event()
    for name in STOP_SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: stop.set())
    return stop


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """Give that event for a while; afterwards the signals do what they did before."""
    numbers = [getattr(signal, name) for name in STOP_SIGNALS if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        yield stop_event()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
