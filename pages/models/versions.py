"""Versions beside their evaluations: those with a problem, and those nobody measured."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from core.services import evaluation_exports as exports
from core.services import standings
from core.services.models import ModelVersion
from pages.models.scene import Scene
from pages.ui import text
from pages.ui.downloads import caption_with_csv

STATE_LABELS = {"active": "In use", "candidate": "Candidate", "retired": "Retired"}
RECORDED = {split: standings.SPLITS[split] for split in exports.RECORDED_SPLITS}


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
    caption_with_csv(
        "As each training recorded it at its end, on photos of its own choice.",
        "trainings",
        lambda: exports.trainings_csv(versions),
    )


def _row(version: ModelVersion) -> Mapping[str, object]:
    return {
        "Id": version.id,
        "Model": _name(version),
        "State": STATE_LABELS.get(version.state, version.state),
        **{label: _percent(version.recorded_top1(split)) for split, label in RECORDED.items()},
        "Categories": version.label_count,
        "File": text.size(version.file_bytes),
        "Trained (UTC)": text.day(version.created_at),
    }


def _name(version: ModelVersion) -> str:
    return f"{version.name} {version.digest[:8]}"


def _percent(top1: float | None) -> float | None:
    return None if top1 is None else 100 * top1
