"""The queue of evidence: cards, what people make of them, and how often each kind was right.

Nothing here is a verdict: a card says what was seen, and a confirmed one decides no listing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from core.actors import Actor, require
from core.brands import EVIDENCE_KINDS
from core.errors import NotFoundError, StaleError
from core.evaluation import Tally
from core.services.states import EvidenceOutcome, ReferenceKind
from db.engine import reading, transaction
from db.queries import brand_evidence as queries
from db.queries.brand_evidence import FoundEvidence
from db.rows import BrandOutcomeRow

CARDS_A_PAGE = 10


@dataclass(frozen=True, slots=True)
class EvidenceCard:
    """What speaks for a listing being a copy.

    Attributes:
        label: Of its kind; so with ``doc``.
        score: Share of the reference that the photo shows, 0 to 1.
        facts: What was found when it was judged, one sentence each.
        reference: Kind of the reference; None where words and price alone speak.
        is_changed: A region of the reference is something else.
        withdrawn: It no longer holds (and was settled before).
        outcome: None while it is open; with it, by whom and when.
    """

    id: int
    kind: str
    label: str
    doc: str
    brand: str
    listing_id: int
    sku: str
    title: str
    batch: str
    score: float
    facts: tuple[str, ...]
    reference: ReferenceKind | None
    is_changed: bool
    judged_at: datetime
    withdrawn: bool
    outcome: EvidenceOutcome | None
    settled_by: str | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class EvidenceQueue:
    """A page of cards, the newest first.

    Attributes:
        total: Cards in all, of the same state.
        has_more: There are older ones.
    """

    cards: tuple[EvidenceCard, ...]
    total: int
    has_more: bool


def list_cards(
    engine: sa.Engine, *, actor: Actor, is_settled: bool = False, before_id: int | None = None
) -> EvidenceQueue:
    """Return cards that are open, or those that were settled.

    Of a listing that was rejected none is open, as long as it is.

    Args:
        before_id: Last card of the page before; None starts over.

    Raises:
        ForbiddenError: The actor may not review.
    """
    require(actor, "review")
    with reading(engine) as session:
        found = queries.list_evidence(
            session, is_settled=is_settled, limit=CARDS_A_PAGE + 1, before_id=before_id
        )
        return EvidenceQueue(
            cards=tuple(map(_card, found[:CARDS_A_PAGE])),
            total=queries.count_evidence(session, is_settled=is_settled),
            has_more=len(found) > CARDS_A_PAGE,
        )


def settle(
    engine: sa.Engine,
    *,
    actor: Actor,
    evidence_id: int,
    judged_at: datetime,
    outcome: EvidenceOutcome,
) -> None:
    """Keep what somebody made of a card; the same word again changes nothing.

    Args:
        judged_at: Of the card that they saw.

    Raises:
        ForbiddenError: The actor may not review.
        NotFoundError: No such evidence.
        StaleError: It was judged anew since, or no longer holds.
    """
    _say(engine, actor, evidence_id, outcome, judged_at)


def take_back(engine: sa.Engine, *, actor: Actor, evidence_id: int) -> None:
    """Open a settled card again; what was said stays on record.

    Raises:
        ForbiddenError: The actor may not review.
        NotFoundError: No such evidence.
    """
    _say(engine, actor, evidence_id, None, None)


def measure_precision(engine: sa.Engine, *, actor: Actor) -> Mapping[str, Tally]:
    """Return by kind how much of what was settled was confirmed.

    Kinds that nobody settled are left out.

    Raises:
        ForbiddenError: The actor may not review.
    """
    require(actor, "review")
    with reading(engine) as session:
        found = {each.kind: each for each in queries.count_settled(session)}
    return {
        key: Tally(found[key].confirmed, found[key].settled)
        for key in EVIDENCE_KINDS
        if key in found
    }


def _say(
    engine: sa.Engine,
    actor: Actor,
    evidence_id: int,
    outcome: EvidenceOutcome | None,
    judged_at: datetime | None,
) -> None:
    require(actor, "review")
    with transaction(engine) as session:
        found = queries.find_for_update(session, evidence_id=evidence_id)
        if found is None:
            raise NotFoundError(f"no evidence {evidence_id}; reload the page")
        row, before = found
        if before == outcome:
            return
        if judged_at is not None and (row.judged_at != judged_at or row.withdrawn_at is not None):
            raise StaleError(
                f"evidence {evidence_id} was judged anew since you saw it; look at it again"
            )
        session.add(BrandOutcomeRow(evidence_id=evidence_id, outcome=outcome, user_id=actor.id))


def _card(found: FoundEvidence) -> EvidenceCard:
    row, kind = found.row, EVIDENCE_KINDS[found.row.kind]
    return EvidenceCard(
        id=row.id,
        kind=row.kind,
        label=kind.label,
        doc=kind.doc,
        brand=found.brand,
        listing_id=row.listing_id,
        sku=found.sku,
        title=found.title,
        batch=found.batch,
        score=row.score,
        facts=tuple(_facts(found)),
        reference=None if found.reference_kind is None else ReferenceKind(found.reference_kind),
        is_changed=row.detail.get("changed") is not None,
        judged_at=row.judged_at,
        withdrawn=row.withdrawn_at is not None,
        outcome=None if found.outcome is None else EvidenceOutcome(found.outcome),
        settled_by=found.settled_by,
        settled_at=found.settled_at,
    )


def _facts(found: FoundEvidence) -> list[str]:
    detail = found.row.detail
    seller = detail.get("seller") or ""
    facts = [f"Seller: {seller}" if seller else "No seller was given"]
    price, usual = detail.get("price"), _range(detail.get("lowest"), detail.get("highest"))
    facts.append(f"Price: {price or 'not given'}; {usual}")
    if found.reference_kind is not None:
        facts.append(f"{found.row.score:.0%} of the {found.reference_kind} is the same")
    if detail.get("changed") is not None:
        facts.append("A region is something else")
    if detail.get("is_recoloured"):
        facts.append("In other colours")
    if detail.get("is_mirrored"):
        facts.append("Mirrored")
    if found.reference_kind == "logo" and detail.get("stretch", 1.0) >= STRETCHED:
        facts.append(
            f"{detail['stretch']:.1f} times as long one way as it should be, or seen from the side"
        )
    return facts


STRETCHED = 1.25
"""Less is how a pack stands before the camera."""


def _range(lowest: str | None, highest: str | None) -> str:
    if lowest and highest:
        return f"usual from {lowest} to {highest}"
    if lowest or highest:
        return f"usual from {lowest}" if lowest else f"usual up to {highest}"
    return "no range is given"
