"""Plotly figures. Colours and fonts come from the app's theme."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import plotly.graph_objects as go

from core.evaluation import Interval
from core.evaluation.coverage import CoveragePoint
from core.evaluation.reliability import ReliabilityBin
from pages.ui import text

CONFIG = {"displayModeBar": False, "displaylogo": False}
ROW_HEIGHT_PX = 24
BINS = 60
MAX_LABEL_LETTERS = 30
MAX_DAY_TICKS = 10
BAR_MS = 17 * 60 * 60 * 1000  # of a day
MIN_DAYS = timedelta(days=13)  # a bar of one day is no wall
COLOURS = ("#1b929c", "#d98639", "#7d6fd6", "#c9587f", "#4c86c6", "#8a8f3c", "#8d6e63")
GREY = "#8895a0"  # all are clear on light and on dark
HEAT = ((0.0, "#e58a80"), (0.5, "#f0d58c"), (0.8, "#a5d0b4"), (1.0, "#56b3a8"))  # under dark ink


@dataclass(frozen=True, slots=True)
class ModelPoint:
    """A model in the comparison.

    Attributes:
        x: Its speed or size, above 0.
    """

    name: str
    accuracy: Interval
    x: float


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One row of a heat map; no accuracy where nothing was measured."""

    label: str
    detail: str
    accuracies: Sequence[Interval | None]


@dataclass(frozen=True, slots=True)
class Curve:
    """A training: one value an epoch; accuracies 0 to 1.

    Attributes:
        colour: Of ``COLOURS``, round and round.
    """

    name: str
    colour: int
    epochs: Sequence[int]
    losses: Sequence[float]
    accuracies: Sequence[float]


@dataclass(frozen=True, slots=True)
class Series:
    """A model's accuracy over time; ``colour`` as in ``Curve``."""

    name: str
    colour: int
    days: Sequence[date]
    accuracies: Sequence[Interval]
    counts: Sequence[int]


def accuracy_against(points: Sequence[ModelPoint], *, axis: str) -> go.Figure:
    """One dot a model with its interval: cost across (log), accuracy up."""
    figure = go.Figure()
    for number, point in enumerate(points):
        value, low, high = point.accuracy.value, point.accuracy.low, point.accuracy.high
        figure.add_scatter(
            x=[point.x],
            y=[value],
            error_y={"array": [high - value], "arrayminus": [value - low], "thickness": 1.5},
            name=point.name,
            mode="markers",
            marker={"size": 13, "color": _colour(number)},
            hovertemplate=(
                f"{point.name}<br>%{{y:.1%}} ({low:.1%} to {high:.1%})"
                f"<br>{axis}: %{{x:,.4~g}}<extra></extra>"
            ),
        )
    ticks = _log_ticks([point.x for point in points])
    figure.update_xaxes(
        title=axis, type="log", tickvals=ticks, ticktext=[f"{tick:,g}" for tick in ticks]
    )
    figure.update_yaxes(title="Accuracy", tickformat=".0%")
    if _span(points) < 0.05:  # plotly would put ticks between whole per cents, rounded alike
        figure.update_yaxes(dtick=0.01)
    return _finish(figure, height_px=340, legend=True)


def _span(points: Sequence[ModelPoint]) -> float:
    ends = [end for point in points for end in (point.accuracy.low, point.accuracy.high)]
    return max(ends, default=1.0) - min(ends, default=0.0)


def heat_map(rows: Sequence[HeatRow], columns: Sequence[str]) -> go.Figure:
    """Accuracy by row and model, the first row on top.

    Over each cell lies a point that can be selected: ``customdata`` is (row, column).
    """
    figure = go.Figure(
        go.Heatmap(
            z=[[each and each.value for each in row.accuracies] for row in rows],
            zmin=0,
            zmax=1,
            colorscale=HEAT,
            xgap=2,
            ygap=2,
            showscale=False,
            hoverinfo="skip",
        )
    )
    cells = [
        (column, at, found)
        for at, row in enumerate(rows)
        for column, found in enumerate(row.accuracies)
        if found is not None
    ]
    figure.add_scatter(
        x=[column for column, _, _ in cells],
        y=[at for _, at, _ in cells],
        text=[f"{found.value:.0%}" for _, _, found in cells],
        mode="markers+text",
        marker={"size": ROW_HEIGHT_PX, "symbol": "square", "opacity": 0},
        textfont={"color": "#10171d", "size": 11},
        customdata=[[at, column] for column, at, _ in cells],
        hovertext=[_hover(rows[at], columns[column], found) for column, at, found in cells],
        hovertemplate="%{hovertext}<extra></extra>",
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
    )
    figure.update_xaxes(
        side="top",
        range=[-0.5, len(columns) - 0.5],
        tickvals=list(range(len(columns))),
        ticktext=list(map(_in_lines, columns)),
    )
    figure.update_yaxes(
        range=[len(rows) - 0.5, -0.5],
        tickvals=list(range(len(rows))),
        ticktext=[short(row.label) for row in rows],
    )
    figure.update_layout(dragmode=False, clickmode="event+select")
    figure.update_xaxes(showgrid=False, zeroline=False, fixedrange=True)
    figure.update_yaxes(showgrid=False, zeroline=False, fixedrange=True)
    return _finish(figure, height_px=70 + ROW_HEIGHT_PX * len(rows), legend=False)


