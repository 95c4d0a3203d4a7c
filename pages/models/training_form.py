"""Asking for a training."""

import streamlit as st

from core.actors import PERMISSIONS, Actor
from core.errors import CatalogError
from core.model_names import model_name
from core.services import training_requests
from core.services.database import get_engine
from core.settings import get_settings
from core.training import DEFAULTS, PRESETS, TrainingRequest
from pages.ui import text

REVIEWED = "reviewed"
SOURCES = {"path": "Photos on this server", REVIEWED: "What was reviewed here"}


def offer(actor: Actor) -> None:
    """Draw the button, for those who may."""
    if "train" in PERMISSIONS.get(actor.role, ()) and st.button(
        "Train a model", icon=":material/model_training:"
    ):
        _show_form(actor)


@st.dialog("Train a model")
def _show_form(actor: Actor) -> None:
    arch = st.selectbox("Model", list(DEFAULTS), format_func=model_name)
    preset = st.selectbox(
        "How", list(PRESETS), format_func=lambda key: PRESETS[key].label, key="train-preset"
    )
    source = st.radio("Data", list(SOURCES), format_func=lambda key: SOURCES[key], horizontal=True)
    path = st.text_input(
        "Path",
        placeholder="/data/photos",
        disabled=source == REVIEWED,
        help="A folder with one folder a category, a CSV or Parquet file, Grocery or Products-10K.",
    )
    epochs = st.number_input(
        "Epochs", min_value=1, value=None, placeholder="as the recipe says", key="train-epochs"
    )
    if st.button("Start", type="primary", icon=":material/play_arrow:"):
        changes = {} if epochs is None else {"epochs": int(epochs)}
        data = REVIEWED if source == REVIEWED else path.strip()
        _start(actor, TrainingRequest(arch, data, preset, changes))


def _start(actor: Actor, request: TrainingRequest) -> None:
    if not request.data:
        st.error("Say where the photos are: a folder or a file on this server.")
        return
    try:
        training_requests.start_training(get_engine(), get_settings(), actor=actor, request=request)
    except CatalogError as error:
        st.error(text.sentence(error), icon=":material/error:")
        return
    st.rerun()
