"""Run one task, whatever may come of it."""

import logging
from collections.abc import Callable
from functools import partial

from core.errors import CatalogError, JobCancelledError
from core.worker.kinds import TASK_KINDS
from core.worker.stopping import OUTAGES, through_outages
from core.worker.workplace import Workplace

log = logging.getLogger(__name__)


def run_task(place: Workplace, key: str, item_id: int) -> None:
    """Run an item of the kind; an error nobody foresaw is logged and stored, and the queue goes on.

    Raises:
        WorkerStopping: The worker was told to stop; the task is to be run again.
    """
    kind = TASK_KINDS[key]
    task = f"{key} {item_id}"
    error = _attempt(task, lambda: kind.run(place, item_id))
    isolate = kind.isolate
    if error and isolate and not isinstance(error, (CatalogError, *OUTAGES)):
        told = _tell(error)
        error = _attempt(task, lambda: isolate(place, item_id, told))
    if error:
        told = _tell(error)
        fail = partial(kind.fail, place.engine, item_id, told)
        through_outages(place.stop, fail, even_lasting=True)  # a job must not hang for ever


def _attempt(task: str, work: Callable[[], None]) -> Exception | None:
    """Do the work; return the error that it failed with."""
    try:
        work()
    except JobCancelledError as cancelled:
        log.info("%s", cancelled)
    except CatalogError as error:
        return error
    except Exception as error:  # the job runner: no task may end the worker
        log.exception("%s failed", task)
        return error
    return None


def _tell(error: Exception) -> str:
    return str(error) if isinstance(error, CatalogError) else f"{type(error).__name__}: {error}"
