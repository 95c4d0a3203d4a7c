"""One listing: its photos, how it stands, and its story from upload to publication."""

from collections.abc import Sequence

import streamlit as st

from core.actors import Actor, may
from core.services import story
from core.services.database import get_engine
from core.services.review import REVIEW_STATES, ReviewListing
from core.services.states import ListingState
from core.services.story import Event
from pages.ui import gallery, links, text

ICONS = {
    "uploaded": ":material/upload:",
    "classified": ":material/network_node:",
    "flagged": ":material/flag:",
    "verdict": ":material/outlined_flag:",
    "decided": ":material/fact_check:",
    "merged": ":material/merge:",
    "published": ":material/publish:",
}
STATE_LABELS = {
    **REVIEW_STATES,
    ListingState.RECEIVED: "Waiting for the models",
    ListingState.PROCESSING: "Waiting for the models",
    ListingState.PUBLISHED: "Published",
}


def render(actor: Actor) -> None:
    """Draw the listing that the address names."""
    listing_id = links.read_id("id")
    if listing_id is None:
        st.title("Listing")
        st.info("Choose a listing on the page of its batch.", icon=":material/inventory_2:")
        if st.button("All batches", icon=":material/arrow_back:"):
            links.go("batches")
        return
    found = story.get_story(get_engine(), actor=actor, listing_id=listing_id)
    listing = found.listing
    if st.button(text.plain(listing.batch_name), icon=":material/arrow_back:", type="tertiary"):
        links.go("batches", batch=listing.batch_id)
    _show_listing(actor, listing)
    st.subheader("Story", anchor=False)
    _show_events(found.events)


def _show_listing(actor: Actor, listing: ReviewListing) -> None:
    name = listing.title or listing.sku
    st.title(text.plain(text.short(name)))
    if text.short(name) != name:
        st.caption(text.plain(name))
    about = [listing.sku if listing.title else "", listing.brand, listing.seller]
    about += [] if listing.price is None else [f"{listing.price:.2f}"]
    if any(about):
        st.caption(text.plain(" · ".join(filter(None, about))))
    gallery.show(
        [
            gallery.Thumbnail(photo.sha256, photo.file_name, f"/api/images/{photo.sha256}/view")
            for photo in listing.photos
        ]
    )
    category = listing.decided or listing.suggested
    words = f"**{STATE_LABELS[listing.state]}**"
    if category is not None:
        says = "" if listing.decided else "suggested: "
        words += f" · {says}{text.plain(category.path)}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(words, width="content")
        if may(actor, "review") and st.button("Open in review", icon=":material/fact_check:"):
            links.go("review", listing=listing.id)
        if st.button("More like this", icon=":material/image_search:"):
            links.go("search", listing=listing.id, varied="true")


def _show_events(events: Sequence[Event]) -> None:
    for event in events:
        by = f" by **{text.plain(event.by)}**" if event.by else ""
        more = f" · {text.plain(event.detail)}" if event.detail else ""
        if event.other_id is not None:
            more += f" · [listing {event.other_id}](/listing?id={event.other_id})"
        st.markdown(
            f"{ICONS[event.kind]} {text.plain(event.words)}{by}  \n"
            f":small[:gray[{text.day(event.at)} UTC{more}]]"
        )
