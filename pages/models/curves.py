"""How trainings went, and how the one at work goes."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.services import evaluation_exports as exports
from core.services import models
from core.services.jobs import JobProgress
from pages.models.scene import Scene
from pages.ui import charts, text
from pages.ui.charts import Curve
from pages.ui.downloads import caption_with_csv

MAX_CURVES = 8


def show_running(job: JobProgress) -> None:
    """Draw the curves of a training at work, as far as they go."""
    curve = _read("now", 0, job.detail.get("curve", ()))
    if curve is None:
        st.caption("The curves begin after the first epoch.")
        return
    if job.detail.get("loss") is not None:
        st.caption(
            f"Loss {job.detail['loss']:.3f}, validation {text.percent(curve.accuracies[-1])}"
        )
    _draw([curve], f"job-{job.job_id}")


def show(scene: Scene) -> None:
    """Draw the curves of the models that are compared."""
    registered = models.list_versions(scene.context.engine, actor=scene.context.actor)
    metrics = {version.id: version.metrics for version in registered}
    curves = (
        _read(each.name, number, metrics[each.version_id].get("curve", ()))
        for number, each in enumerate(scene.standings)
        if each.version_id is not None
    )
    found = [curve for curve in curves if curve is not None]
    if not found:
        st.caption("These models keep no record of their training.")
        return
    shown = found[:MAX_CURVES]
    _draw(shown, "versions")
    caption_with_csv(
        f"{text.part(len(shown), len(found), 'training')}. Loss on the photos it learns from, "
        "accuracy on validation photos. A loss that falls while the accuracy stands still means "
        "learning by heart.",
        "training",
        lambda: exports.to_csv(_rows(found)),
    )


def _draw(curves: Sequence[Curve], key: str) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        figure = charts.training_losses(curves)
        st.plotly_chart(figure, config=charts.CONFIG, key=f"losses-{key}")
    with right:
        figure = charts.training_accuracies(curves)
        st.plotly_chart(figure, config=charts.CONFIG, key=f"accuracies-{key}")


def _read(name: str, colour: int, points: Sequence[Mapping[str, Any]]) -> Curve | None:
    if not points:
        return None
    return Curve(
        name,
        colour,
        [point["epoch"] for point in points],
        [point["loss"] for point in points],
        [point["val_top1"] for point in points],
    )


def _rows(curves: Sequence[Curve]) -> Sequence[Mapping[str, object]]:
    return [
        {"model": curve.name, "epoch": epoch, "loss": loss, "validation": accuracy}
        for curve in curves
        for epoch, loss, accuracy in zip(curve.epochs, curve.losses, curve.accuracies, strict=True)
    ]
