"""The listings that an import would make."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from core.ingest.files import Refusal, SourceFile

CATEGORY_SEPARATOR = " > "


@dataclass(frozen=True, slots=True)
class Product:
    """One listing that is offered.

    Attributes:
        sku: Its own name within the import.
        price: In the shop's currency.
        claimed_category: Path from the root, parts joined by `` > ``; empty without a claim.
        photos: At least one; the first is the main one.
    """

    sku: str
    photos: tuple[SourceFile, ...]
    title: str = ""
    seller: str = ""
    brand: str = ""
    price: Decimal | None = None
    claimed_category: str = ""


@dataclass(frozen=True, slots=True)
class Collection:
    """What a source offers, and what was refused before it was read."""

    products: tuple[Product, ...]
    refusals: tuple[Refusal, ...] = ()


def product_of(file: SourceFile, *, claim_folder: bool) -> Product:
    """Return the listing of a photo that comes without a manifest: its name is the sku."""
    claimed = folder_category(file) if claim_folder else ""
    return Product(sku=file.name, photos=(file,), claimed_category=claimed)


def products_of(files: Iterable[SourceFile], *, claim_folder: bool) -> tuple[Product, ...]:
    return tuple(product_of(file, claim_folder=claim_folder) for file in files)


def folder_category(file: SourceFile) -> str:
    """Return the category that the folders of a file spell; empty at the top."""
    return CATEGORY_SEPARATOR.join(file.folder)
