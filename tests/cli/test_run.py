"""``catalens run``: the port, and programs that are kept running."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli import run, supervisor
from cli.run import PROJECT_DIR, check_port
from cli.signals import stop_event
from cli.supervisor import Program, Supervised, stop_all
from core.errors import ConflictError
from core.settings import Settings


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


def test_a_program_on_a_lifeline_ends_with_its_parent(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    note = tmp_path / "note"
    program.write_text(
        "import pathlib, signal, sys, time\n"
        f"note = pathlib.Path({str(note)!r})\n"
        "def stop(*_):\n    note.write_text('stopped in order')\n    sys.exit()\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        "note.write_text(' '.join(sys.argv[1:]))\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-m", "cli.lifeline", "program", "given"]
    path = os.pathsep.join((str(PROJECT_DIR), str(tmp_path)))
    code = (
        "import subprocess, time\n"
        f"subprocess.Popen({command!r}, stdin=subprocess.PIPE, start_new_session=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path})
    wait_for(note, "given")
    parent.kill()
    parent.wait()
    wait_for(note, "stopped in order")


def test_the_end_of_the_terminal_stops_and_an_ignored_one_does_not() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        stop_event()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        stop = stop_event()
        os.kill(os.getpid(), signal.SIGHUP)
        assert stop.wait(5)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def test_a_slow_start_is_told_and_waited_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sleeping = python("import time; time.sleep(60)")
    monkeypatch.setattr(run, "_web_app", lambda _: sleeping)
    monkeypatch.setattr(run, "_worker", lambda _: sleeping)
    monkeypatch.setattr(run, "HEALTH_TIMEOUT_S", 0.3)
    stop = threading.Event()
    asked = []

    def answer(_: str) -> bool:
        asked.append(time.monotonic())
        if asked[-1] - asked[0] < 0.6:
            return False
        stop.set()
        return True

    monkeypatch.setattr(run, "_is_healthy", answer)
    run._supervise(settings, stop, open_browser=False)
    told = capsys.readouterr().err
    assert told.index("does not answer") < told.index("Catalens is open")


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
