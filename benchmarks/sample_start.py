"""What ``make run SAMPLE=1`` promises: the app open at once, the custom CNN trained and
predicting within a minute, all three models within five, on two cores.

Times count from the start of the command, in an empty data directory. ``--data`` has no
meaning here: the sample catalog is what is measured.
"""

import os
import signal
import subprocess
import sys
import time
from functools import partial

import sqlalchemy as sa

from benchmarks import harness
from benchmarks.harness import Figures, Options
from benchmarks.startup import answers, free_port, wait_until
from core.actors import Actor
from core.services import database, jobs, models
from core.settings import Settings

TIMEOUT_S = 1800.0
ARCHITECTURES = ("custom_cnn", "resnet50", "vit")


def measure(options: Options) -> Figures:
    """Return run_to_health_s, custom_cnn_predicting_s, all_three_predicting_s and accuracies.

    A quick run stops when the custom CNN predicts.
    """
    with harness.work_folder() as folder:
        settings = Settings(data_dir=folder, database_url="")
        port = free_port()
        command = [sys.executable, "-m", "cli.main", "run", "--sample", "--no-browser"]
        started_at = time.perf_counter()
        process = subprocess.Popen(
            [*command, f"--port={port}"],
            env={**os.environ, "CATALENS_DATA_DIR": str(folder)},
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until(lambda: answers(f"http://127.0.0.1:{port}/_stcore/health"))
            figures = {"run_to_health_s": time.perf_counter() - started_at}
            engine = database.open_engine(settings)
            figures |= _watch(engine, started_at, ARCHITECTURES[: 1 if options.quick else None])
            engine.dispose()
            return figures
        finally:
            process.send_signal(signal.SIGTERM)  # SIGINT is ignored below some shells
            process.wait(60)


def _watch(engine: sa.Engine, started_at: float, archs: tuple[str, ...]) -> Figures:
    """Take the time at which each model has been trained and has seen every photo."""
    actor = database.local_actor(engine)
    figures: Figures = {}
    for arch in archs:
        wait_until(partial(_is_predicting, engine, actor, arch), TIMEOUT_S)
        figures[f"{arch}_predicting_s"] = time.perf_counter() - started_at
        version = next(
            each for each in models.list_versions(engine, actor=actor) if each.arch == arch
        )
        figures[f"{arch}.validation_top1"] = version.metrics["splits"]["validation"]["top1"]
    if archs == ARCHITECTURES:
        figures["all_three_predicting_s"] = figures[f"{archs[-1]}_predicting_s"]
    return figures


def _is_predicting(engine: sa.Engine, actor: Actor, arch: str) -> bool:
    """Whether a classification that began after the model was registered has ended."""
    versions = [each for each in models.list_versions(engine, actor=actor) if each.arch == arch]
    return bool(versions) and any(
        job.kind == "classification"
        and job.state == "done"
        and job.created_at >= versions[0].created_at
        for job in jobs.list_jobs(engine, actor=actor)
    )


if __name__ == "__main__":
    harness.main("sample_start", measure)
