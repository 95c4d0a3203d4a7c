from decimal import Decimal

import pytest

from core.brands.listings import BrandTerms, Offer, claims_brand, is_odd_price, is_other_seller

TERMS = BrandTerms("Orbano", ("Orbano Shop", "Kaufhaus Nord"), Decimal("20.00"), Decimal("80.00"))


def offer(**said: object) -> Offer:
    values: dict[str, object] = {"title": "", "brand": "", "seller": "", "price": None}
    return Offer(**(values | said))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("title", "brand", "claims"),
    [
        ("Watch by ORBANO, new", "", True),
        ("orbano-watch", "", True),
        ("\uff2f\uff52\uff42\uff41\uff4e\uff4f watch", "", True),
        ("Watch", " Orbano ", True),
        ("Watch in the style of Orbanos", "", False),
        ("Neworbano", "", False),
        ("", "", False),
    ],
)
def test_a_brand_is_claimed_by_whole_words_in_any_case(
    title: str, brand: str, claims: bool
) -> None:
    assert claims_brand(offer(title=title, brand=brand), TERMS) is claims


def test_a_name_of_signs_is_no_pattern() -> None:
    terms = BrandTerms("a.b (c)", ())
    assert claims_brand(offer(title="the A.B (C) thing"), terms)
    assert not claims_brand(offer(title="the axb c thing"), terms)


@pytest.mark.parametrize(
    ("seller", "is_other"),
    [("orbano  SHOP", False), ("Kaufhaus Nord", False), ("Kaufhaus", True), ("", False)],
)
def test_another_seller_is_one_who_is_named_and_not_authorised(seller: str, is_other: bool) -> None:
    assert is_other_seller(offer(seller=seller), TERMS) is is_other


def test_without_authorised_sellers_everybody_named_is_another() -> None:
    assert is_other_seller(offer(seller="Orbano Shop"), BrandTerms("Orbano", ()))


@pytest.mark.parametrize(
    ("price", "is_odd"),
    [("19.99", True), ("20.00", False), ("80.00", False), ("80.01", True), (None, False)],
)
def test_a_price_outside_the_range_is_odd(price: str | None, is_odd: bool) -> None:
    said = offer(price=None if price is None else Decimal(price))
    assert is_odd_price(said, TERMS) is is_odd
    assert not is_odd_price(said, BrandTerms("Orbano", ()))
