"""Durable queues: DBOS behind one small interface.

A task that was enqueued is run until it returns, whatever happens to the process: after a
crash by the next worker with the same executor id, or by one that takes its work over.
It may therefore run more than once. Enqueueing the same task id again does nothing.
"""

import logging
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from dbos import DBOS, SetWorkflowID

from core.settings import Settings

log = logging.getLogger(__name__)

# Fixed: DBOS would hash the code, and an upgrade of ours would orphan pending tasks.
APPLICATION_VERSION = "1"
SCHEMA = "catalens_jobs"
STOP_TIMEOUT_S = 10


class DurableQueues:
    """Runs ``run(queue, item id)`` for every task that is enqueued; one instance a process.

    Args:
        queues: How many tasks of each queue this process runs at once.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        executor_id: str,
        queues: Mapping[str, int],
        run: Callable[[str, int], None],
    ) -> None:
        self._queues = queues
        self._executor_id = executor_id
        self._running: set[str | None] = set()
        self._missing: frozenset[str] = frozenset()
        self._poll_s = settings.worker_poll_s
        self._config = _config(settings, executor_id, threads=sum(queues.values()) + 2)

        @DBOS.workflow(name="run_task", max_recovery_attempts=None)  # chunks count their own
        def run_task(queue: str, item_id: int) -> None:
            self._running.add(DBOS.workflow_id)
            try:
                run(queue, item_id)
            finally:
                self._running.discard(DBOS.workflow_id)

        self._run_task = run_task

    def start(self) -> None:
        """Begin to run tasks, those of an earlier process with this executor id first."""
        DBOS(config=self._config)
        DBOS.launch()
        for name, concurrency in self._queues.items():
            DBOS.register_queue(
                name,
                worker_concurrency=concurrency,
                polling_interval_sec=self._poll_s,
                on_conflict="always_update",
            )

    def enqueue(self, queue: str, *, task_id: str, item_id: int) -> None:
        """Add a task; does nothing if one of this id was ever added."""
        with SetWorkflowID(task_id):
            DBOS.enqueue_workflow(queue, self._run_task, queue, item_id)

    def take_over(self, executor_id: str) -> None:
        """Put the running tasks of a dead process back into their queues."""
        # Private, and guarded by a test: the public way forgets how often a task was tried.
        DBOS._recover_pending_workflows([executor_id])  # noqa: SLF001

    def take_up_lost(self) -> None:
        """Put back tasks that were given to this process and that it does not run.

        A database that goes away just after it gave a task out leaves such. A task is given out a
        moment before it begins, so only what was missing at the last call, too, is lost.
        """
        given = DBOS.list_workflows(
            status="PENDING", executor_id=self._executor_id, load_input=False, load_output=False
        )
        missing = frozenset(each.workflow_id for each in given) - self._running
        for task_id in missing & self._missing:
            log.warning("task %s was lost; it is put back", task_id)
            DBOS.resume_workflow(task_id)
        self._missing = missing

    def stop(self) -> None:
        """Take no more tasks and wait a little for those that run."""
        DBOS.destroy(workflow_completion_timeout_sec=STOP_TIMEOUT_S)


def _config(settings: Settings, executor_id: str, threads: int) -> Any:
    url = settings.resolved_database_url
    if url.startswith("sqlite"):
        path = settings.data_dir.resolve() / "jobs.sqlite3"
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA journal_mode = WAL")  # twice as fast; stays with the file
        connection.close()
        url = f"sqlite:///{path}"
    return {
        "name": "catalens",
        "system_database_url": url,
        "dbos_system_schema": SCHEMA,
        "application_version": APPLICATION_VERSION,
        "executor_id": executor_id,
        "max_executor_threads": threads,
        "sys_db_pool_size": 5,
        "use_listen_notify": False,
        "log_level": "WARNING",
    }
