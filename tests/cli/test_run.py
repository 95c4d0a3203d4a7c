"""``catalens run``: the port, and programs that are kept running."""

import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli import supervisor
from cli.run import check_port
from cli.supervisor import Program, Supervised, stop_all
from core.errors import ConflictError


@pytest.fixture
def tended() -> Iterator[Callable[[Program], Supervised]]:
    """Keeps programs running in the background until the test ends."""
    done = threading.Event()
    kept: list[Supervised] = []
    threads: list[threading.Thread] = []

    def tend(program: Program) -> Supervised:
        one = Supervised(program)
        kept.append(one)

        def loop() -> None:
            while not done.wait(0.02):
                one.tend()

        threads.append(threading.Thread(target=loop))
        threads[-1].start()
        return one

    yield tend
    done.set()
    for thread in threads:
        thread.join()
    stop_all(kept)


def python(code: str) -> Program:
    return Program("program", [sys.executable, "-c", code], {"GIVEN": "yes"})


def wait_for(path: Path, text: str) -> None:
    deadline = time.monotonic() + 20
    while not path.exists() or path.read_text() != text:
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_a_port_in_use_is_named_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConflictError, match=f"port {port}.*CATALENS_PORT={port + 1}"):
            check_port("127.0.0.1", port)
    check_port("127.0.0.1", port)


def test_a_program_that_dies_is_started_again(
    tended: Callable[[Program], Supervised], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_WAIT_S", 0.05)
    path = tmp_path / "starts"
    tended(python(f"import os; open({str(path)!r}, 'a').write(os.environ['GIVEN'][0])"))
    wait_for(path, "yyy")


def test_a_program_that_ignores_sigterm_is_killed(
    tended: Callable[[Program], Supervised], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STOP_TIMEOUT_S", 0.3)
    path = tmp_path / "ready"
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    code += f"; open({str(path)!r}, 'w').write('ready'); time.sleep(60)"
    stubborn = tended(python(code))
    wait_for(path, "ready")
    stop_all([stubborn])
    assert stubborn._process is None or stubborn._process.returncode == -signal.SIGKILL
