"""The flags of photos that other listings show as well: the same file, or the same picture."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sqlalchemy.orm import Session

from core.flags import Evidence, raise_flags
from core.quality import ImageMeasures
from core.services import priorities
from core.services.held_limits import read_limits
from core.services.states import UNDECIDED
from db.queries import limits as limit_queries
from db.queries import matches as queries
from db.queries import predictions as prediction_queries
from db.queries.limits import Measured
from db.states import MatchState

KINDS = ("exact_duplicate", "near_duplicate")


@dataclass(frozen=True, slots=True)
class Sharers:
    """The listings that show an image.

    Attributes:
        same_file: Ids of those that show the image itself.
        same_picture: Ids of those that show a copy, with the highest score.
    """

    same_file: set[int] = field(default_factory=set)
    same_picture: dict[int, float] = field(default_factory=dict)

    def file_beside(self, listing_id: int) -> tuple[int, ...]:
        return tuple(sorted(self.same_file - {listing_id}))

    def picture_beside(self, listing_id: int) -> tuple[tuple[int, float], ...]:
        others = self.same_picture.keys() - self.same_file - {listing_id}
        return tuple((other, self.same_picture[other]) for other in sorted(others))


def note_shared(session: Session, *, image_ids: Collection[int]) -> set[int]:
    """Keep that images are shown by several listings; return those that are."""
    shown_by: defaultdict[int, set[int]] = defaultdict(set)
    for image_id, listing_id, _ in queries.list_users(session, image_ids=image_ids):
        shown_by[image_id].add(listing_id)
    shared = {image_id for image_id, listings in shown_by.items() if len(listings) > 1}
    values = [
        {
            "first_image_id": image_id,
            "second_image_id": image_id,
            "kind": "same_bytes",
            "score": 1.0,
        }
        for image_id in sorted(shared)
    ]
    queries.insert_matches(session, values=values)
    return shared


def find_sharers(session: Session, *, image_ids: Collection[int]) -> defaultdict[int, Sharers]:
    """Return who else shows each image, leaving out what was called no duplicate."""
    pairs = queries.list_pairs(session, image_ids=image_ids, state=MatchState.OPEN)
    involved = {each for pair in pairs for each in (pair.first_image_id, pair.second_image_id)}
    shown_by: defaultdict[int, set[int]] = defaultdict(set)
    for image_id, listing_id, _ in queries.list_users(session, image_ids=involved):
        shown_by[image_id].add(listing_id)
    found: defaultdict[int, Sharers] = defaultdict(Sharers)
    for pair in pairs:
        first, second = pair.first_image_id, pair.second_image_id
        if first == second:
            found[first].same_file.update(shown_by[first])
            continue
        for one, other in ((first, second), (second, first)):
            scores = found[one].same_picture
            for listing_id in shown_by[other]:
                scores[listing_id] = max(scores.get(listing_id, 0.0), pair.score)
    return found


def renew(session: Session, *, image_ids: Collection[int]) -> None:
    """Renew these flags of the images' photos, where their listings are undecided."""
    users = queries.list_users(session, image_ids=image_ids)
    undecided = prediction_queries.list_listings_in(
        session, listing_ids={listing_id for _, listing_id, _ in users}, states=UNDECIDED
    )
    measured = [
        row
        for row in limit_queries.list_measured(session, photo_ids=[id_ for _, _, id_ in users])
        if row.listing_id in undecided
    ]
    sharers = find_sharers(session, image_ids=image_ids)
    limits = read_limits(session)
    found = [
        (row, replace(make_evidence(row, sharers[row.image_id]), limits=limits)) for row in measured
    ]
    for kind in KINDS:
        values = [value for row, evidence in found for value in _flag_rows(row, evidence, kind)]
        prediction_queries.replace_open_flags(
            session, photo_ids=[row.photo_id for row in measured], kind=kind, values=values
        )
    priorities.refresh(session, listing_ids=undecided)


def make_evidence(row: Measured, sharers: Sharers) -> Evidence:
    """Return what is known of the photo's copies, without limits."""
    return Evidence(
        measures=ImageMeasures.from_record(row.record),
        predictions={},
        same_content=sharers.file_beside(row.listing_id),
        same_picture=sharers.picture_beside(row.listing_id),
        category=row.category,
    )


def _flag_rows(row: Measured, evidence: Evidence, kind: str) -> Iterator[Mapping[str, Any]]:
    for finding in raise_flags(evidence, only=kind):
        yield {"listing_id": row.listing_id, "listing_image_id": row.photo_id, **asdict(finding)}
