"""The process of one training, sample or audit job: ``python -m core.worker.child JOB``."""

import logging
import sys
from collections.abc import Callable

import sqlalchemy as sa

from core.allocator import keep_freed_memory
from core.errors import CatalogError, JobCancelledError
from core.services import chunks, database, jobs
from core.settings import Settings, get_settings
from core.worker.children import end_with_parent
from core.worker.process import configure_logging

log = logging.getLogger(__name__)


def _train(engine: sa.Engine, settings: Settings, job_id: int) -> None:
    from core.services.training import run_training_job

    run_training_job(engine, settings, job_id)


def _draw_sample(engine: sa.Engine, settings: Settings, job_id: int) -> None:
    from core.services.sample import run_sample_job

    run_sample_job(engine, settings, job_id)


def _audit(engine: sa.Engine, settings: Settings, job_id: int) -> None:
    from core.services.auditing import run_audit_job

    run_audit_job(engine, settings, job_id)


RUNNERS: dict[str, Callable[[sa.Engine, Settings, int], None]] = {
    "training": _train,
    "sample": _draw_sample,
    "audit": _audit,
}


def main(job_id: int) -> None:
    """Run the job; an error raised on purpose is stored with it."""
    end_with_parent()
    keep_freed_memory()
    settings = get_settings()
    configure_logging(settings)
    engine = database.get_engine()
    (job,) = jobs.list_progress(engine, job_ids=[job_id])
    try:
        RUNNERS[job.kind](engine, settings, job_id)
    except JobCancelledError as cancelled:
        log.info("%s", cancelled)
    except CatalogError as error:
        chunks.fail_job(engine, job_id=job_id, error=str(error))


if __name__ == "__main__":
    main(int(sys.argv[1]))
