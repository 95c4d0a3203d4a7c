"""Keep child processes running: start, restart with back-off when they die, stop them all."""

import logging
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

log = logging.getLogger(__name__)

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0
GOOD_RUN_S = 60.0
"""A process that lived this long did not die of its start; the waits begin anew."""
STOP_TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, under which name it is logged."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]


class Supervised:
    """One program that is kept running."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._wait_s = FIRST_WAIT_S
        self._start_at = 0.0

    def tend(self) -> None:
        """Start it if it does not run and its wait is over; call this again and again."""
        now = time.monotonic()
        if self._process is not None and self._process.poll() is not None:
            _close_lifeline(self._process)
            self._plan_restart(self._process.returncode, now)
        if self._process is None and now >= self._start_at:
            self._start(now)

    def ask_to_stop(self) -> None:
        """Send SIGTERM if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def wait_or_kill(self, timeout_s: float) -> None:
        """Wait for its end, and kill it when it takes too long."""
        if self._process is None:
            return
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            log.warning("the %s did not stop in %.0f s; killed", self.program.name, STOP_TIMEOUT_S)
            self._process.kill()
            self._process.wait()
        _close_lifeline(self._process)

    def _start(self, now: float) -> None:
        environment = {**os.environ, **self.program.environment}
        self._process = subprocess.Popen(  # noqa: S603 -- our own programs
            self.program.command,
            env=environment,
            stdin=subprocess.PIPE,  # the lifeline: it ends when this process does
            stdout=subprocess.DEVNULL,  # Streamlit's banner; what matters is on standard error
            start_new_session=True,  # Ctrl-C reaches only us; we stop them in order
        )
        self._started_at = now

    def _plan_restart(self, status: int, now: float) -> None:
        if now - self._started_at >= GOOD_RUN_S:
            self._wait_s = FIRST_WAIT_S
        log.error(
            "the %s ended with status %d; starting it again in %.0f s",
            self.program.name,
            status,
            self._wait_s,
        )
        self._process = None
        self._start_at = now + self._wait_s
        self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)


def _close_lifeline(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        process.stdin.close()


def stop_all(supervised: Sequence[Supervised]) -> None:
    """Ask all to stop, then wait for each; together no longer than ``STOP_TIMEOUT_S``."""
    for one in supervised:
        one.ask_to_stop()
    deadline = time.monotonic() + STOP_TIMEOUT_S
    for one in supervised:
        one.wait_or_kill(max(0.0, deadline - time.monotonic()))
