"""Jobs that run in a process of their own, so that neither a crash nor a cancel of one
takes the worker along.

The child's standard input is its lifeline: it ends when the worker does, however that died,
and the child with it.
"""

import os
import signal
import subprocess
import sys
import threading
import time

from core.errors import CatalogError, JobCancelledError
from core.settings import Settings
from core.worker.stopping import StopCheck
from core.worker.workplace import Workplace

POLL_S = 0.2
TERMINATE_TIMEOUT_S = 5.0


def run_in_child(place: Workplace, job_id: int, *, grace_s: float = 0.0) -> None:
    """Run the job in a child process and wait for its end.

    Args:
        grace_s: How long a cancelled job may take to keep what it has done so far.

    Raises:
        CatalogError: The child died.
        JobCancelledError, WorkerStopping: It was ended for that reason.
    """
    check = StopCheck(place.engine, place.stop, job_id)
    command = [sys.executable, "-m", "core.worker.child", str(job_id)]
    child = subprocess.Popen(  # noqa: S603 -- our own program
        command, stdin=subprocess.PIPE, env=_environment(place.settings), start_new_session=True
    )
    try:
        while child.poll() is None:
            check()
            place.stop.wait(POLL_S)
    except JobCancelledError:
        _let_finish(child, place.stop, grace_s)
        raise
    finally:
        _end(child)
    if child.returncode:
        raise CatalogError(f"the job's process {_describe(child.returncode)}; its log says why")


def end_with_parent() -> None:
    """In a child: end this process as soon as the worker is gone."""

    def wait_for_the_end() -> None:
        os.read(sys.stdin.fileno(), 1)  # unbuffered: a lock on stdin would trouble the exit
        os._exit(1)

    threading.Thread(target=wait_for_the_end, name="lifeline", daemon=True).start()


def _let_finish(child: "subprocess.Popen[bytes]", stop: threading.Event, grace_s: float) -> None:
    """Wait until the child, which has noticed the cancel too, ends by itself."""
    deadline = time.monotonic() + grace_s
    while child.poll() is None and time.monotonic() < deadline and not stop.wait(POLL_S):
        pass


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End the child if it still runs, and let go of its lifeline."""
    if child.poll() is None:
        child.terminate()
    try:
        child.communicate(timeout=TERMINATE_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()


def _environment(settings: Settings) -> dict[str, str]:
    """This process's environment with all settings spelt out."""
    values = settings.model_dump(mode="json")
    return {
        **os.environ,
        **{f"CATALENS_{key.upper()}": str(value) for key, value in values.items()},
    }


def _describe(status: int) -> str:
    return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with {status}"
