"""The first page: three ways in, and later an overview."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.actors import Actor, may
from core.services import dashboard, sample
from core.services.dashboard import BatchSummary, Overview
from core.services.database import get_engine
from core.services.states import ListingState
from core.settings import get_settings
from pages.ui import jobs, links, people, text

RECENT_BATCHES = 6
METRIC_WIDTH_PX = 170  # two beside each other on a phone

PRODUCTS_10K = """
Products-10K holds about 190,000 photos of 10,000 products in 360 groups.

1. Get the archives from [products-10k.github.io](https://products-10k.github.io/) (free for
   research; read its terms) and unpack them into one folder.
2. Train the three models on it; each is put to use when it is done:
   ```
   catalens train --arch custom_cnn --data PATH/TO/products-10k
   catalens train --arch resnet50 --data PATH/TO/products-10k
   catalens train --arch vit --data PATH/TO/products-10k
   ```
3. Bring in its test photos, or your own, as a batch:
   ```
   catalens import PATH/TO/photos --batch "Products-10K test"
   ```
"""


def render(actor: Actor) -> None:
    """Draw the three ways in while there is nothing, else what stands where."""
    overview = dashboard.get_overview(get_engine(), actor=actor)
    if overview.is_empty:
        _show_welcome(actor)
    else:
        _show_overview(actor, overview)
    if not get_settings().has_accounts:
        st.caption(people.NO_ACCOUNTS)


def _show_welcome(actor: Actor) -> None:
    st.title("Welcome to Catalens")
    st.markdown(
        "Photos in, categories out: three models look at every product photo, doubtful ones "
        "are flagged, and you decide on the rest with one key each. Choose how to begin."
    )
    preparing = jobs.show(actor)
    first, second, third = st.columns(3)
    with _card(first):
        _offer_sample(actor, disabled=preparing)
    with _card(second):
        _offer_upload()
    with _card(third):
        _offer_products_10k()


def _card(column: DeltaGenerator) -> DeltaGenerator:
    """A frame as high as its neighbours, with its button at the bottom."""
    return column.container(border=True, height="stretch", vertical_alignment="distribute")


def _introduce(title: str, words: str) -> None:
    with st.container():
        st.subheader(title, anchor=False)
        st.markdown(words)


def _offer_sample(actor: Actor, *, disabled: bool) -> None:
    _introduce(
        "Look around first",
        "A small catalog of 720 drawn product pictures in 12 categories, some with faults put "
        "in on purpose. The three models are trained on it while you watch, in about five minutes.",
    )
    if st.button(
        "Start with the sample catalog",
        type="primary",
        icon=":material/auto_awesome:",
        disabled=disabled or not may(actor, "train"),
        help=None if may(actor, "train") else "A manager can start it.",
        width="stretch",
    ):
        sample.start_sample(get_engine(), actor=actor)
        st.rerun()


def _offer_upload() -> None:
    _introduce(
        "Bring your own photos",
        "Drop photos, a folder, a zip, or a CSV manifest with titles and claimed categories. "
        "Everything stays on this machine.",
    )
    if st.button("Upload photos", icon=":material/upload:", width="stretch"):
        links.go("upload")


def _offer_products_10k() -> None:
    _introduce(
        "Use Products-10K",
        "The large public data set of shop photos: train on 10,000 products and measure "
        "against published results.",
    )
    with st.popover("How to get it", icon=":material/menu_book:", width="stretch"):
        st.markdown(PRODUCTS_10K)


def _show_overview(actor: Actor, overview: Overview) -> None:
    st.title("Overview")
    _show_counts(actor, overview)
    jobs.show(actor)
    _show_recent(actor)


def _show_counts(actor: Actor, overview: Overview) -> None:
    states = overview.states
    waiting = sum(states.get(state, 0) for state in dashboard.WAITING)
    to_review = states.get(ListingState.NEEDS_REVIEW, 0)
    figures = (
        ("To review", to_review),
        ("Being classified", waiting),
        ("Accepted", states.get(ListingState.ACCEPTED, 0)),
        ("Corrected", states.get(ListingState.CORRECTED, 0)),
        ("Rejected", states.get(ListingState.REJECTED, 0)),
    )
    with st.container(horizontal=True):
        for label, number in figures:
            st.metric(label, f"{number:,}", border=True, width=METRIC_WIDTH_PX)
    if (
        to_review
        and may(actor, "review")
        and st.button(
            f"Review {text.count(to_review, 'listing')}",
            type="primary",
            icon=":material/fact_check:",
        )
    ):
        links.go("review")


def _show_recent(actor: Actor) -> None:
    st.subheader("Recent batches", anchor=False)
    batches = dashboard.list_batches(get_engine(), actor=actor, limit=RECENT_BATCHES)
    for batch in batches:
        _show_batch(batch)


def _show_batch(batch: BatchSummary) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.progress(
            batch.decided / batch.listings if batch.listings else 0.0,
            text=f"**{text.plain(batch.name)}** · {batch.decided:,} of {batch.listings:,} decided",
        )
        if st.button("Open", key=f"open-{batch.id}", icon=":material/arrow_forward:"):
            links.go("batches", batch=batch.id)
