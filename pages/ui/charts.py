"""Plotly figures. Colours and fonts come from the app's theme."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from pages.ui import text

CONFIG = {"displayModeBar": False, "displaylogo": False}
BAR_HEIGHT_PX = 20
MAX_LABEL_LETTERS = 28
COLOURS = ("#1b929c", "#d98639", "#7d6fd6", "#c9587f", "#4c86c6")  # clear on light and on dark


@dataclass(frozen=True, slots=True)
class ModelPoint:
    """A model in the comparison; accuracy 0 to 1."""

    name: str
    accuracy: float
    images_per_s: float
    megabytes: float


@dataclass(frozen=True, slots=True)
class Bar:
    """Accuracy of one category, 0 to 1, on ``count`` pictures."""

    category: str
    accuracy: float
    count: int


def accuracy_against_speed(points: Sequence[ModelPoint]) -> go.Figure:
    """One dot a model: speed across (log), accuracy up, area by file size."""
    largest = max(point.megabytes for point in points) or 1.0
    figure = go.Figure()
    for point in points:
        figure.add_scatter(
            x=[point.images_per_s],
            y=[point.accuracy],
            name=point.name,
            text=[point.name],
            mode="markers+text",
            textposition="top center",
            marker={"size": 14 + 34 * (point.megabytes / largest) ** 0.5, "opacity": 0.85},
            hovertemplate=(
                f"{point.name}<br>%{{y:.1%}} accurate<br>%{{x:.0f}} photos a second"
                f"<br>{point.megabytes:.1f} MB<extra></extra>"
            ),
            cliponaxis=False,
        )
    figure.update_xaxes(title="Photos a second", type="log", dtick=1)
    figure.update_yaxes(title="Accuracy", tickformat=".0%", rangemode="normal")
    return _finish(figure, height_px=340, legend=False)


def category_bars(bars: Sequence[Bar]) -> go.Figure:
    """Horizontal bars, the first on top."""
    labels = [_short(text.leaf(bar.category)) for bar in bars]
    figure = go.Figure(
        go.Bar(
            x=[bar.accuracy for bar in bars],
            y=list(range(len(bars))),
            orientation="h",
            customdata=[[bar.category, bar.count] for bar in bars],
            hovertemplate=(
                "%{customdata[0]}<br>%{x:.1%} of %{customdata[1]} pictures<extra></extra>"
            ),
        )
    )
    figure.update_xaxes(range=[0, 1], tickformat=".0%", side="top")
    figure.update_yaxes(autorange="reversed", tickvals=list(range(len(bars))), ticktext=labels)
    return _finish(figure, height_px=60 + BAR_HEIGHT_PX * len(bars), legend=False)


def training_curve(
    *, epochs: Sequence[int], losses: Sequence[float], accuracies: Sequence[float]
) -> go.Figure:
    """Loss (left) and validation accuracy (right) by epoch."""
    figure = go.Figure()
    figure.add_scatter(x=epochs, y=losses, name="Loss", mode="lines+markers")
    figure.add_scatter(
        x=epochs, y=accuracies, name="Validation accuracy", mode="lines+markers", yaxis="y2"
    )
    figure.update_xaxes(title="Epoch", dtick=max(1, len(epochs) // 8))
    figure.update_layout(
        yaxis={"title": "Loss", "rangemode": "tozero"},
        yaxis2={
            "title": "Accuracy",
            "overlaying": "y",
            "side": "right",
            "tickformat": ".0%",
            "range": [0, 1],
            "showgrid": False,
        },
    )
    return _finish(figure, height_px=300, legend=True)


def _finish(figure: go.Figure, *, height_px: int, legend: bool) -> go.Figure:
    figure.update_layout(
        height=height_px,
        colorway=COLOURS,
        showlegend=legend,
        margin={"l": 8, "r": 8, "t": 24, "b": 8},
        legend={"orientation": "h", "y": 1.12, "x": 0},
    )
    return figure


def _short(label: str) -> str:
    return label if len(label) <= MAX_LABEL_LETTERS else f"{label[: MAX_LABEL_LETTERS - 1]}…"
