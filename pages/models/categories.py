"""Which categories each model knows: a heat map of some, a table of all."""

from collections.abc import Sequence

import streamlit as st

from core.services import evaluation_breakdown as breakdown
from core.services import evaluation_exports as exports
from core.services.evaluation_breakdown import LEVELS, ORDERS, CategoryTable, Level, Order
from core.services.standings import Standing
from pages.models import mistakes
from pages.models.scene import Scene
from pages.ui import charts, choices, text
from pages.ui.downloads import caption_with_csv

ROWS = ("20", "50", "100")
MAX_COLUMNS = 8

ORDER_OF_LABEL: dict[str, Order] = {label: order for order, label in ORDERS.items()}
LEVEL_OF_LABEL: dict[str, Level] = {label: level for level, label in LEVELS.items()}


def show(scene: Scene) -> None:
    """Draw the choices and the heat map."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        levels = list(LEVEL_OF_LABEL) if scene.has_groups else [LEVELS["category"]]
        level = LEVEL_OF_LABEL[choices.choose("Show", levels, "level")]
        order = ORDER_OF_LABEL[choices.choose("Order", list(ORDER_OF_LABEL), "order", width=260)]
        rows = int(choices.choose("At most", ROWS, "rows", width=100))
    table = _compare(scene, scene.standings[:MAX_COLUMNS], level, order, rows)
    _show_caption(scene, table, level, order)
    st.plotly_chart(
        charts.heat_map([_heat_row(row) for row in table.rows], _columns(scene)),
        config=charts.CONFIG,
        on_select=lambda: _open_cell(scene, table, level),
        selection_mode="points",
        key="heat-map",
    )


def _compare(
    scene: Scene, standings: Sequence[Standing], level: Level, order: Order, limit: int
) -> CategoryTable:
    return breakdown.compare_categories(
        scene.context.engine,
        scene.context.settings,
        actor=scene.context.actor,
        evaluation_ids=[standing.main.id for standing in standings],
        narrowing=scene.narrowing,
        level=level,
        order=order,
        limit=limit,
    )


def _show_caption(scene: Scene, table: CategoryTable, level: Level, order: Order) -> None:
    names = {standing.main.id: standing.name for standing in scene.standings}
    kind = LEVELS[level].lower()
    columns = text.part(len(table.evaluation_ids), len(names), "model")
    caption_with_csv(
        f"{len(table.rows):,} of {table.total:,} {kind}, {columns}; all are in the CSV. Find "
        "others by the words above; point at a figure for its 95% confidence interval, click it to "
        "see the photos behind it.",
        kind,
        lambda: exports.categories_csv(
            _compare(scene, scene.standings, level, order, breakdown.MAX_ROWS), names
        ),
    )


def _columns(scene: Scene) -> list[str]:
    return scene.names[:MAX_COLUMNS]


def _heat_row(row: breakdown.CategoryRow) -> charts.HeatRow:
    detail = f"{row.category}, {text.count(row.pictures, 'photo')}"
    accuracies = [each.share if each else None for each in row.accuracies]
    return charts.HeatRow(row.category, detail, accuracies)


def _open_cell(scene: Scene, table: CategoryTable, level: Level) -> None:
    points = st.session_state["heat-map"]["selection"]["points"]
    if not points:
        return
    row, column = points[0]["customdata"]
    name = table.rows[row].category
    if level == "group":
        st.session_state["group"] = name
        mistakes.open_view(scene.names[column])
    else:
        mistakes.open_view(scene.names[column], true=name)
