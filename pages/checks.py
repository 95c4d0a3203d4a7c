"""Checks of reviewers on the Team page: what they say, what is to be settled, and their shares."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from core.actors import Actor
from core.errors import CatalogError
from core.evaluation import Tally
from core.people import CHECK_KINDS, Agreement
from core.services import adjudication, checks
from core.services.adjudication import Disagreement, Word
from core.services.checks import OFF, Shares
from core.services.database import get_engine
from core.services.team import ReviewerFigures, TeamFigures
from pages.ui import gallery, text

OPEN_SHOWN = 10
SETTLED_SHOWN = 10
PHOTO_PX = 100
NOTHING = "none yet"


def show_figures(found: TeamFigures, *, sees_everybody: bool) -> None:
    """Draw what the checks say; nothing where nobody was checked."""
    checked = [each for each in found.reviewers if _is_checked(each)]
    if not checked:
        return
    st.subheader("Agreement and attention", anchor=False)
    if sees_everybody and found.agreement is not None:
        st.markdown(f"All together: {_agreement(found.agreement)}.")
    table = {
        "Reviewer": [each.name for each in checked],
        "Agreement with others": [_agreement(each.checks.agreement) for each in checked],
        "Wrong suggestions caught": [_tally(each.checks.caught) for each in checked],
        "Same without suggestion": [_tally(each.checks.unaided) for each in checked],
    }
    st.dataframe(pd.DataFrame(table), hide_index=True)
    st.caption(
        "Agreement is Cohen's κ on listings that were quietly given to two: 1 is full agreement, "
        "0 what chance gives. Caught is a suggestion, wrong on purpose, that was not taken. The "
        "last column counts the listings shown without a suggestion where the models' choice was "
        "made all the same. In brackets: 95% intervals; with few listings they are wide."
    )


def _is_checked(each: ReviewerFigures) -> bool:
    return any((each.checks.agreement, each.checks.caught, each.checks.unaided))


def _agreement(found: Agreement | None) -> str:
    if found is None:
        return NOTHING
    of = f"{found.agreed:,} of {text.count(found.pairs, 'listing')} the same"
    if found.kappa is None:
        return of
    return f"κ {found.kappa.value:.2f} ({found.kappa.low:.2f} to {found.kappa.high:.2f}); {of}"


def _tally(found: Tally | None) -> str:
    if found is None:
        return NOTHING
    return f"{found.hits:,} of {found.count:,} ({text.span(found.share.low, found.share.high)})"


def show_disagreements(actor: Actor) -> None:
    """Draw what two said different things of, each to be settled by one click, and taken back."""
    open_ones = adjudication.list_disagreements(get_engine(), actor=actor, limit=OPEN_SHOWN + 1)
    settled = adjudication.list_disagreements(
        get_engine(), actor=actor, settled=True, limit=SETTLED_SHOWN
    )
    if open_ones:
        st.subheader("Two reviewers, two answers", anchor=False)
        st.caption("Whose answer counts? The listing is decided so at once.")
    for each in open_ones[:OPEN_SHOWN]:
        _show_open(actor, each)
    if len(open_ones) > OPEN_SHOWN:
        st.caption("More come when these are settled.")
    if settled:
        with st.expander(f"Settled lately ({len(settled)})"):
            for each in settled:
                _show_settled(actor, each)


def _show_open(actor: Actor, each: Disagreement) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        if each.sha256 is not None:
            photo = gallery.Thumbnail(each.sha256, each.title, f"/listing?id={each.listing_id}")
            with st.container(width=PHOTO_PX):
                gallery.show([photo])
        with st.container(width="stretch", gap="small"):
            words = f"**{text.plain(each.title)}** · :gray[{text.plain(each.batch_name)}]"
            if each.is_published:
                words += "  \n:gray[Published: its category stays; the answer is only noted.]"
            st.markdown(words)
            with st.container(horizontal=True):
                for side, word in (("first", each.first), ("second", each.second)):
                    if st.button(
                        f"{text.plain(_choice(word))} :gray[says {text.plain(word.by)}]",
                        key=f"keep-{side}-{each.check_id}",
                        help=None if word.category is None else text.plain(word.category.path),
                    ):
                        _settle(actor, each, side)


def _settle(actor: Actor, each: Disagreement, side: str) -> None:
    _do(lambda: adjudication.settle(get_engine(), actor=actor, check_id=each.check_id, keep=side))


def _show_settled(actor: Actor, each: Disagreement) -> None:
    kept = each.kept_word
    if kept is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        title = f"[{text.plain(each.title)}](/listing?id={each.listing_id})"
        by = text.plain(each.settled_by or "")
        st.markdown(
            f"{title}: **{text.plain(_choice(kept))}**, as {text.plain(kept.by)} said · "
            f":gray[settled by {by}]",
            width="stretch",
        )
        if st.button("Take back", key=f"settled-{each.check_id}"):
            _do(lambda: adjudication.take_back(get_engine(), actor=actor, check_id=each.check_id))


def _choice(word: Word) -> str:
    return "Reject" if word.category is None else text.leaf(word.category.path)


def show_settings(actor: Actor) -> None:
    """Draw the shares of the checks, for who may set them."""
    shares = checks.get_shares(get_engine(), actor=actor)
    state = "on" if shares.is_on else "off"
    with st.expander(f"Checks are {state}"):
        if not checks.is_checked(actor):
            st.caption("Without accounts there is one reviewer alone, and nobody is checked.")
        st.caption(
            "So many of the listings that reviewers are given are checks. The Review page says "
            "that there are some, and not which."
        )
        with st.form("checks", border=False):
            with st.container(horizontal=True):
                chosen = {kind: _choose_share(kind, shares) for kind in CHECK_KINDS}
            with st.container(horizontal=True):
                saves = st.form_submit_button("Save", type="primary")
                ends = st.form_submit_button("Switch all off", disabled=not shares.is_on)
    if saves or ends:
        wanted = OFF if ends else Shares(**chosen)
        _do(lambda: checks.set_shares(get_engine(), actor=actor, shares=wanted))


def _choose_share(kind: str, shares: Shares) -> float:
    row, most = CHECK_KINDS[kind], 100 * checks.MAX_SHARE
    share = min(most, 100 * getattr(shares, kind))
    chosen: float = st.number_input(
        f"{row.label} (%)",
        min_value=0.0,
        max_value=most,
        value=share,
        step=0.5,
        format="%.1f",
        key=f"share-{kind}-{share}",
        help=row.doc,
        width=190,
    )
    return chosen / 100


def _do(change: Callable[[], object]) -> None:
    """Make the change and draw the page anew; say why if it cannot be made."""
    try:
        change()
    except CatalogError as error:
        st.error(text.sentence(error))
        return
    st.rerun()
