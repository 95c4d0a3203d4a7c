"""Who a worker is: an executor id that it gets back after a crash."""

import hashlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from core.errors import ConflictError
from core.settings import Settings

MOST_WORKERS_A_MACHINE = 64


@contextmanager
def executor_id(settings: Settings) -> Iterator[str]:
    """Hold the first free worker's place of this data directory, until the process ends.

    With SQLite there is one place; with Postgres many, on each machine.

    Raises:
        ConflictError: All places are taken.
    """
    is_sqlite = settings.resolved_database_url.startswith("sqlite")
    for place in range(1 if is_sqlite else MOST_WORKERS_A_MACHINE):
        lock = FileLock(settings.data_dir / f"worker-{place}.lock", blocking=False)
        try:
            lock.acquire()
        except Timeout:
            continue
        with lock:
            yield "local" if is_sqlite else f"{_machine(settings)}-{place}"
            return
    raise ConflictError(
        f"another worker is at work in {settings.data_dir}; with SQLite there can be only one: "
        "stop it first, or use Postgres (CATALENS_DATABASE_URL)"
    )


def _machine(settings: Settings) -> str:
    """Tell machines, and data directories on one machine, apart."""
    directory = hashlib.sha256(str(settings.data_dir.resolve()).encode()).hexdigest()[:8]
    return f"{socket.gethostname()}-{directory}"
