"""The worker process: find what waits, put it into the queues, stay known to be alive."""

import logging
import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import sqlalchemy as sa

from core.services import (
    copies,
    explanations,
    interactions,
    jobs,
    lookups,
    popularity,
    renewals,
    workers,
)
from core.services.active_models import ModelCache
from core.services.copies import KnownPrints
from core.services.jobs import JobProgress
from core.services.lookups import PhotoEmbedder
from core.settings import Settings
from core.worker.durable import DurableQueues
from core.worker.identity import executor_id
from core.worker.kinds import TASK_KINDS
from core.worker.lookup_server import LookupServer
from core.worker.stopping import OUTAGES, WorkerStopping, through_outages
from core.worker.tasks import run_task
from core.worker.workplace import Workplace

log = logging.getLogger(__name__)

BEATS_BEFORE_SILENT = 5


def configure_logging(settings: Settings) -> None:
    """One line an event, on standard error."""
    logging.basicConfig(
        level=settings.log_level,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    logging.getLogger("alembic").setLevel(logging.WARNING)


def run_worker(
    engine: sa.Engine, settings: Settings, *, stop: threading.Event, until_idle: bool = False
) -> tuple[JobProgress, ...]:
    """Work until told to stop, or until nothing is left to do.

    Returns:
        How the jobs stand that it saw unfinished.

    Raises:
        ConflictError: Another worker is at work in this data directory (SQLite only).
    """
    with executor_id(settings) as name:
        worker = Worker(engine, settings, name=name, stop=stop)
        worker.run(until_idle=until_idle)
        return jobs.list_progress(engine, job_ids=sorted(worker.seen_jobs))


class Worker:
    """One worker process.

    Attributes:
        seen_jobs: Ids of the jobs that were unfinished at some time.
    """

    def __init__(
        self, engine: sa.Engine, settings: Settings, *, name: str, stop: threading.Event
    ) -> None:
        self.seen_jobs: set[int] = set()
        self._engine = engine
        self._settings = settings
        self._name = name
        self._stop = stop
        models, prints = ModelCache(engine, settings), KnownPrints(engine)
        self._place = Workplace(engine, settings, models, prints, stop)
        self._lookups = LookupServer(settings, PhotoEmbedder(models), stop)
        self._queues = DurableQueues(
            settings,
            executor_id=name,
            queues={kind.key: kind.concurrency for kind in TASK_KINDS.values()},
            run=lambda key, item_id: run_task(self._place, key, item_id),
        )
        self._enqueued: frozenset[str] = frozenset()
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="chores")
        self._chores: Future[None] | None = None
        self._next_beat = 0.0
        self._last_beat = float("-inf")
        self._was_away = True

    def run(self, *, until_idle: bool) -> None:
        """Work until told to stop, or until idle if so wished."""
        self._beat()
        self._queues.start()
        if not until_idle:  # who waits for an answer is served by a worker that stays
            self._lookups.start()
        log.info("worker %s has started", self._name)
        try:
            while not self._stop.is_set():
                through_outages(self._stop, self._look_round)
                if until_idle and through_outages(self._stop, self._is_idle):
                    break
                self._stop.wait(self._settings.worker_poll_s)
        except WorkerStopping:
            log.info("stopped while the database was away")
        finally:
            self._end()

    def _look_round(self) -> None:
        """Enqueue what waits; when it is time, leave a sign of life and see what is due."""
        is_due = time.monotonic() >= self._next_beat
        if is_due:
            self._beat()
            self._take_over_silent()
            renewals.ask_when_due(self._engine)
            self._keep_house()
        unfinished = jobs.list_unfinished(self._engine)
        self.seen_jobs.update(unfinished)
        waiting = self._enqueue_waiting(has_jobs=bool(unfinished))
        self._enqueued = frozenset(waiting)
        if is_due:
            self._queues.put_back_lost(waiting)

    def _keep_house(self) -> None:
        """Have done, beside the rest, what nobody asks for; it may take longer than a beat."""
        if self._chores is not None and not self._chores.done():
            return
        done, self._chores = self._chores, self._aside.submit(_do_chores, self._engine)
        if done is not None:
            done.result()  # what it raised is raised here

    def _enqueue_waiting(self, *, has_jobs: bool) -> dict[str, str]:
        """Enqueue what was not enqueued at the last look.

        Returns:
            The id of each task that waits, and its queue.
        """
        waiting = {}
        for kind in (each for each in TASK_KINDS.values() if has_jobs or not each.of_jobs):
            for item_id, asked_at in kind.find(self._engine):
                # The time is in it, so that a new database never meets the ids of an old one.
                task_id = f"{kind.key}-{item_id}-{asked_at:%Y%m%dT%H%M%S%f}"
                waiting[task_id] = kind.key
                if task_id not in self._enqueued:
                    self._queues.enqueue(kind.key, task_id=task_id, item_id=item_id)
        return waiting

    def _is_idle(self) -> bool:
        return not (
            jobs.list_unfinished(self._engine)
            or explanations.list_pending(self._engine)
            or copies.list_pending(self._engine)
            or lookups.list_pending(self._engine)
        )

    def _beat(self) -> None:
        workers.beat(self._engine, executor_id=self._name, process_id=os.getpid())
        now = time.monotonic()
        self._was_away = now - self._last_beat > self._settings.worker_silent_s
        self._last_beat = now
        self._next_beat = now + self._settings.worker_silent_s / BEATS_BEFORE_SILENT

    def _take_over_silent(self) -> None:
        """Take over the work of workers that are gone.

        Not right after the database was away for all: then everybody was silent.
        """
        if self._was_away:
            return
        silent_s = self._settings.worker_silent_s
        for name in workers.list_silent(self._engine, silent_s=silent_s):
            log.warning("worker %s is silent; taking its work over", name)
            if self._queues.take_over(name):  # if not, the next beat sees to the rest
                workers.forget(self._engine, executor_id=name, silent_s=silent_s)

    def _end(self) -> None:
        self._stop.set()
        self._lookups.close()
        self._queues.stop()
        self._aside.shutdown()
        try:
            workers.retire(self._engine, executor_id=self._name)
        except OUTAGES:
            log.warning("worker %s could not sign off: the database is away", self._name)
        log.info("worker %s has stopped", self._name)


def _do_chores(engine: sa.Engine) -> None:
    interactions.forget_old(engine)
    popularity.count_when_due(engine)
