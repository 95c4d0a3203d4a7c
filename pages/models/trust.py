"""Whether a model's certainty can be relied on, and what that saves."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.evaluation.coverage import CoveragePoint, widest
from core.services import evaluation_exports as exports
from core.services import standings
from core.services.standings import Trust
from pages.models.mistakes import MODEL_KEY
from pages.models.scene import Scene
from pages.ui import charts, choices, text
from pages.ui.downloads import offer_csv

TARGETS = {"99%": 0.99, "99.5%": 0.995, "98%": 0.98, "95%": 0.95, "90%": 0.90}
MAX_LINES = 8

Curves = Sequence[tuple[str, Sequence[CoveragePoint]]]


def show(scene: Scene) -> None:
    """Draw reliability on the left, coverage against risk on the right."""
    left, right = st.columns(2, gap="large")
    with left:
        _show_reliability(scene)
    with right:
        _show_coverage(scene)


def _measure(scene: Scene, name: str) -> Trust:
    return standings.measure_trust(
        scene.context.engine,
        scene.context.settings,
        actor=scene.context.actor,
        evaluation_id=scene.find(name).main.id,
        narrowing=scene.narrowing,
    )


def _show_reliability(scene: Scene) -> None:
    st.subheader("Is it as right as it says?", anchor=False)
    name = choices.choose("Model", scene.names, MODEL_KEY, width=2 * choices.WIDTH_PX)
    trust, figures = _measure(scene, name), scene.find(name).main.figures
    st.markdown(
        f"On average its certainty is off by **{text.points(figures['ece'].value)}**; before "
        f"calibration it was {text.points(figures['ece_before'].value)}. On the dotted line, "
        "what it is 80% sure of is right in 80 of 100 photos; below it, it is too sure of itself."
    )
    st.plotly_chart(
        charts.reliability(trust.before, trust.after), config=charts.CONFIG, key="reliability"
    )
    with st.container(horizontal=True):
        offer_csv(
            "reliability", lambda: exports.reliability_csv(trust.after), label="CSV, calibrated"
        )
        offer_csv(
            "reliability-before",
            lambda: exports.reliability_csv(trust.before),
            label="CSV, before calibration",
        )


def _show_coverage(scene: Scene) -> None:
    st.subheader("How much needs no person?", anchor=False)
    wanted = choices.choose(
        "Of the photos that nobody looks at, this many shall be right",
        list(TARGETS),
        "right",
        width=2 * choices.WIDTH_PX,
    )
    target = TARGETS[wanted]
    curves = [(name, _measure(scene, name).coverage) for name in scene.names[:MAX_LINES]]
    name, points = max(curves, key=lambda curve: _coverage(curve[1], target))
    st.markdown(_describe(name, widest(points, accuracy=target), wanted))
    st.plotly_chart(
        charts.coverage_risk(curves, target=target), config=charts.CONFIG, key="coverage"
    )
    _show_table(curves)


def _coverage(points: Sequence[CoveragePoint], target: float) -> float:
    point = widest(points, accuracy=target)
    return point.coverage if point else 0.0


def _describe(name: str, point: CoveragePoint | None, wanted: str) -> str:
    if point is None:
        return f"No model is {wanted} right even on the photos that it is surest of."
    return (
        f"**{text.percent(point.coverage, digits=0)}** of these photos could be accepted without "
        f"a person at {wanted} right: those of which {text.plain(name)} is at least "
        f"{text.percent(point.threshold)} sure."
    )


def _show_table(curves: Curves) -> None:
    rows = [
        {"Model": name}
        | {f"At {label}": 100 * _coverage(points, target) for label, target in TARGETS.items()}
        for name, points in curves
    ]
    percent = st.column_config.NumberColumn(format="%.0f%%")
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={f"At {label}": percent for label in TARGETS},
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Share of photos that each could decide alone.", width="stretch")
        offer_csv("without-a-person", lambda: exports.to_csv(rows))
        offer_csv("coverage", lambda: exports.to_csv(_points(curves)), label="CSV of the plot")


def _points(curves: Curves) -> Sequence[dict[str, object]]:
    return [
        {
            "model": name,
            "coverage": point.coverage,
            "risk": 1 - point.accuracy,
            "threshold": point.threshold,
        }
        for name, points in curves
        for point in points
    ]
