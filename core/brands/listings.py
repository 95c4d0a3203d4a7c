"""What a listing says, held against what a brand's owner says: words, seller, price."""

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Offer:
    """What a listing says of itself.

    Attributes:
        brand: As the seller gave it, or empty; so with the seller.
    """

    title: str
    brand: str
    seller: str
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class BrandTerms:
    """What the register says of a brand.

    Attributes:
        sellers: Who may sell it; nobody where it is empty.
        lowest: Of the usual price, None without a limit; so with the highest.
    """

    name: str
    sellers: tuple[str, ...]
    lowest: Decimal | None = None
    highest: Decimal | None = None


def claims_brand(offer: Offer, terms: BrandTerms) -> bool:
    """Whether the title or the brand given names it, as words of their own, whatever the case."""
    words = rf"(?<!\w){re.escape(as_compared(terms.name))}(?!\w)"
    return any(re.search(words, as_compared(each)) for each in (offer.title, offer.brand))


def is_other_seller(offer: Offer, terms: BrandTerms) -> bool:
    """Whether somebody sells it who is not authorised; of a seller not named nothing is said."""
    seller = as_compared(offer.seller)
    return bool(seller) and seller not in {as_compared(each) for each in terms.sellers}


def is_odd_price(offer: Offer, terms: BrandTerms) -> bool:
    """Whether the price is outside the brand's range; both ends are inside."""
    if offer.price is None:
        return False
    is_low = terms.lowest is not None and offer.price < terms.lowest
    is_high = terms.highest is not None and offer.price > terms.highest
    return is_low or is_high


def as_compared(words: str) -> str:
    """Return words as they are compared: without case, wide letters and double spaces."""
    return " ".join(unicodedata.normalize("NFKC", words).casefold().split())
