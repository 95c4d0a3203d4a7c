"""The review queue: filters here, everything else in one component."""

import streamlit as st

from core.actors import Actor
from core.flags import FLAG_KINDS
from core.services import dashboard
from core.services.database import get_engine
from core.services.review import REVIEW_STATES
from core.services.states import ListingState
from pages.ui import components, links

_workstation = components.load("review")

ANY = "any"
FILTER_WIDTH_PX = 170  # two beside each other on a phone


def render(actor: Actor) -> None:
    """Draw the filters and the workstation; the address says what is shown."""
    filters = _show_filters(actor)
    data = {"filters": filters, "listing": links.read_id("listing"), "user": actor.id}
    _workstation(key="review", data=data)


def _show_filters(actor: Actor) -> dict[str, object]:
    """Draw the filters, started from the address; return those that are set."""
    with st.container(horizontal=True):
        batch_id = _choose_batch(actor)
        states = {key.value: label for key, label in REVIEW_STATES.items()}
        state_key = _choose("Show", states, "state")
        kinds = {ANY: "All flags"} | {key: kind.label for key, kind in FLAG_KINDS.items()}
        flag_key = _choose("Flag", kinds, "flag")
        category_id = _choose_category(actor, batch_id)
    chosen = {
        "batch": batch_id,
        "state": None if state_key == ListingState.NEEDS_REVIEW else state_key,
        "flag": None if flag_key == ANY else flag_key,
        "category": category_id,
    }
    links.write(**chosen, listing=links.read_id("listing"))
    return {name: value for name, value in chosen.items() if value is not None}


def _choose(label: str, options: dict[str, str], parameter: str) -> str:
    """A select box that starts where the address says, if that is an option."""
    keys = list(options)
    wanted = st.query_params.get(parameter)
    return st.selectbox(
        label,
        keys,
        index=keys.index(wanted) if wanted in options else 0,
        format_func=lambda key: options.get(key, key),
        key=f"review-{parameter}",
        on_change=_forget_listing,
        label_visibility="collapsed",
        width=FILTER_WIDTH_PX,
    )


def _choose_batch(actor: Actor) -> int | None:
    names = dashboard.list_batch_names(get_engine(), actor=actor)
    options = {ANY: "All batches"} | {str(id_): name for id_, name in names.items()}
    return _as_id(_choose("Batch", options, "batch"))


def _choose_category(actor: Actor, batch_id: int | None) -> int | None:
    found = dashboard.list_suggested_categories(get_engine(), actor=actor, batch_id=batch_id)
    options = {ANY: "All categories"} | {str(category.id): category.path for category in found}
    return _as_id(_choose("Suggested category", options, "category"))


def _as_id(key: str) -> int | None:
    return None if key == ANY else int(key)


def _forget_listing() -> None:
    """A new filter starts its own queue."""
    st.query_params.pop("listing", None)