def _hover(row: HeatRow, column: str, found: Interval) -> str:
    accuracy = text.percent(found.value, digits=0)
    return f"{row.detail}<br>{column}: {accuracy} ({text.span(found.low, found.high, digits=0)})"


def reliability(before: Sequence[ReliabilityBin], after: Sequence[ReliabilityBin]) -> go.Figure:
    """Said against true, before and after calibration; a larger dot holds more photos."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", name="Perfect", line={"dash": "dot", "color": GREY}
    )
    for name, bins, colour in (
        ("Before calibration", before, COLOURS[1]),
        ("After calibration", after, COLOURS[0]),
    ):
        most = max((each.count for each in bins), default=1)
        figure.add_scatter(
            x=[each.confidence for each in bins],
            y=[each.accuracy for each in bins],
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 1.5},
            marker={"size": [6 + 16 * (each.count / most) ** 0.5 for each in bins]},
            customdata=[each.count for each in bins],
            hovertemplate=(
                "%{x:.0%} sure, right in %{y:.1%}<br>%{customdata:,} photos<extra></extra>"
            ),
        )
    figure.update_xaxes(title="How sure it says it is", tickformat=".0%", range=[0, 1.03])
    figure.update_yaxes(title="How often it is right", tickformat=".0%", range=[0, 1.03])
    return _finish(figure, height_px=380, legend=True)


def coverage_risk(
    curves: Sequence[tuple[str, Sequence[CoveragePoint]]], *, target: float
) -> go.Figure:
    """Share of photos accepted alone (across) against the share of these that is wrong (up)."""
    figure = go.Figure()
    for number, (name, points) in enumerate(curves):
        figure.add_scatter(
            x=[point.coverage for point in points],
            y=[1 - point.accuracy for point in points],
            name=name,
            mode="lines",
            line={"color": _colour(number), "width": 2},
            customdata=[point.threshold for point in points],
            hovertemplate=(
                f"{name}<br>%{{x:.0%}} of photos, %{{y:.1%}} of them wrong"
                "<br>at least %{customdata:.1%} sure<extra></extra>"
            ),
        )
    figure.add_hline(
        y=1 - target,
        line={"dash": "dot", "color": GREY},
        annotation_text=f"{1 - target:.1%} wrong",
        annotation_font_color=GREY,
    )
    figure.update_xaxes(title="Accepted without a person", tickformat=".0%", range=[0, 1.01])
    figure.update_yaxes(title="Wrong among those", tickformat=".0%", rangemode="tozero")
    return _finish(figure, height_px=380, legend=True)


def training_losses(curves: Sequence[Curve]) -> go.Figure:
    """Loss by epoch."""
    figure = go.Figure()
    for curve in curves:
        _add_curve(figure, curve, curve.losses, "loss %{y:.3f}")
    figure.update_yaxes(title="Loss", rangemode="tozero")
    return _finish_training(figure, curves)


def training_accuracies(curves: Sequence[Curve]) -> go.Figure:
    """Validation accuracy by epoch."""
    figure = go.Figure()
    for curve in curves:
        _add_curve(figure, curve, curve.accuracies, "%{y:.1%} of validation")
    figure.update_yaxes(title="Validation accuracy", tickformat=".0%", rangemode="tozero")
    return _finish_training(figure, curves)


def accuracy_over_time(series: Sequence[Series]) -> go.Figure:
    """One line a model, with intervals; several listings a point."""
    figure = go.Figure()
    for each in series:
        values = [interval.value for interval in each.accuracies]
        figure.add_scatter(
            x=list(each.days),
            y=values,
            error_y={
                "array": [interval.high - interval.value for interval in each.accuracies],
                "arrayminus": [interval.value - interval.low for interval in each.accuracies],
                "thickness": 1,
            },
            name=each.name,
            mode="lines+markers",
            line={"color": _colour(each.colour)},
            customdata=list(each.counts),
            hovertemplate=(
                f"{each.name}<br>from %{{x|%-d %b %Y}}: %{{y:.1%}}"
                "<br>%{customdata:,} listings<extra></extra>"
            ),
        )
    figure.update_yaxes(title="As people decided", tickformat=".0%", range=[0, 1.03])
    days = sorted({day for each in series for day in each.days})
    figure.update_xaxes(tickformat="%-d %b %Y", tickvals=days[:: 1 + len(days) // MAX_DAY_TICKS])
    return _finish(figure, height_px=360, legend=True)


def count_by_day(counts: Sequence[tuple[str, Mapping[date, int]]]) -> go.Figure:
    """Bars a day, one colour a name, one on the other."""
    figure = go.Figure()
    for number, (name, days) in enumerate(counts):
        figure.add_bar(
            x=list(days),
            y=list(days.values()),
            width=BAR_MS,
            name=name,
            marker={"color": _colour(number)},
            hovertemplate=f"{name}<br>%{{x|%-d %b %Y}}: %{{y:,}}<extra></extra>",
        )
    shown = sorted({day for _, days in counts for day in days})
    ticks = shown[:: 1 + len(shown) // MAX_DAY_TICKS]
    figure.update_xaxes(tickformat="%-d %b %Y", tickvals=ticks, fixedrange=True)
    if shown:
        first = min(shown[0], shown[-1] - MIN_DAYS)
        margin = timedelta(hours=18)
        start, end = (datetime.combine(day, time.min) for day in (first, shown[-1]))
        figure.update_xaxes(range=[start - margin, end + margin])
    figure.update_yaxes(rangemode="tozero", fixedrange=True)
    figure.update_layout(barmode="stack")
    return _finish(figure, height_px=280, legend=len(counts) > 1)


def right_and_wrong(parts: Sequence[tuple[str, int]]) -> go.Figure:
    """One bar of a whole, split into parts."""
    colours = (GREY, COLOURS[0], COLOURS[1], "#b0443f")
    figure = go.Figure()
    for (name, count), colour in zip(parts, colours, strict=True):
        figure.add_bar(
            x=[count],
            y=[""],
            name=name,
            orientation="h",
            text=[f"{count:,}"],
            textposition="inside",
            insidetextanchor="middle",
            marker={"color": colour},
            hovertemplate=f"{name}: {count:,}<extra></extra>",
        )
    figure.update_layout(barmode="stack", legend_traceorder="normal")
    whole = sum(count for _, count in parts)
    figure.update_xaxes(visible=False, fixedrange=True, range=[0, whole])
    figure.update_yaxes(visible=False, fixedrange=True)
    return _finish(figure, height_px=130, legend=True)


def distribution(
    within: Sequence[float],
    beyond: Sequence[float],
    *,
    limit: float,
    in_force: float,
    axis: str,
) -> go.Figure:
    """How often each value occurs; what lies beyond the limit stands out.

    Args:
        within: Values on the good side of the limit; with ``beyond`` at least one.
        in_force: The limit that holds; drawn where it is another.
    """
    values = [*within, *beyond]
    step = (max(values) - min(values)) / BINS or 1.0
    figure = go.Figure()
    for name, part, colour in (("passes", within, GREY), ("flagged", beyond, COLOURS[1])):
        figure.add_histogram(
            x=part,
            name=name,
            xbins={"start": limit - 1000 * step, "size": step},  # no bar on both sides
            marker={"color": colour},
            hovertemplate=f"%{{x}}: %{{y:,}} photos, {name}<extra></extra>",
        )
    figure.add_vline(x=limit, line={"color": COLOURS[1], "width": 2})
    if in_force != limit:
        figure.add_vline(x=in_force, line={"color": GREY, "width": 1, "dash": "dot"})
    figure.update_layout(barmode="stack", bargap=0.03)
    figure.update_xaxes(title=axis, fixedrange=True)
    figure.update_yaxes(title="Photos", fixedrange=True)
    return _finish(figure, height_px=260, legend=True)


def short(label: str) -> str:
    """Return the last name of a category path, cut to ``MAX_LABEL_LETTERS``."""
    name = text.leaf(label)
    return name if len(name) <= MAX_LABEL_LETTERS else f"{name[: MAX_LABEL_LETTERS - 1]}…"


def _add_curve(figure: go.Figure, curve: Curve, values: Sequence[float], words: str) -> None:
    figure.add_scatter(
        x=list(curve.epochs),
        y=list(values),
        name=curve.name,
        mode="lines+markers",
        line={"color": _colour(curve.colour), "width": 2},
        marker={"size": 5},
        hovertemplate=f"{curve.name}<br>epoch %{{x}}: {words}<extra></extra>",
    )


def _finish_training(figure: go.Figure, curves: Sequence[Curve]) -> go.Figure:
    longest = max((len(curve.epochs) for curve in curves), default=1)
    figure.update_xaxes(title="Epoch", dtick=max(1, longest // 8), rangemode="tozero")
    return _finish(figure, height_px=300, legend=len(curves) > 1)


def _finish(figure: go.Figure, *, height_px: int, legend: bool) -> go.Figure:
    figure.update_layout(
        height=height_px,
        colorway=COLOURS,
        showlegend=legend,
        margin={"l": 8, "r": 8, "t": 24, "b": 8},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hoverlabel={"namelength": -1},
    )
    return figure


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _log_ticks(values: Sequence[float]) -> list[float]:
    """Return 1, 2 and 5 of each power of ten round the values, which are above 0."""
    powers = range(math.floor(math.log10(min(values))), math.ceil(math.log10(max(values))) + 1)
    return [digit * 10.0**power for power in powers for digit in (1, 2, 5)]


def _in_lines(name: str) -> str:
    """Break before the last word: the digest of a version goes under its name."""
    return "<br>".join(name.rsplit(" ", 1))
