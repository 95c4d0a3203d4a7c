"""A job kind stands in several tables, because doors may not load the worker: they agree."""

import subprocess
import sys

from core.services.jobs import JOB_PERMISSIONS
from core.worker.child import RUNNERS
from core.worker.kinds import TASK_KINDS
from pages.ui.jobs import JOB_LABELS

JOBS = {key for key, kind in TASK_KINDS.items() if kind.of_jobs}
IN_THE_WORKER = {
    "brands",
    "claims",
    "classification",
    "evidence",
    "flags",
    "recognition",
    "replay",
}


def test_every_job_kind_can_be_asked_for_done_and_shown() -> None:
    assert JOBS == JOB_PERMISSIONS.keys() == JOB_LABELS.keys()


def test_every_job_kind_that_runs_in_a_child_has_a_runner() -> None:
    assert RUNNERS.keys() == JOBS - IN_THE_WORKER


def test_a_worker_starts_without_torch():
    code = "import sys, core.worker.process; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
