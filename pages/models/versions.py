"""Versions beside their evaluations: those with a problem, and those nobody measured."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.services import standings
from core.services.models import ModelVersion
from pages.models.scene import Scene
from pages.ui import text

STATE_LABELS = {"active": "In use", "candidate": "Candidate", "retired": "Retired"}
RECORDED = {"train": "Train", "validation": "Validation", "test": "Test"}


def show_problems(versions: Sequence[ModelVersion]) -> None:
    """Name the versions that cannot be used."""
    for version in versions:
        if version.problem is not None:
            st.error(
                f"{_name(version)} cannot be used, the others go on: {text.plain(version.problem)}",
                icon=":material/error:",
            )


def show_unmeasured(scene: Scene) -> None:
    """Name the versions that are missing from the comparison, and how to get them in."""
    missing = standings.list_unmeasured(
        scene.context.engine, actor=scene.context.actor, standings=scene.standings
    )
    if not missing:
        return
    number = text.count(len(missing), "version")
    with st.expander(f"{number} not in this comparison", icon=":material/pending:"):
        st.markdown(
            "They were left out by the filters, or were never measured on these photos. "
            "To measure one:"
        )
        st.code(f"catalens evaluate --model {missing[0].id} --data PATH/TO/photos", language=None)
        show_training_records(missing)


def show_training_records(versions: Sequence[ModelVersion]) -> None:
    """Draw what each training said of itself at its end."""
    st.dataframe(
        pd.DataFrame([_row(version) for version in versions]),
        hide_index=True,
        column_config=dict.fromkeys(
            RECORDED.values(), st.column_config.NumberColumn(format="%.1f%%")
        ),
    )
    st.caption("As each training recorded it at its end, on photos of its own choice.")


def _row(version: ModelVersion) -> Mapping[str, object]:
    return {
        "Id": version.id,
        "Model": _name(version),
        "State": STATE_LABELS.get(version.state, version.state),
        **{label: _top1(version.metrics, split) for split, label in RECORDED.items()},
        "Categories": version.label_count,
        "File": text.size(version.file_bytes),
        "Trained (UTC)": text.day(version.created_at),
    }


def _name(version: ModelVersion) -> str:
    return f"{version.name} {version.digest[:8]}"


def _top1(metrics: Mapping[str, Any], split: str) -> float | None:
    found = metrics.get("splits", {}).get(split)
    return 100 * found["top1"] if found else None
