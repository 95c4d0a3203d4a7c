"""``catalens worker``: the process that classifies, trains and explains."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.options import Json
from cli.signals import stop_event
from core.services import database
from core.settings import get_settings

if TYPE_CHECKING:
    from core.services.jobs import JobProgress


def worker_command(
    *,
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="Return when no job is left to do.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Do the jobs: classify, train, draw Grad-CAM pictures."""
    from core.worker.process import configure_logging, run_worker

    settings = get_settings()
    configure_logging(settings)
    stop = stop_event()
    engine = database.get_ready_engine()
    jobs = run_worker(engine, settings, stop=stop, until_idle=until_idle)
    if json_output:
        console.print_json({"jobs": [asdict(job) for job in jobs]})
    else:
        for job in jobs:
            console.stderr.print(_describe(job), highlight=False)
    if any(job.state == "failed" for job in jobs):
        raise typer.Exit(1)


def _describe(job: "JobProgress") -> str:
    told = f"Job {job.job_id} ({job.kind}): {job.state}, {job.done} of {job.total} done"
    told += f", {job.failed} failed" if job.failed else ""
    told += f", {job.rate_per_s:.1f} a second" if job.rate_per_s else ""
    return f"{told}: {job.error}" if job.error else told
