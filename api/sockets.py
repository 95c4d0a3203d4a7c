"""Answers leave at once, instead of waiting 40 ms for the browser to acknowledge their heads."""

import logging
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

_OPEN_FILES = Path("/dev/fd")  # of this process, on Linux and macOS


def send_at_once() -> None:
    """Turn Nagle's algorithm off for all that the listening sockets of this process will accept.

    The server writes an answer's head and body apart, and TCP holds the second back until the
    first is acknowledged, which receivers delay by 40 ms (RFC 896, RFC 1122 section 4.2.3.2).
    asyncio turns that off for sockets that name TCP as their protocol; Streamlit's listening
    socket leaves it to the system. What is accepted inherits the option.
    """
    listening = 0
    for sock in _list_sockets():
        with sock, suppress(OSError):  # a socket of another kind knows no such option
            if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                listening += 1
    log.debug("%d listening sockets send at once", listening)


def _list_sockets() -> Iterator[socket.socket]:
    """Yield each open socket of this process, under a descriptor of its own."""
    if not _OPEN_FILES.exists():
        return
    for number in [int(path.name) for path in _OPEN_FILES.iterdir()]:
        with suppress(OSError):  # closed since it was listed
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                yield socket.socket(fileno=os.dup(number))
