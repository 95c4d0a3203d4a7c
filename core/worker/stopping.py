"""Why work ends before it is done: the worker stops, the job is cancelled, the database is away."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from core.errors import JobCancelledError
from core.services import chunks

log = logging.getLogger(__name__)

T = TypeVar("T")

# What SQLAlchemy raises when the database is away or busy, not when a statement is wrong.
OUTAGES = (OperationalError, InterfaceError)
# With SQLite also when the disk is full or a table is missing; of that, only these pass by.
_SQLITE_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
CANCEL_CHECK_S = 0.5


class WorkerStopping(BaseException):
    """The worker was told to stop; what it was doing is done again after the next start.

    A BaseException, so that DBOS records no outcome: the workflow stays pending, and the
    next worker recovers it.
    """


def through_outages(
    stop: threading.Event, work: Callable[[], T], *, even_lasting: bool = False
) -> T:
    """Do the work; when the database is away, wait longer and longer and do it again.

    Args:
        even_lasting: Wait also when that alone does not help: until somebody makes room on
            a full disk, or the worker stops.

    Raises:
        OperationalError: The disk is full, a table is missing.
        WorkerStopping: The worker was told to stop meanwhile.
    """
    wait_s = FIRST_WAIT_S
    while True:
        try:
            return work()
        except OUTAGES as error:
            if not (even_lasting or _passes_by(error)):
                raise
            log.warning("the database is away, next try in %.1f s: %s", wait_s, error.orig)
        if stop.wait(wait_s):
            raise WorkerStopping
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)


def _passes_by(error: DBAPIError) -> bool:
    if not isinstance(error.orig, sqlite3.Error):
        return True
    code = getattr(error.orig, "sqlite_errorcode", 0)
    return (code & 0xFF) in _SQLITE_BUSY  # the rest of an extended code says which kind of busy


class StopCheck:
    """Called now and then during the work of a job; cheap enough to call for every photo."""

    def __init__(self, engine: sa.Engine, stop: threading.Event, job_id: int) -> None:
        self._engine = engine
        self._stop = stop
        self._job_id = job_id
        self._next_look = 0.0

    def __call__(self) -> None:
        """Return if the work shall go on.

        Raises:
            JobCancelledError: Somebody cancelled the job.
            WorkerStopping: The worker was told to stop.
        """
        if self._stop.is_set():
            raise WorkerStopping
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + CANCEL_CHECK_S
            if chunks.is_cancelled(self._engine, job_id=self._job_id):
                raise JobCancelledError(f"job {self._job_id} was cancelled")
