"""Jobs at work: progress, rate, time left, cancel."""

from collections.abc import Callable, Sequence
from pathlib import PurePath

import streamlit as st

from core.actors import Actor
from core.model_names import model_name
from core.services import jobs
from core.services.database import get_engine
from core.services.jobs import JobProgress
from core.services.states import JobState
from pages.ui import session, text

REFRESH_S = 1.0

JOB_LABELS = {
    "audit": "Auditing labels",
    "brands": "Looking for copies of brands",
    "claims": "Checking claimed categories",
    "classification": "Classifying photos",
    "evidence": "Comparing what the models look at",
    "flags": "Renewing flags",
    "recognition": "Comparing with known products",
    "replay": "Replaying a batch",
    "sample": "Preparing the sample catalog",
    "training": "Training",
}
STAGE_LABELS = {"reading": "reading the photos", "measuring": "measuring the result"}

DrawJob = Callable[[JobProgress], None]


def show(
    actor: Actor,
    *,
    batch_id: int | None = None,
    kind: str | None = None,
    below: DrawJob | None = None,
) -> bool:
    """Draw the jobs at work, or the newest if it failed; return whether one is at work.

    The part redraws itself while a job runs, and the whole page once when the last has ended.

    Args:
        below: Draws more of a job at work.
    """
    found = _list(actor, batch_id, kind)
    running = any(not job.is_finished for job in found)
    with st.container():  # even if empty, so that what stands below keeps its place
        if running:
            st.fragment(run_every=REFRESH_S)(_show_live)(actor, batch_id, kind, below)
        elif found and found[0].state == JobState.FAILED:
            _show_failed(found[0])
    return running


def _list(actor: Actor, batch_id: int | None, kind: str | None) -> Sequence[JobProgress]:
    found = jobs.list_jobs(get_engine(), actor=actor, batch_id=batch_id)
    return [job for job in found if kind is None or job.kind == kind]


def _show_live(actor: Actor, batch_id: int | None, kind: str | None, below: DrawJob | None) -> None:
    actor = session.renew(actor)
    running = [job for job in _list(actor, batch_id, kind) if not job.is_finished]
    if not running:
        st.rerun()
    for job in running:
        with st.container(border=True):
            _show_running(actor, job)
            if below is not None:
                below(job)


def _show_running(actor: Actor, job: JobProgress) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(_fraction(job), text=f"**{_title(job)}** · {_figures(job)}")
        if st.button("Cancel", key=f"cancel-{job.job_id}", icon=":material/close:"):
            jobs.cancel(get_engine(), actor=actor, job_id=job.job_id)
            st.rerun()


def _show_failed(job: JobProgress) -> None:
    st.error(
        f"{_title(job)} failed: {text.plain(job.error or 'no reason given')}",
        icon=":material/error:",
    )


def _title(job: JobProgress) -> str:
    label = JOB_LABELS.get(job.kind, job.kind)
    if job.kind == "training" and "arch" in job.params:
        data = PurePath(job.params.get("data", "")).name
        return text.plain(f"{label} {model_name(job.params['arch'])} on {data}")
    step = job.detail.get("step") or model_name(job.detail.get("arch", ""))
    return f"{label}: {step}" if step else label


def _fraction(job: JobProgress) -> float:
    if "fraction" in job.detail:
        return min(1.0, max(0.0, float(job.detail["fraction"])))
    if job.detail.get("total"):
        return min(1.0, float(job.detail.get("done", 0)) / float(job.detail["total"]))
    return (job.done + job.failed) / job.total if job.total else 0.0


def _figures(job: JobProgress) -> str:
    if job.state == JobState.QUEUED:
        return "waiting for the worker"
    return " · ".join(filter(None, (_done(job), _rate(job), _time_left(job))))


def _done(job: JobProgress) -> str:
    if job.detail.get("stage") in STAGE_LABELS:
        return STAGE_LABELS[job.detail["stage"]]
    if job.detail.get("epochs"):
        return f"epoch {job.detail.get('epoch', 0)} of {job.detail['epochs']}"
    if job.total <= 1:
        return ""
    failed = f", {job.failed:,} failed" if job.failed else ""
    return f"{job.done + job.failed:,} of {job.total:,}{failed}"


def _rate(job: JobProgress) -> str:
    return "" if not job.rate_per_s or job.total <= 1 else f"{job.rate_per_s:.1f} a second"


def _time_left(job: JobProgress) -> str:
    return "" if job.seconds_left is None else f"{text.duration(job.seconds_left)} left"
