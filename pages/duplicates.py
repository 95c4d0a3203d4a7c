"""Listings that show the same, together: keep the best, or say that they are no duplicates."""

from collections.abc import Mapping

import streamlit as st

from core.actors import Actor
from core.services import duplicates, same_products
from core.services.database import get_engine
from core.services.duplicates import (
    GROUPS_A_PAGE,
    DuplicateGroup,
    DuplicateListing,
    DuplicatePair,
    Duplicates,
    Settled,
)
from core.services.hits import SearchHit
from core.services.same_products import Suggestion
from core.services.states import ListingState
from core.settings import get_settings
from pages.ui import gallery, links, paging, text

STATES: Mapping[ListingState, str] = {
    ListingState.RECEIVED: "not classified yet",
    ListingState.PROCESSING: "being classified",
    ListingState.NEEDS_REVIEW: "to review",
    ListingState.AUTO_ACCEPTED: "accepted by itself",
    ListingState.ACCEPTED: "accepted",
    ListingState.CORRECTED: "corrected",
    ListingState.PUBLISHED: "published",
}
_SETTLED = "duplicates-settled"
_PAGE = "duplicates-page"
_NOT_SAME = "duplicates-not-same"


def render(actor: Actor) -> None:
    """Draw the groups, the largest first, or the one that the address names."""
    st.title("Duplicates")
    st.caption(
        "Listings that show the same file or the same picture: saved again, resized, cut, framed, "
        "marked or mirrored. Nothing is deleted: the others are rejected, which can be undone. "
        "Merging also gives the one that is kept those of their photos that are no copies."
    )
    _show_settled(actor)
    group_id = links.read_id("group")
    page = 0 if group_id else int(st.session_state.get(_PAGE, 0))
    found = duplicates.list_groups(get_engine(), actor=actor, group_id=group_id, page=page)
    _show_progress(found)
    if not found.groups:
        _show_none(found, group_id, page)
    for group in found.groups:
        _show_group(actor, group)
    if group_id is not None:
        if st.button("All groups", icon=":material/arrow_back:", type="tertiary"):
            links.write()
            st.rerun()
    else:
        _show_pages(found, page)
        _show_same_products(actor)


def _show_progress(found: Duplicates) -> None:
    words = f"{text.count(found.total, 'group')} to settle · {found.compared:,} photos compared"
    if found.waiting:
        words += f" · {found.waiting:,} wait for the worker"
    st.caption(words)


def _show_none(found: Duplicates, group_id: int | None, page: int) -> None:
    if group_id is not None:
        st.info("This group is settled.", icon=":material/check_circle:")
    elif page and found.total:
        st.session_state[_PAGE] = 0
        st.rerun()
    elif found.compared:
        st.info("No two listings show the same.", icon=":material/check_circle:")
    else:
        st.info("No photo has been compared yet; that follows its classification.")


def _show_pages(found: Duplicates, page: int) -> None:
    turned = paging.turn(page, total=found.total, a_page=GROUPS_A_PAGE)
    if turned is not None:
        st.session_state[_PAGE] = turned
        st.rerun()


def _show_settled(actor: Actor) -> None:
    """Say what became of the group settled last, and offer to take that back."""
    settled: Settled | None = st.session_state.get(_SETTLED)
    if settled is None:
        return
    if settled.dismissed:
        st.success("Remembered as no duplicates.", icon=":material/check_circle:")
    elif settled.rejected:
        rejected = text.count(len(settled.rejected), "listing")
        words = f"{rejected} rejected."
        if settled.kept_id is not None:
            photos = text.count(settled.taken_over, "photo")
            link = f"[listing {settled.kept_id}](/listing?id={settled.kept_id})"
            words = f"{rejected} merged into {link}, which took over {photos}."
        st.success(words, icon=":material/check_circle:")
    for reason in settled.refused:
        st.warning(text.sentence(reason), icon=":material/info:")
    is_anything = settled.dismissed or settled.rejected
    if is_anything and st.button("Take back", icon=":material/undo:"):
        refused = duplicates.take_back(get_engine(), actor=actor, settled=settled)
        st.session_state[_SETTLED] = None
        for reason in refused:
            st.toast(text.plain(reason), icon=":material/info:")
        st.rerun()


