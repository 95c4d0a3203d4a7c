"""The kinds of evidence: one table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.brands.listings import BrandTerms, Offer, claims_brand, is_odd_price, is_other_seller
from core.brands.sightings import Seen


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A listing beside a brand, and one reference of it that a photo of the listing shows.

    Attributes:
        seen: None for what the words alone say.
    """

    offer: Offer
    terms: BrandTerms
    seen: Seen | None = None


@dataclass(frozen=True, slots=True)
class EvidenceKind:
    """One thing that speaks for a listing being a copy.

    Attributes:
        key: Stored, so never renamed.
        doc: What it goes by, for whoever looks at a card.
        needs: Kind of the reference that must be seen; None for what the words alone say, empty
            for any.
        holds: Whether it speaks for it.
    """

    key: str
    label: str
    doc: str
    needs: str | None
    holds: Callable[[Case], bool]


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What speaks for a listing being a copy: the surest reference of its kind.

    Attributes:
        kind: Key of ``EVIDENCE_KINDS``.
        photo: Place of the photo among those looked at; None without a reference.
    """

    kind: str
    seen: Seen | None
    photo: int | None

    @property
    def score(self) -> float:
        return 1.0 if self.seen is None else min(1.0, self.seen.score)


def _is_sold_by_other(case: Case) -> bool:
    return is_other_seller(case.offer, case.terms)


def _is_altered(case: Case) -> bool:
    return case.seen is not None and case.seen.is_altered


def _is_odd_claim(case: Case) -> bool:
    return claims_brand(case.offer, case.terms) and is_odd_price(case.offer, case.terms)


_ROWS = (
    EvidenceKind(
        "copied_photo",
        "The brand's own photo, another seller",
        "A photo of the listing is a reference photo, and the seller is not authorised.",
        "photo",
        _is_sold_by_other,
    ),
    EvidenceKind(
        "logo_elsewhere",
        "The brand's logo, another seller",
        "A photo of the listing shows a reference logo, and the seller is not authorised.",
        "logo",
        _is_sold_by_other,
    ),
    EvidenceKind(
        "changed_logo",
        "Close to the brand, but the logo is changed",
        "A photo matches a reference closely, except for a region of the logo, its colours or its "
        "side; whoever sells it.",
        "",
        _is_altered,
    ),
    EvidenceKind(
        "odd_price",
        "Names the brand at an odd price",
        "The title or the brand given names it, and the price is outside its range.",
        None,
        _is_odd_claim,
    ),
)

EVIDENCE_KINDS: Mapping[str, EvidenceKind] = {row.key: row for row in _ROWS}
"""By key."""


def find_evidence(
    offer: Offer, terms: BrandTerms, seen: Sequence[tuple[int, Seen]]
) -> Iterator[Finding]:
    """Yield at most one finding a kind, that of the surest reference.

    Args:
        seen: What each photo shows of the brand's references, with the photo's place.
    """
    for row in EVIDENCE_KINDS.values():
        if row.needs is None:
            if row.holds(Case(offer, terms)):
                yield Finding(row.key, None, None)
            continue
        holding = [
            (place, each)
            for place, each in seen
            if row.needs in ("", each.reference.kind) and row.holds(Case(offer, terms, each))
        ]
        best = max(holding, key=lambda pair: pair[1].score, default=None)
        if best is not None:
            yield Finding(row.key, best[1], best[0])
