"""What speaks for listings being copies of protected goods, for a person to judge."""

from collections.abc import Mapping

import streamlit as st

from core.actors import Actor
from core.brands import EVIDENCE_KINDS
from core.evaluation import Tally
from core.services import brand_evidence
from core.services.brand_evidence import EvidenceCard, EvidenceQueue
from core.services.database import get_engine
from core.services.states import EvidenceOutcome
from pages.ui import choices, gallery, jobs, text

VIEWS = ("Open", "Settled")
OUTCOMES = {
    EvidenceOutcome.CONFIRMED: ("Confirmed", ":material/check:"),
    EvidenceOutcome.UNFOUNDED: ("Unfounded", ":material/close:"),
}
_BEFORE = "brand-evidence-before"


def render(actor: Actor) -> None:
    """Draw how often each kind was right, and the cards, the newest first."""
    st.title("Brand evidence")
    st.caption(
        "What speaks for a listing being a copy of protected goods. It is evidence, not a verdict: "
        "a confirmed card decides nothing about the listing; that is done in the review."
    )
    jobs.show(actor, kind="brands")
    _show_precision(brand_evidence.measure_precision(get_engine(), actor=actor))
    is_settled = choices.choose_view(VIEWS, "view") == VIEWS[1]
    before = st.session_state.get(_BEFORE, (is_settled, None))
    before_id = before[1] if before[0] == is_settled else None
    queue = brand_evidence.list_cards(
        get_engine(), actor=actor, is_settled=is_settled, before_id=before_id
    )
    _show_count(queue, is_settled, before_id)
    for card in queue.cards:
        _show_card(actor, card)
    _show_pages(queue, is_settled, before_id)


def _show_precision(found: Mapping[str, Tally]) -> None:
    for key, each in found.items():
        share = each.share
        st.caption(
            f"{EVIDENCE_KINDS[key].label}: confirmed {each.hits:,} of {each.count:,}, "
            f"{text.percent(share.value, digits=0)} "
            f"({text.span(share.low, share.high, digits=0)})",
            help="Of the cards that somebody settled; the span holds the true share with 95% "
            "confidence.",
        )


def _show_count(queue: EvidenceQueue, is_settled: bool, before_id: int | None) -> None:
    if queue.cards or before_id is not None:
        st.caption(f"{text.count(queue.total, 'card')} {'settled' if is_settled else 'open'}")
    elif is_settled:
        st.info("No card has been settled yet.")
    else:
        st.info(
            "Nothing speaks for a copy. Cards come once a manager has put brands into the register "
            "(page **Brands**) and the worker has held the listings against it.",
            icon=":material/check_circle:",
        )


def _show_pages(queue: EvidenceQueue, is_settled: bool, before_id: int | None) -> None:
    with st.container(horizontal=True):
        if before_id is not None and st.button("Newest", icon=":material/first_page:"):
            st.session_state[_BEFORE] = (is_settled, None)
            st.rerun()
        if queue.has_more and st.button("Older", icon=":material/chevron_right:"):
            st.session_state[_BEFORE] = (is_settled, queue.cards[-1].id)
            st.rerun()


def _show_card(actor: Actor, card: EvidenceCard) -> None:
    with st.container(border=True, key=f"evidence-{card.id}"):
        st.subheader(f"{text.plain(card.brand)}: {card.label}", anchor=False, help=card.doc)
        name = text.plain(card.title or card.sku)
        st.markdown(f"[{name}](/listing?id={card.listing_id}) in {text.plain(card.batch)}")
        if card.reference is not None:
            gallery.show_cards(_pictures(card))
        st.markdown("  \n".join(text.plain(fact) for fact in card.facts))
        if card.outcome is None:
            _show_outcomes(actor, card)
        else:
            _show_settled(actor, card)


def _pictures(card: EvidenceCard) -> list[gallery.Card]:
    names = {
        "reference": "the brand's",
        "photo": "the listing's",
        "detail": "that place, straightened",
        "difference": "red is where they differ",
    }
    drawn = []
    for drawing, name in names.items():
        src = f"/api/brand-evidence/{card.id}/{drawing}?at={card.judged_at.timestamp():.0f}"
        drawn.append(gallery.Card(src=src, href=src, label=name, lines=(gallery.Line(name),)))
    return drawn


def _show_outcomes(actor: Actor, card: EvidenceCard) -> None:
    with st.container(horizontal=True):
        for outcome, (label, icon) in OUTCOMES.items():
            if st.button(label, icon=icon, key=f"{outcome}-{card.id}"):
                brand_evidence.settle(
                    get_engine(),
                    actor=actor,
                    evidence_id=card.id,
                    judged_at=card.judged_at,
                    outcome=outcome,
                )
                st.rerun()


def _show_settled(actor: Actor, card: EvidenceCard) -> None:
    assert card.outcome is not None
    assert card.settled_at is not None
    with st.container(horizontal=True, vertical_alignment="center"):
        label = OUTCOMES[card.outcome][0]
        who = text.plain(card.settled_by or "")
        st.caption(f"{label} by {who}, {text.day(card.settled_at)} UTC", width="content")
        if st.button("Take back", icon=":material/undo:", key=f"take-back-{card.id}"):
            brand_evidence.take_back(get_engine(), actor=actor, evidence_id=card.id)
            st.rerun()
