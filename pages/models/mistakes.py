"""What a model takes for what, with the photos."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.services import evaluation_breakdown as breakdown
from core.services import evaluation_exports as exports
from core.services.evaluation_breakdown import ConfusionPair, PhotoCase
from pages.models.photos import show_photos
from pages.models.scene import Scene
from pages.ui import choices, text
from pages.ui.downloads import caption_with_csv, offer_csv

VIEW = "Mistakes"
MODEL_KEY = "model"  # the one that Mistakes and Certainty are about
MAX_PAIRS = 500
MAX_PHOTOS = 24
ALL_PHOTOS = 500
MAX_EXAMPLES = 6
TABLE_HEIGHT_PX = 460


def open_view(model: str, *, true: str | None = None) -> None:
    """Go to the mistakes of a model, of one category if it is named; for callbacks."""
    st.session_state["view"] = VIEW
    st.session_state[MODEL_KEY] = model
    _remember(true, None)


def show(scene: Scene) -> None:
    """Draw the pairs on the left, the photos of one on the right."""
    name = choices.choose("Model", scene.names, MODEL_KEY, width=2 * choices.WIDTH_PX)
    evaluation_id = scene.find(name).main.id
    pairs = breakdown.list_confusions(
        scene.context.engine,
        scene.context.settings,
        actor=scene.context.actor,
        evaluation_id=evaluation_id,
        narrowing=scene.narrowing,
        limit=breakdown.MAX_ROWS,
    )
    if not pairs:
        st.success("Every one of these photos was recognised.", icon=":material/check:")
        return
    left, right = st.columns([2, 3], gap="large")
    with left:
        _show_pairs(pairs)
    with right:
        _show_photos(scene, evaluation_id, pairs)


def _show_pairs(everything: Sequence[ConfusionPair]) -> None:
    pairs = everything[:MAX_PAIRS]
    st.subheader("Most often mixed up", anchor=False)
    st.dataframe(
        pd.DataFrame(
            {
                "Is": [text.leaf(pair.true) for pair in pairs],
                "Was taken for": [text.leaf(pair.predicted) for pair in pairs],
                "Photos": [pair.count for pair in pairs],
                "Share": [100 * pair.share for pair in pairs],
            }
        ),
        hide_index=True,
        height=min(TABLE_HEIGHT_PX, 38 + 35 * len(pairs)),
        column_config={
            "Share": st.column_config.NumberColumn(
                format="%.0f%%", help="Of all photos of the category that it is."
            )
        },
        on_select=lambda: _choose_pair(pairs),
        selection_mode="single-row",
        key="pairs",
    )
    caption_with_csv(
        f"{text.part(len(pairs), len(everything), 'pair')}. Select a row to see its photos.",
        "mistakes",
        lambda: exports.confusions_csv(everything),
    )


def _choose_pair(pairs: Sequence[ConfusionPair]) -> None:
    rows = st.session_state["pairs"]["selection"]["rows"]
    pair = pairs[rows[0]] if rows else None
    _remember(pair and pair.true, pair and pair.predicted)


def _remember(true: str | None, predicted: str | None) -> None:
    """Let the address name the pair; None leaves a part open."""
    for key, value in (("true", true), ("predicted", predicted)):
        if value is None:
            st.query_params.pop(key, None)
        else:
            st.query_params[key] = value


def _read_pair() -> tuple[str, str | None] | None:
    """Return what the address names."""
    true = st.query_params.get("true")
    return (true, st.query_params.get("predicted")) if true else None


def _show_photos(scene: Scene, evaluation_id: int, pairs: Sequence[ConfusionPair]) -> None:
    true, predicted = _read_pair() or (pairs[0].true, pairs[0].predicted)
    _show_title(true, predicted)
    everything = _list(scene, evaluation_id, true, predicted, breakdown.MAX_ROWS)
    cases = everything[:ALL_PHOTOS]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{text.part(len(cases), len(everything), 'photo')}, the surest mistakes first.",
            width="stretch",
        )
        is_long = len(cases) > MAX_PHOTOS
        shows_all = is_long and choices.switch(f"All {len(cases)}", "all")
        offer_csv("photos", lambda: exports.photos_csv(everything))
    show_photos(cases if shows_all else cases[:MAX_PHOTOS])
    if predicted is not None:
        _show_examples(scene, evaluation_id, predicted)


def _show_title(true: str, predicted: str | None) -> None:
    is_, said = text.plain(text.leaf(true)), text.plain(text.leaf(predicted or ""))
    title = f"{is_}, taken for {said}" if predicted else f"{is_}, not recognised"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(title, anchor=False, width="stretch")
        if predicted:
            st.button(
                f"All mistakes of {is_}",
                type="tertiary",
                on_click=_remember,
                args=(true, None),
                icon=":material/unfold_more:",
            )


def _show_examples(scene: Scene, evaluation_id: int, predicted: str) -> None:
    """What the wrong category looks like: often the label is wrong and not the model."""
    examples = _list(scene, evaluation_id, predicted, predicted, MAX_EXAMPLES)
    if examples:
        st.markdown(f"**Rightly recognised as {text.plain(text.leaf(predicted))}**")
        show_photos(examples)


def _list(
    scene: Scene, evaluation_id: int, true: str, predicted: str | None, limit: int
) -> tuple[PhotoCase, ...]:
    return breakdown.list_confused_photos(
        scene.context.engine,
        scene.context.settings,
        actor=scene.context.actor,
        evaluation_id=evaluation_id,
        true=true,
        predicted=predicted,
        limit=limit,
    )
