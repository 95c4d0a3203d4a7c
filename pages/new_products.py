"""Listings that may be of no category: those alike together, and a category opened from them."""

from collections.abc import Sequence
from uuid import uuid4

import streamlit as st

from core.actors import Actor
from core.errors import InvalidInputError
from core.services import new_products, renewals
from core.services.database import get_engine
from core.services.new_products import (
    Chosen,
    NearCategory,
    NewProducts,
    Opening,
    ProductGroup,
    UnknownListing,
)
from pages.ui import category_table, gallery, jobs, text

GROUPS = 10
_OPENED = "new-products-opened"


def render(actor: Actor) -> None:
    """Draw the groups, the largest first."""
    st.title("New products")
    st.caption(
        "Photos that are like no category, those alike together: new kinds of products, but also "
        "receipts and the like. Once a category has 5 decided photos, others like them are "
        "suggested it, before any model is trained."
    )
    category_table.show(actor)
    _show_opened(actor)
    is_at_work = jobs.show(actor, kind="recognition")
    found = new_products.list_groups(get_engine(), actor=actor)
    if not found.groups:
        _show_none(found)
    if not is_at_work:
        _show_look_again(actor)
    for group in found.groups[:GROUPS]:
        _show_group(actor, group)
    shown = sum(len(group.listings) for group in found.groups[:GROUPS])
    if shown < found.listings:
        st.caption(
            f"{text.count(found.listings - shown, 'more listing')} in smaller groups; they follow "
            "when these are decided."
        )


def _show_none(found: NewProducts) -> None:
    if found.known < found.needed:
        st.info(
            f"Photos are held against the main photos of decided listings: {found.known} so far, "
            f"and it takes {found.needed}.",
            icon=":material/fact_check:",
        )
    else:
        st.info("Every photo is like some category.", icon=":material/check_circle:")


def _show_look_again(actor: Actor) -> None:
    if st.button(
        "Look again",
        icon=":material/refresh:",
        help="Holds all undecided listings against what has been decided by now.",
    ):
        renewals.ask_renewal(get_engine(), actor=actor)
        st.rerun()


def _show_opened(actor: Actor) -> None:
    """Say what became of the category opened last, and offer to take that back."""
    opened: Opening | None = st.session_state.get(_OPENED)
    if opened is None:
        return
    listings = text.count(len(opened.decided), "listing")
    more = (
        f"It is recognised from {text.count(opened.missing, 'more example')} on."
        if opened.missing
        else "Others like them are being looked for."
    )
    st.success(
        f"{listings} decided as {text.plain(opened.path)}. {more}", icon=":material/check_circle:"
    )
    for reason in opened.refused:
        st.warning(text.sentence(reason), icon=":material/info:")
    if opened.decided and st.button("Take back", icon=":material/undo:"):
        refused = new_products.take_back(get_engine(), actor=actor, keys=opened.decided)
        st.session_state[_OPENED] = None
        for reason in refused:
            st.toast(text.plain(reason), icon=":material/info:")
        st.rerun()


def _show_group(actor: Actor, group: ProductGroup) -> None:
    key = f"new-{group.listings[0].id}"
    with st.container(border=True, key=key):
        count = len(group.listings)
        title = f"{text.count(count, 'listing')} alike" if count > 1 else "1 listing by itself"
        st.subheader(title, anchor=False)
        gallery.show_cards([_listing_card(listing) for listing in group.listings])
        if group.nearest:
            st.caption("Nearest known categories")
            gallery.show_cards([_category_card(each) for each in group.nearest if each.sha256])
        _show_form(actor, group, key)


def _show_form(actor: Actor, group: ProductGroup, key: str) -> None:
    labels = {listing.id: listing.title or listing.sku for listing in group.listings}
    with st.form(f"{key}-form", border=False):
        path = st.text_input(
            "New category", placeholder="Home > Kitchen > Kettle", max_chars=1000, width=420
        )
        left_out = (
            st.multiselect(
                "Leave out",
                list(labels),
                format_func=lambda id_: labels[id_],
                placeholder="None: all of them belong to it",
                width=420,
            )
            if len(labels) > 1
            else []
        )
        if st.form_submit_button("Open category", type="primary", icon=":material/add:"):
            _open(actor, path, [each for each in group.listings if each.id not in left_out])


def _open(actor: Actor, path: str, listings: Sequence[UnknownListing]) -> None:
    chosen = [Chosen(listing.id, listing.version, str(uuid4())) for listing in listings]
    try:
        opened = new_products.open_category(get_engine(), actor=actor, path=path, chosen=chosen)
    except InvalidInputError as error:
        st.error(text.sentence(error), icon=":material/error:")
        return
    st.session_state[_OPENED] = opened
    st.rerun()


def _listing_card(listing: UnknownListing) -> gallery.Card:
    name = listing.title or listing.sku
    return gallery.Card(
        src=f"/api/images/{listing.sha256}/thumb",
        href=f"/review?listing={listing.id}",
        label=name,
        lines=(gallery.Line(name),),
    )


def _category_card(category: NearCategory) -> gallery.Card:
    return gallery.Card(
        src=f"/api/images/{category.sha256}/thumb",
        href=f"/api/images/{category.sha256}/view",
        label=category.path,
        lines=(gallery.Line(category.path),),
    )
