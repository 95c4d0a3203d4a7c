"""Model versions: accuracy, speed, size, and where each goes wrong."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.actors import Actor
from core.services import models
from core.services.database import get_engine
from core.services.models import ModelVersion
from pages.ui import charts, jobs, text

SPLITS = {"train": "Train", "validation": "Validation", "test": "Test"}
STATE_LABELS = {"active": "In use", "candidate": "Candidate", "retired": "Retired"}
WORST_CATEGORIES = 30

PERCENT = "%.1f%%"


def render(actor: Actor) -> None:
    """Draw the table of versions, then one of them in detail."""
    st.title("Models")
    jobs.show(actor, kind="training")
    versions = models.list_versions(get_engine(), actor=actor)
    if not versions:
        _show_none()
        return
    _show_problems(versions)
    st.dataframe(_table(versions), hide_index=True, column_config=_columns())
    _show_comparison(versions)
    _show_detail(versions)


def _show_none() -> None:
    st.info(
        "No model has been trained yet. Start with the sample catalog on the first page, or "
        "train on photos of your own that are sorted into one folder a category:",
        icon=":material/network_node:",
    )
    st.code(
        "catalens train --arch custom_cnn --data PATH/TO/photos\n"
        "catalens train --arch resnet50 --data PATH/TO/photos\n"
        "catalens train --arch vit --data PATH/TO/photos",
        language="bash",
    )


def _show_problems(versions: Sequence[ModelVersion]) -> None:
    for version in versions:
        if version.problem is not None:
            st.error(
                f"{_name(version)} cannot be used, the others go on: {version.problem}",
                icon=":material/error:",
            )


def _table(versions: Sequence[ModelVersion]) -> pd.DataFrame:
    rows = [
        {
            "Model": version.name,
            "Version": version.digest[:8],
            "State": STATE_LABELS.get(version.state, version.state),
            **{label: _percent(_top1(version, split)) for split, label in SPLITS.items()},
            "Photos a second": version.metrics.get("images_per_s"),
            "Calibration error": _percent(_figure(version, "ece", "after")),
            "Parameters": version.parameters / 1e6,
            "File": text.size(version.file_bytes),
            "Categories": version.label_count,
            "Trained (UTC)": text.day(version.created_at),
        }
        for version in versions
    ]
    return pd.DataFrame(rows)


def _columns() -> Mapping[str, Any]:
    numbers = st.column_config.NumberColumn
    return dict.fromkeys(SPLITS.values(), numbers(format=PERCENT)) | {
        "Photos a second": numbers(
            format="%.0f", help="Through the network alone, on the machine it was trained on."
        ),
        "Calibration error": numbers(
            format=PERCENT,
            help="How far stated probabilities are from how often they hold, after calibration.",
        ),
        "Parameters": numbers(format="%.1f M"),
    }


def _show_comparison(versions: Sequence[ModelVersion]) -> None:
    measured = [version for version in versions if version.state == "active"] or versions
    points = [
        charts.ModelPoint(
            name=version.name,
            accuracy=_best_split(version)[1],
            images_per_s=version.metrics.get("images_per_s", 0.0),
            megabytes=version.file_bytes / 1e6,
        )
        for version in measured
    ]
    st.subheader("Accuracy against speed", anchor=False)
    st.caption("Up is better, right is faster; a larger dot is a larger file.")
    st.plotly_chart(charts.accuracy_against_speed(points), config=charts.CONFIG)


def _show_detail(versions: Sequence[ModelVersion]) -> None:
    names = {version.id: _name(version) for version in versions}
    st.subheader("One model in detail", anchor=False)
    chosen = st.segmented_control(
        "Model",
        list(names),
        default=versions[0].id,
        format_func=lambda id_: names[id_],
        label_visibility="collapsed",
        required=True,
    )
    version = next(version for version in versions if version.id == chosen)
    split = _best_split(version)[0]
    left, right = st.columns(2, gap="large")
    with left:
        _show_categories(version, split)
    with right:
        _show_confusions(version, split)
        _show_curve(version)


def _show_categories(version: ModelVersion, split: str) -> None:
    st.markdown(f"**Accuracy by category** · {SPLITS.get(split, split)}")
    rows = version.metrics.get("per_category", [])
    words = st.text_input(
        "Find a category", placeholder="Find a category", label_visibility="collapsed"
    )
    found = [row for row in rows if words.casefold() in row["category"].casefold()]
    worst = sorted(found, key=lambda row: (row["accuracy"], -row["count"]))[:WORST_CATEGORIES]
    if not worst:
        st.caption("No category of this model has these words." if rows else "Not measured.")
        return
    if len(found) > len(worst):
        st.caption(f"The {len(worst)} least accurate of {len(found)}; type to find others.")
    bars = [charts.Bar(row["category"], row["accuracy"], row["count"]) for row in worst]
    st.plotly_chart(charts.category_bars(bars), config=charts.CONFIG)


def _show_confusions(version: ModelVersion, split: str) -> None:
    st.markdown(f"**Most often mixed up** · {SPLITS.get(split, split)}")
    rows = version.metrics.get("confusions", [])
    if not rows:
        st.caption("Nothing was mixed up." if version.metrics.get("splits") else "Not measured.")
        return
    st.dataframe(
        pd.DataFrame(
            {
                "Is": [text.leaf(row["true"]) for row in rows],
                "Was taken for": [text.leaf(row["predicted"]) for row in rows],
                "Times": [row["count"] for row in rows],
            }
        ),
        hide_index=True,
        height=320,
    )


def _show_curve(version: ModelVersion) -> None:
    curve = version.metrics.get("curve", [])
    if len(curve) < 2:
        return
    st.markdown("**Training**")
    st.plotly_chart(
        charts.training_curve(
            epochs=[point["epoch"] for point in curve],
            losses=[point["loss"] for point in curve],
            accuracies=[point["val_top1"] for point in curve],
        ),
        config=charts.CONFIG,
    )


def _name(version: ModelVersion) -> str:
    return f"{version.name} {version.digest[:8]}"


def _top1(version: ModelVersion, split: str) -> float | None:
    return _figure(version, "splits", split, "top1")


def _figure(version: ModelVersion, *path: str) -> float | None:
    """Return a figure from inside the metrics, None where it was not measured."""
    found: Any = version.metrics
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return None if found is None else float(found)


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _best_split(version: ModelVersion) -> tuple[str, float]:
    """The test split where there is one, else validation, with its accuracy."""
    for split in ("test", "validation"):
        accuracy = _top1(version, split)
        if accuracy is not None:
            return split, accuracy
    return "validation", 0.0
