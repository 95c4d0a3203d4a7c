"""Each kind of evidence, from what was seen and said."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pytest

from core.brands import EVIDENCE_KINDS, BrandTerms, Offer, Reference, Seen, find_evidence
from core.similarity.regions import Box

TERMS = BrandTerms("Orbano", ("Orbano Shop",), Decimal(20), Decimal(80))
OWN, ANOTHER = "Orbano Shop", "Bargain Bay"
BOX = Box(0.1, 0.1, 0.2, 0.2)


def see(kind: str, score: float = 0.9, **said: object) -> Seen:
    pixels = np.zeros((4, 4, 3), np.uint8)
    reference = Reference(1, 1, kind, (4, 4), lambda: pixels)  # type: ignore[arg-type]
    return Seen(reference, score, np.eye(3), **said)  # type: ignore[arg-type]


CASES: dict[str, tuple[Sequence[Seen], str, str]] = {
    # kind: what its photo shows, seller, price
    "copied_photo": ([see("photo")], ANOTHER, "50"),
    "logo_elsewhere": ([see("logo")], ANOTHER, "50"),
    "changed_logo": ([see("logo", is_recoloured=True)], OWN, "50"),
    "odd_price": ([], OWN, "5"),
}


def kinds(seen: Sequence[Seen], seller: str, price: str, title: str = "Orbano watch") -> list[str]:
    offer = Offer(title, "", seller, Decimal(price))
    return [each.kind for each in find_evidence(offer, TERMS, list(enumerate(seen)))]


def test_every_kind_has_a_case() -> None:
    assert CASES.keys() == EVIDENCE_KINDS.keys()


@pytest.mark.parametrize("kind", EVIDENCE_KINDS)
def test_a_kind_is_found_by_what_it_says(kind: str) -> None:
    assert kinds(*CASES[kind]) == [kind]


@pytest.mark.parametrize("kind", ["photo", "logo"])
def test_an_authorised_seller_may_show_what_is_the_brands(kind: str) -> None:
    assert kinds([see(kind)], OWN, "50") == []


@pytest.mark.parametrize(
    ("seen", "is_changed"),
    [
        (see("logo", changed=BOX), True),
        (see("logo", is_mirrored=True), True),
        (see("logo", stretch=1.5), False),  # so is a pack seen from the side
        (see("photo", changed=BOX), True),
        (see("photo", is_mirrored=True), False),  # that is how photos are copied
    ],
)
def test_a_logo_is_changed_by_region_side_or_colours(seen: Seen, is_changed: bool) -> None:
    assert (kinds([seen], OWN, "50") == ["changed_logo"]) is is_changed


def test_an_odd_price_needs_the_brands_name() -> None:
    assert kinds([], ANOTHER, "5", title="Watch") == []


def test_the_surest_reference_of_a_kind_is_kept_with_its_photo() -> None:
    offer = Offer("", "", ANOTHER, None)
    seen = [(7, see("logo", 0.5)), (8, see("logo", 0.8)), (9, see("photo", 0.9))]
    found = {each.kind: each for each in find_evidence(offer, TERMS, seen)}
    assert (found["logo_elsewhere"].photo, found["logo_elsewhere"].score) == (8, 0.8)
    assert found["copied_photo"].photo == 9
