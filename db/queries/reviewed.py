"""What reviewers have decided, as labelled photos."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from db.rows import CategoryRow, DecisionRow, ImageRow, ListingImageRow, ListingRow
from db.states import CATEGORISED, DecisionKind, ImageState

_NAMING = (DecisionKind.ACCEPT, DecisionKind.CORRECT)


@dataclass(frozen=True, slots=True)
class ReviewedPhoto:
    """A photo of a listing whose category a reviewer has decided.

    Attributes:
        id: Of the listing's photo.
        path: Of the decided category.
    """

    id: int
    listing_id: int
    sha256: str
    path: str


def list_reviewed_photos(
    session: Session, *, after_id: int = 0, limit: int
) -> Sequence[ReviewedPhoto]:
    """Return readable photos of accepted and corrected listings, ordered by id.

    The decision must be in force: nobody took it back.

    Args:
        after_id: Last id of the previous page; 0 starts over.
    """
    undoing = aliased(DecisionRow)
    in_force = (
        select(DecisionRow.id)
        .outerjoin(undoing, undoing.undoes_id == DecisionRow.id)
        .where(
            DecisionRow.listing_id == ListingRow.id,
            DecisionRow.kind.in_(_NAMING),
            DecisionRow.category_id == ListingRow.decided_category_id,
            undoing.id.is_(None),
        )
        .exists()
    )
    query = (
        select(ListingImageRow.id, ListingRow.id, ImageRow.sha256, CategoryRow.path)
        .join(ListingRow, ListingRow.id == ListingImageRow.listing_id)
        .join(ImageRow, ImageRow.id == ListingImageRow.image_id)
        .join(CategoryRow, CategoryRow.id == ListingRow.decided_category_id)
        .where(
            ListingImageRow.id > after_id,
            ListingRow.state.in_(CATEGORISED),
            ImageRow.state == ImageState.READABLE,
            in_force,
        )
        .order_by(ListingImageRow.id)
        .limit(limit)
    )
    return [ReviewedPhoto(*row) for row in session.execute(query)]