def _show_group(actor: Actor, group: DuplicateGroup) -> None:
    with st.container(border=True, key=f"duplicates-{group.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            title = f"{text.count(len(group.listings), 'listing')} with the same photo"
            st.subheader(title, anchor=False, width="stretch")
            st.link_button(
                "Link",
                f"/duplicates?group={group.id}",
                icon=":material/link:",
                type="tertiary",
                help="The address of this group, to pass on.",
            )
        best = group.listings[0].id
        gallery.show_cards(
            [
                _listing_card(each, f"best: {group.why}" if each.id == best else "")
                for each in group.listings
            ]
        )
        for pair in group.pairs:
            st.caption(f"{pair.label}: {pair.score:.0%} of it. Red is where they differ.")
            gallery.show_cards(_pair_cards(pair))
        _show_actions(actor, group)


def _show_actions(actor: Actor, group: DuplicateGroup) -> None:
    labels = {each.id: f"{each.title or each.sku} ({each.sku})" for each in group.listings}
    states = {each.id: each.state for each in group.listings}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kept = st.selectbox(
            "Keep",
            list(labels),
            format_func=lambda id_: labels[id_],
            key=f"keep-{group.id}",
            width=320,
            help="The best comes first: one that stands already, then the largest, then the oldest",
        )
        if st.button(
            "Keep it, reject the others",
            type="primary",
            icon=":material/done_all:",
            key=f"reject-{group.id}",
        ):
            st.session_state[_SETTLED] = duplicates.keep_one(
                get_engine(), actor=actor, group=group, listing_id=kept
            )
            st.rerun()
        further = any(each.photos > 1 for each in group.listings if each.id != kept)
        if st.button(
            "Merge into it",
            icon=":material/merge:",
            key=f"merge-{group.id}",
            disabled=not further or states[kept] == ListingState.PUBLISHED,
            help="Photos of the others that are no copies are added to it; then the others are "
            "rejected. Not possible where the others have no more photos, or it is published.",
        ):
            st.session_state[_SETTLED] = duplicates.merge(
                get_engine(), actor=actor, group=group, listing_id=kept
            )
            st.rerun()
        if st.button("Not duplicates", icon=":material/call_split:", key=f"dismiss-{group.id}"):
            st.session_state[_SETTLED] = duplicates.dismiss(
                get_engine(), actor=actor, match_ids=group.match_ids
            )
            st.rerun()


def _show_same_products(actor: Actor) -> None:
    """Offer the list of likely pairs; it is a search a listing, so it is made on demand."""
    st.subheader("May be the same product", anchor=False)
    st.caption(
        "Other photos that look much alike. It is a list to look through, not a flag: by trial, "
        "one pair in five shows another product of its kind, and most photos of the same "
        "product are not found this way."
    )
    if not st.toggle(f"Look at the {same_products.LOOKED_AT} newest listings to review"):
        return
    dismissed: Suggestion | None = st.session_state.get(_NOT_SAME)
    if dismissed is not None and st.button("Take back: not the same", icon=":material/undo:"):
        same_products.take_back(get_engine(), actor=actor, suggestion=dismissed)
        st.session_state[_NOT_SAME] = None
    found = same_products.list_suggestions(get_engine(), get_settings(), actor=actor)
    if not found:
        st.info("No two of them look enough alike.", icon=":material/check_circle:")
    for each in found:
        _show_suggestion(actor, each)


def _show_suggestion(actor: Actor, each: Suggestion) -> None:
    key = f"same-product-{each.image_ids[0]}-{each.image_ids[1]}"
    with st.container(border=True, key=key):
        st.caption(f"May be the same product: likeness {each.score:.2f} of 1")
        gallery.show_cards([_hit_card(each.first), _hit_card(each.second)])
        if st.button("Not the same product", icon=":material/call_split:", key=f"{key}-no"):
            same_products.dismiss(get_engine(), actor=actor, suggestion=each)
            st.session_state[_NOT_SAME] = each
            st.rerun()


def _hit_card(hit: SearchHit) -> gallery.Card:
    name = hit.title or hit.sku
    return gallery.Card(
        src=f"/api/images/{hit.sha256}/thumb",
        href=f"/review?listing={hit.listing_id}",
        label=name,
        lines=(
            gallery.Line(name),
            gallery.Line(f"{hit.batch}, {STATES.get(hit.state, hit.state)}"),
            *((gallery.Line(hit.seller),) if hit.seller else ()),
        ),
    )


def _listing_card(listing: DuplicateListing, best: str) -> gallery.Card:
    name = listing.title or listing.sku
    size = f"{listing.width_px} by {listing.height_px} px, {text.size(listing.size_bytes)}"
    photos = (gallery.Line(text.count(listing.photos, "photo")),) if listing.photos > 1 else ()
    praise = (gallery.Line(best, "right"),) if best else ()
    return gallery.Card(
        src=f"/api/images/{listing.sha256}/thumb",
        href=f"/review?listing={listing.id}",
        label=name,
        lines=(
            gallery.Line(name),
            gallery.Line(size),
            gallery.Line(f"{listing.batch}, {STATES.get(listing.state, listing.state)}"),
            *photos,
            *praise,
            gallery.Line("More like this", href=links.more_like(listing.id)),
        ),
    )


def _pair_cards(pair: DuplicatePair) -> list[gallery.Card]:
    difference = f"/api/matches/{pair.match_id}/difference"
    photos = (("one", pair.first_sha256), ("the other", pair.second_sha256))
    return [
        *(
            gallery.Card(
                src=f"/api/images/{sha256}/thumb",
                href=f"/api/images/{sha256}/view",
                label=name,
                lines=(gallery.Line(name),),
            )
            for name, sha256 in photos
        ),
        gallery.Card(
            src=difference,
            href=difference,
            label="where they differ",
            lines=(gallery.Line("where they differ"),),
        ),
    ]
