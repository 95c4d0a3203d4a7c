"""The brand register: what is protected, how it looks, who may sell it, and for how much.

Whatever changes here, all listings are held against the register anew (``brand_checks``).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.brands.listings import as_compared
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.imaging import ImageLimits, decode
from core.services import brand_checks
from core.services.brand_checks import PERMISSION
from core.services.states import ReferenceKind
from core.services.workshop import workshop
from core.settings import Settings
from core.storage import ImageStore, check_disk
from db.engine import reading, transaction
from db.queries import brands as queries
from db.rows import BrandReferenceRow, BrandRow

MAX_NAME = 200
MAX_SELLERS = 500
MAX_PRICE = Decimal("9999999999.99")
MAX_REFERENCES = 500
"""Of all brands: the worker holds what they are found by in memory, up to 1 MB for a logo."""


@dataclass(frozen=True, slots=True)
class ReferenceView:
    """A reference of a brand."""

    id: int
    kind: ReferenceKind
    sha256: str
    file_name: str


@dataclass(frozen=True, slots=True)
class Brand:
    """A brand of the register.

    Attributes:
        lowest: Of the usual price; None without a limit, as the highest.
        is_watched: Listings are held against it.
    """

    id: int
    name: str
    sellers: tuple[str, ...]
    lowest: Decimal | None
    highest: Decimal | None
    is_watched: bool
    references: tuple[ReferenceView, ...]


@dataclass(frozen=True, slots=True)
class BrandEntry:
    """What is to stand of a brand in the register.

    Attributes:
        sellers: Who may sell it, each once; blank ones are left out.
    """

    name: str
    sellers: tuple[str, ...] = ()
    lowest: Decimal | None = None
    highest: Decimal | None = None
    is_watched: bool = True


def list_brands(engine: sa.Engine, *, actor: Actor) -> tuple[Brand, ...]:
    """Return the register by name.

    Raises:
        ForbiddenError: The actor may not review.
    """
    require(actor, "review")
    with reading(engine) as session:
        by_brand: defaultdict[int, list[BrandReferenceRow]] = defaultdict(list)
        for reference in queries.list_references(session):
            by_brand[reference.brand_id].append(reference)
        return tuple(_brand(row, by_brand[row.id]) for row in queries.list_brands(session))


def add_brand(engine: sa.Engine, *, actor: Actor, entry: BrandEntry) -> int:
    """Put a brand into the register; return its id.

    Raises:
        ConflictError: The register has it.
        ForbiddenError: The actor may not tune.
        InvalidInputError: The entry cannot be kept.
    """
    require(actor, PERMISSION)
    entry = _check(entry)
    with transaction(engine) as session:
        _refuse_twice(session, entry.name)
        row = BrandRow(name=entry.name, created_by=actor.id)
        _fill(row, entry)
        session.add(row)
        session.flush()
        brand_checks.ask_checks(session, actor=actor)
        return row.id


def change_brand(engine: sa.Engine, *, actor: Actor, brand_id: int, entry: BrandEntry) -> None:
    """Replace what stands of a brand; the same again changes nothing.

    Raises:
        ConflictError: Another brand has this name.
        ForbiddenError: The actor may not tune.
        InvalidInputError: The entry cannot be kept.
        NotFoundError: No such brand.
    """
    require(actor, PERMISSION)
    entry = _check(entry)
    with transaction(engine) as session:
        row = _require_brand(session, brand_id)
        if _entry(row) == entry:
            return
        _refuse_twice(session, entry.name, but=brand_id)
        _fill(row, entry)
        brand_checks.ask_checks(session, actor=actor)


def add_reference(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    brand_id: int,
    kind: ReferenceKind,
    file_name: str,
    data: bytes,
) -> None:
    """Store a photo or a logo and put it into the register; the same one again changes nothing.

    Raises:
        BusyError: Too many photos are decoded at once.
        ConflictError: The register is full.
        ForbiddenError: The actor may not tune.
        NotFoundError: No such brand.
        StorageFullError: The disk has no room.
        UnreadableImageError: It is no picture that can be used.
    """
    require(actor, PERMISSION)
    limits = ImageLimits.of(settings)
    workshop(settings).make(partial(decode, data, limits))
    settings.images_dir.mkdir(parents=True, exist_ok=True)
    check_disk(settings.images_dir, min_free_bytes=settings.min_free_bytes)
    sha256 = ImageStore.of(settings).put(data)
    with transaction(engine) as session:
        _require_brand(session, brand_id)
        if not queries.restore_reference(session, brand_id=brand_id, kind=kind, sha256=sha256):
            session.add(
                BrandReferenceRow(
                    brand_id=brand_id,
                    kind=kind,
                    sha256=sha256,
                    file_name=file_name[-1000:],
                    created_by=actor.id,
                )
            )
        session.flush()
        _require_room(session)
        brand_checks.ask_checks(session, actor=actor)


def remove_reference(engine: sa.Engine, *, actor: Actor, reference_id: int) -> None:
    """Take a reference out of the register; the file stays, for evidence that was settled.

    Raises:
        ForbiddenError: The actor may not tune.
        NotFoundError: No such reference.
    """
    require(actor, PERMISSION)
    with transaction(engine) as session:
        row = queries.find_reference_for_update(session, reference_id=reference_id)
        if row is None:
            raise NotFoundError(f"no reference {reference_id}; reload the page")
        queries.remove(row, at=datetime.now(UTC))
        session.flush()
        brand_checks.ask_checks(session, actor=actor)


def _require_room(session: Session) -> None:
    if queries.count_references(session) > MAX_REFERENCES:
        raise ConflictError(
            f"the register has {MAX_REFERENCES} photos and logos, which is all that it holds;"
            " take one out first"
        )


def _check(entry: BrandEntry) -> BrandEntry:
    name = " ".join(entry.name.split())
    if not 0 < len(name) <= MAX_NAME:
        raise InvalidInputError(
            f"a brand's name has 1 to {MAX_NAME} characters, not {len(name)}; give it one"
        )
    for price in (entry.lowest, entry.highest):
        if price is not None and not 0 <= price <= MAX_PRICE:
            raise InvalidInputError(f"a price is from 0 to {MAX_PRICE:,}, not {price}; correct it")
    if entry.lowest is not None and entry.highest is not None and entry.lowest > entry.highest:
        raise InvalidInputError(
            f"the lowest price {entry.lowest} is above the highest {entry.highest}; swap them"
        )
    return BrandEntry(
        name, _each_once(entry.sellers), entry.lowest, entry.highest, entry.is_watched
    )


def _each_once(sellers: Sequence[str]) -> tuple[str, ...]:
    kept = {as_compared(seller): " ".join(seller.split())[:200] for seller in reversed(sellers)}
    kept.pop("", None)
    if len(kept) > MAX_SELLERS:
        raise InvalidInputError(
            f"a brand has at most {MAX_SELLERS} authorised sellers, not {len(kept):,}"
        )
    return tuple(reversed(kept.values()))


def _refuse_twice(session: Session, name: str, *, but: int | None = None) -> None:
    for row in queries.list_brands(session):
        if row.id != but and as_compared(row.name) == as_compared(name):
            raise ConflictError(f"the register has {row.name!r} already; change that one")


def _fill(row: BrandRow, entry: BrandEntry) -> None:
    row.name, row.sellers = entry.name, list(entry.sellers)
    row.lowest, row.highest, row.is_watched = entry.lowest, entry.highest, entry.is_watched


def _entry(row: BrandRow) -> BrandEntry:
    return BrandEntry(row.name, tuple(row.sellers), row.lowest, row.highest, row.is_watched)


def _require_brand(session: Session, brand_id: int) -> BrandRow:
    row = queries.find_brand_for_update(session, brand_id=brand_id)
    if row is None:
        raise NotFoundError(f"no brand {brand_id}; reload the page")
    return row


def _brand(row: BrandRow, references: Sequence[BrandReferenceRow]) -> Brand:
    return Brand(
        id=row.id,
        name=row.name,
        sellers=tuple(row.sellers),
        lowest=row.lowest,
        highest=row.highest,
        is_watched=row.is_watched,
        references=tuple(
            ReferenceView(each.id, ReferenceKind(each.kind), each.sha256, each.file_name)
            for each in references
        ),
    )
