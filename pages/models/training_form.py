"""Asking for a training."""

import streamlit as st

from core.actors import PERMISSIONS, Actor
from core.errors import CatalogError, InvalidInputError
from core.model_names import model_name
from core.services import training_requests
from core.services.database import get_engine
from core.settings import get_settings
from core.training import DEFAULTS, PRESETS, TrainingRequest
from pages.ui import text

REVIEWED = "reviewed"
WEIGHTS = {
    "": "The recipe's own",
    "none": "Random",
    "package": "Packaged",
    "hub": "From the hub",
}
SOURCES = {"path": "Photos on this server", REVIEWED: "What was reviewed here"}


def offer(actor: Actor) -> None:
    """Draw the button, for those who may."""
    if "train" in PERMISSIONS.get(actor.role, ()) and st.button(
        "Train a model", icon=":material/model_training:"
    ):
        st.dialog("Train a model")(show_form)(actor)


def show_form(actor: Actor) -> None:
    """Draw what a training is asked for with."""
    arch = st.selectbox("Model", list(DEFAULTS), format_func=model_name)
    preset = st.selectbox(
        "How", list(PRESETS), format_func=lambda key: PRESETS[key].label, key="train-preset"
    )
    weights = _choose_weights(arch)
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
    wants_whole = _choose_whole(arch, preset, weights)
    if st.button("Start", type="primary", icon=":material/play_arrow:"):
        given = {"epochs": epochs and int(epochs), "weights": weights, "full": wants_whole}
        changes = {name: value for name, value in given.items() if value}
        data = REVIEWED if source == REVIEWED else path.strip()
        _start(actor, TrainingRequest(arch, data, preset, changes))


def _choose_weights(arch: str) -> str:
    """Offer what the network can begin with; its best recipe takes the pretrained ones it has."""
    return st.selectbox(
        "First weights",
        list(dict.fromkeys(("", "none", DEFAULTS[arch].weights))),
        format_func=lambda key: WEIGHTS[key],
        help="Random ones learn all from your photos. Packaged ones are installed with Catalens. "
        "Those from the hub are downloaded once: the worker must reach the internet.",
    )


def _choose_whole(arch: str, preset: str, weights: str) -> bool:
    """Return whether the recipe shall be changed to train more than the classifier."""
    always = _trains_whole(
        TrainingRequest(arch, "", preset, {"weights": weights} if weights else {})
    )
    ticked = st.checkbox(
        "Train the whole network",
        value=always,
        disabled=always,
        key=f"train-whole-{always}",
        help="Otherwise, where the worker has no GPU, a pretrained network learns its classifier "
        "alone: in minutes, not hours, but it is less often right.",
    )
    return ticked and not always


def _trains_whole(request: TrainingRequest) -> bool:
    """Return whether it does so wherever it runs."""
    try:
        recipe = request.resolve()
    except InvalidInputError:
        return False  # said when it is started
    return recipe.weights == "none" or bool(recipe.teacher or recipe.full)


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
