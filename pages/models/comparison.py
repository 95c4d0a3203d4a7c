"""The models side by side: a table, accuracy against cost, and what others published."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.evaluation import FIGURES, Interval
from core.evaluation.published import PUBLISHED
from core.services import evaluation_exports as exports
from core.services.evaluations import EvaluationSummary
from core.services.standings import SPLITS, Standing
from pages.models import mistakes, retrieval
from pages.models.scene import Scene
from pages.models.versions import STATE_LABELS
from pages.ui import charts, text
from pages.ui.downloads import caption_with_csv

Cost = Callable[[EvaluationSummary], float | None]

SECOND_FIGURES = ("top5", "macro", "coarse_top1", "many_shot", "medium_shot", "few_shot", "ece")


def show(scene: Scene) -> None:
    """Draw the table, what others published, then the plots."""
    _show_table(scene)
    _show_published()
    left, right = st.columns(2, gap="large")
    with left:
        _show_cost(scene, "Accuracy against speed", "Photos a second", _speed)
    with right:
        _show_cost(scene, "Accuracy against size", "Size of the file in MB", _megabytes)
    retrieval.show(scene)


def _show_table(scene: Scene) -> None:
    st.dataframe(
        pd.DataFrame([_row(scene, each) for each in scene.standings]).dropna(axis=1, how="all"),
        hide_index=True,
        placeholder="",
        column_config=_columns(),
        on_select=lambda: _open_mistakes(scene),
        selection_mode="single-row",
        key="comparison",
    )
    caption_with_csv(
        "In brackets: the 95% confidence interval. Select a row to see what that model gets wrong.",
        "models",
        lambda: exports.evaluations_csv(_evaluations(scene)),
    )


def _open_mistakes(scene: Scene) -> None:
    rows = st.session_state["comparison"]["selection"]["rows"]
    if rows:
        mistakes.open_view(scene.standings[rows[0]].name)


def _evaluations(scene: Scene) -> list[EvaluationSummary]:
    return [each for standing in scene.standings for each in standing.by_split.values()]


def _row(scene: Scene, standing: Standing) -> dict[str, object]:
    main = standing.main
    return {
        "Model": standing.name,
        "State": _state(standing),
        **{
            label: _with_interval(standing.by_split.get(split))
            for split, label in _splits_of(scene).items()
        },
        **{FIGURES[key].label: _percent(main.figures.get(key)) for key in SECOND_FIGURES},
        "Photos a second": main.images_per_s,
        "Parameters": main.parameters and main.parameters / 1e6,
        "MACs": main.macs and main.macs / 1e9,
        "File": main.file_bytes and main.file_bytes / 1e6,
        "Photos": main.pictures,
        "Looks at test": _test_reads(main),
        "Measured (UTC)": text.day(main.created_at),
    }


def _splits_of(scene: Scene) -> dict[str, str]:
    """The splits that any of these was measured on, the chosen one first."""
    there = {split for standing in scene.standings for split in standing.by_split}
    ordered = sorted(SPLITS, key=lambda split: split != scene.split)
    return {split: SPLITS[split] for split in ordered if split in there}


def _state(standing: Standing) -> str:
    if standing.problem is not None:
        return "Cannot be used"
    state = standing.main.version_state
    return STATE_LABELS.get(state, state) if state else "Of several"


def _with_interval(summary: EvaluationSummary | None) -> str | None:
    if summary is None:
        return None
    top1 = summary.figures["top1"]
    return f"{text.percent(top1.value)} ({text.span(top1.low, top1.high)})"


def _test_reads(main: EvaluationSummary) -> int | None:
    """An ensemble looks at nothing: it is made of what its members said."""
    return main.test_reads if main.split == "test" and main.version_id is not None else None


def _percent(figure: Interval | None) -> float | None:
    return None if figure is None else 100 * figure.value


def _columns() -> Mapping[str, Any]:
    numbers = st.column_config.NumberColumn
    percents = {
        FIGURES[key].label: numbers(format="%.1f%%", help=FIGURES[key].text)
        for key in SECOND_FIGURES
    }
    return percents | {
        "Model": st.column_config.TextColumn(pinned=True),
        "Photos a second": numbers(
            format="%.0f", help="Through the network alone, on the machine that measured it."
        ),
        "Parameters": numbers(format="%.1f M"),
        "MACs": numbers(format="%.2f G", help="Multiplications and additions for one photo."),
        "File": numbers(format="%.1f MB"),
        "Looks at test": numbers(
            format="%d", help="An honest figure comes from looking at the test photos once."
        ),
    }


def _show_published() -> None:
    data_name = PUBLISHED[0].data_name
    st.subheader(f"For comparison: published on {data_name}", anchor=False)
    caption_with_csv(
        f"The figures that this project began with. They come from **another data set** "
        f"({data_name}), so they cannot be set against the table above row by row.",
        "published",
        lambda: exports.published_csv(PUBLISHED),
    )
    table = pd.DataFrame(
        {
            "Model": [row.model for row in PUBLISHED],
            "Data": [row.data_name for row in PUBLISHED],
            "Test": [100 * row.test_top1 for row in PUBLISHED],
        }
    )
    numbers = st.column_config.NumberColumn(format="%.2f%%")
    st.dataframe(table, hide_index=True, column_config={"Test": numbers}, width=420)


def _speed(summary: EvaluationSummary) -> float | None:
    return summary.images_per_s


def _megabytes(summary: EvaluationSummary) -> float | None:
    return summary.file_bytes and summary.file_bytes / 1e6


def _show_cost(scene: Scene, title: str, axis: str, cost: Cost) -> None:
    st.subheader(title, anchor=False)
    points = [
        charts.ModelPoint(standing.name, standing.main.figures["top1"], x)
        for standing in scene.standings
        if (x := cost(standing.main))
    ]
    if points:
        figure = charts.accuracy_against(points, axis=axis)
        st.plotly_chart(figure, config=charts.CONFIG, key=f"cost-{axis}")
    else:
        st.caption("Not measured.")
