"""Run one task, whatever may come of it."""

import logging

from core.errors import CatalogError, JobCancelledError
from core.worker.kinds import TASK_KINDS, TaskKind
from core.worker.stopping import through_outages
from core.worker.workplace import Workplace

log = logging.getLogger(__name__)


def run_task(place: Workplace, key: str, item_id: int) -> None:
    """Run an item of the kind; an error nobody foresaw is logged and stored, and the queue goes on.

    Raises:
        WorkerStopping: The worker was told to stop; the task is to be run again.
    """
    kind = TASK_KINDS[key]
    try:
        kind.run(place, item_id)
    except JobCancelledError as cancelled:
        log.info("%s", cancelled)
    except CatalogError as error:
        _fail(place, kind, item_id, str(error))
    except Exception as error:  # the job runner: no task may end the worker
        log.exception("%s %d failed", key, item_id)
        _fail(place, kind, item_id, f"{type(error).__name__}: {error}")


def _fail(place: Workplace, kind: TaskKind, item_id: int, reason: str) -> None:
    through_outages(place.stop, lambda: kind.fail(place.engine, item_id, reason))
