"""The networks compared as embedders: how well they find photos of the same product."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from core.services import evaluation_exports as exports
from core.services.retrievals import EmbedderStanding, list_embedders
from pages.models.scene import Scene
from pages.ui import text
from pages.ui.downloads import caption_with_csv


def show(scene: Scene) -> None:
    """Draw the table of the versions that the filters leave, or how to get one."""
    st.subheader("Finding photos of the same product", anchor=False)
    context = scene.context
    measured = list_embedders(context.engine, actor=context.actor, data_name=scene.data_name)
    found = [each for each in measured if each.version_id not in scene.hidden_ids]
    if not found:
        of_them = " of the models that the filters leave" if measured else ""
        st.caption(f"Not measured on this data set yet{of_them}. To measure the models in use:")
        st.code("catalens compare-embedders --data PATH/TO/photos", language=None)
        return
    st.dataframe(
        pd.DataFrame([_row(each) for each in found]),
        hide_index=True,
        placeholder="",
        column_config={
            "Nearest is right": st.column_config.NumberColumn(
                format="%.1f%%",
                help="Recall@1: the nearest train photo shows the same product.",
            ),
            "mAP": st.column_config.NumberColumn(
                format="%.1f%%",
                help="Mean average precision: 100% where all of the product come first.",
            ),
        },
    )
    sizes = {(each.queries, each.pictures) for each in found}
    sought, among = max(sizes)
    caption_with_csv(
        f"{text.count(sought, 'test photo')} sought among {text.count(among, 'train photo')}, "
        "by the features before the classifier." + _whole(scene),
        "embedders",
        lambda: exports.embedders_csv(found),
    )


def _whole(scene: Scene) -> str:
    return "" if scene.narrowing.is_open else " All of them, whatever the category."


def _row(each: EmbedderStanding) -> Mapping[str, object]:
    return {
        "Model": each.name,
        "Id": each.version_id,
        "Nearest is right": 100 * each.recall_at_1,
        "mAP": 100 * each.mean_precision,
        "Numbers a photo": each.dimensions,
    }
