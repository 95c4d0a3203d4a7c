"""Durable queues: DBOS behind one small interface.

A task that was enqueued is run until it returns, whatever happens to the process: after a
crash by the next worker with the same executor id, or by one that takes its work over.
It may therefore run more than once. Enqueueing the same task id again does nothing.
"""

import logging
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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
        self._turns = Turns()
        self._absent: frozenset[str] = frozenset()
        self._poll_s = settings.worker_poll_s
        self._config = _config(settings, executor_id, threads=sum(queues.values()) + 2)

        @DBOS.workflow(name="run_task", max_recovery_attempts=None)  # chunks count their own
        def run_task(queue: str, item_id: int) -> None:
            with self._turns.take(str(DBOS.workflow_id)):
                run(queue, item_id)

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

    def take_over(self, executor_id: str) -> bool:
        """Put the running tasks of a dead process back into their queues; say if that were all.

        DBOS leaves those out at which the database went away.
        """
        # Private, and guarded by a test: the public way forgets how often a task was tried.
        DBOS._recover_pending_workflows([executor_id])  # noqa: SLF001
        return not _list_given(executor_id)

    def put_back_lost(self, waiting: Mapping[str, str]) -> None:
        """Put tasks that were given to this process, and that it knows nothing of, back.

        When the database goes away just after it gave a task out, DBOS forgets the task. It is
        given out a moment before it begins, so only what was absent at the last call, too, is lost.

        Args:
            waiting: Task id to queue, of all that is to be done.
        """
        given = _list_given(self._executor_id) & waiting.keys()
        absent = frozenset(task_id for task_id in given if not self._turns.knows(task_id))
        lost = absent & self._absent
        for task_id in lost:
            log.warning("task %s was lost; it is put back", task_id)
            DBOS.resume_workflow(task_id, queue_name=waiting[task_id])
        self._absent = absent - lost

    def stop(self) -> None:
        """Take no more tasks and wait a little for those that run."""
        DBOS.destroy(workflow_completion_timeout_sec=STOP_TIMEOUT_S)


class Turns:
    """Which tasks are here. What was given out twice is run once, and then once more.

    The second run finds the work done; were it left out, DBOS would take the task for done while
    the first one is still at it.
    """

    def __init__(self) -> None:
        self._here: Counter[str] = Counter()
        self._running: set[str] = set()
        self._changed = threading.Condition()

    @contextmanager
    def take(self, task_id: str) -> Iterator[None]:
        """Wait until nobody else is at the task."""
        with self._changed:
            self._here[task_id] += 1
            self._changed.wait_for(lambda: task_id not in self._running)
            self._running.add(task_id)
        try:
            yield
        finally:
            with self._changed:
                self._running.remove(task_id)
                self._here[task_id] -= 1
                self._here += Counter()  # drops what is at zero
                self._changed.notify_all()

    def knows(self, task_id: str) -> bool:
        """Say if somebody is at it or waits for a turn."""
        return task_id in self._here


def _list_given(executor_id: str) -> set[str]:
    given = DBOS.list_workflows(
        status="PENDING", executor_id=executor_id, load_input=False, load_output=False
    )
    return {each.workflow_id for each in given}


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
