"""How right the models are in daily use, by the decisions of people."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.services import evaluation_exports as exports
from core.services.live_accuracy import LiveAccuracy, Period, list_live_accuracy
from pages.models.scene import Scene
from pages.ui import charts, choices, text
from pages.ui.downloads import caption_with_csv

PERIODS: dict[str, Period] = {"By week": "week", "By day": "day"}


def show(scene: Scene) -> None:
    """Draw the accuracy over time, with its table."""
    period = PERIODS[choices.choose("Show", list(PERIODS), "period")]
    found = list_live_accuracy(
        scene.context.engine,
        actor=scene.context.actor,
        period=period,
        since=scene.since,
        until=scene.until,
        narrowing=scene.narrowing,
        version_ids=[each.version_id for each in scene.standings if each.version_id is not None],
    )
    if not found:
        st.info(
            "Nobody has decided a listing that these models looked at, in this time and category.",
            icon=":material/fact_check:",
        )
        return
    st.plotly_chart(
        charts.accuracy_over_time(_series(scene, found)), config=charts.CONFIG, key="daily"
    )
    _show_table(scene, found)


def _series(scene: Scene, found: Sequence[LiveAccuracy]) -> list[charts.Series]:
    return [
        charts.Series(
            standing.name,
            number,
            [row.start for row in rows],
            [row.accuracy for row in rows],
            [row.listings for row in rows],
        )
        for number, standing in enumerate(scene.standings)
        if (rows := [each for each in found if each.version_id == standing.version_id])
    ]


def _show_table(scene: Scene, found: Sequence[LiveAccuracy]) -> None:
    names = {standing.version_id: standing.name for standing in scene.standings}
    table = pd.DataFrame(
        {
            "From": [each.start for each in found],
            "Model": [names[each.version_id] for each in found],
            "Listings": [each.listings for each in found],
            "Right": [100 * each.accuracy.value for each in found],
            "95% interval": [text.span(each.accuracy.low, each.accuracy.high) for each in found],
        }
    )
    numbers = st.column_config.NumberColumn(format="%.1f%%")
    st.dataframe(table, hide_index=True, column_config={"Right": numbers})
    caption_with_csv(
        "Reviewers see the suggestion before they decide, and mostly the doubtful listings: "
        "this shows a model that gets worse, and does not replace a test.",
        "daily-use",
        lambda: exports.live_csv(found),
    )
