"""What reviewed listings say of claims: voters, confusions, and how confirmed claims score."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from core.flags.limits import is_same_branch
from core.mislabel import MIN_CONFIRMED
from core.mislabel.claims import Voters, confuse, doubt_claims, spread_top
from core.services.recognition import MAX_PHOTOS, PHOTOS_A_CATEGORY, unpack
from core.services.suggestions import by_category
from core.training.data.seen import SeenPictures
from db.engine import reading
from db.queries import claims as queries
from db.queries import embeddings as embedding_queries
from db.queries import models as model_queries
from db.queries.claims import ClaimPhoto
from db.rows import ModelVersionRow

Floats = NDArray[np.float64]

MAX_CONFIRMED = 2_000  # the newest


@dataclass(frozen=True, slots=True, eq=False)
class Witness:
    """A model that says which pictures it was trained on.

    Attributes:
        known: (C,) the categories that it can name.
        answers: (C,) the claims of which it can say how likely they are.
    """

    version_id: int
    seen: SeenPictures
    known: NDArray[np.bool_]
    answers: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Claims:
    """N claims and what the witnesses say.

    Attributes:
        probabilities: Of each model (N, C) float64, above 0.
        heard: (N, models) whether it may speak: it was not trained on the picture and can name
            the claim.
    """

    claimed: NDArray[np.int64]
    votes: Floats
    probabilities: tuple[Floats, ...]
    heard: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.claimed)


@dataclass(frozen=True, slots=True, eq=False)
class ScoredGroup:
    """Claims of which the same models speak.

    Attributes:
        members: (n,) which of the claims these are.
        scores: (n,), and ``confirmed`` those of the confirmed claims to hold them against.
        likeliest: Path of the likeliest other category, (n,).
    """

    members: NDArray[np.int64]
    scores: Floats
    confirmed: Floats
    likeliest: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ReviewedClaims:
    """What was learnt, over C categories.

    Attributes:
        places: Index of each category by its id.
        paths: (C,) of their paths.
        voter_of: By photo id its place among the voters.
        confirmed: Claims that reviewers found right.
    """

    space: str
    places: Mapping[int, int]
    paths: tuple[str, ...]
    agrees: NDArray[np.bool_]
    chances: Floats
    witnesses: tuple[Witness, ...]
    voters: Voters
    voter_of: Mapping[int, int]
    confirmed: Claims
    _trusted: dict[tuple[bool, ...], Floats | None] = field(default_factory=dict)

    def path(self, category_id: int) -> str:
        return self.paths[self.places[category_id]]

    def witness(self, session: Session, photos: Sequence[ClaimPhoto]) -> Claims:
        """Return what the witnesses say of the photos' claims."""
        return _hear(
            session, photos, self.places, self.witnesses, voters=self.voters, voter_of=self.voter_of
        )

    def score(self, claims: Claims) -> Iterator[ScoredGroup]:
        """Yield the claims' scores, those together of which the same models speak.

        Where too few confirmed claims can be scored by just these models, none of them speaks.
        """
        settled = [self._settle(tuple(row)) for row in claims.heard.tolist()]
        for models in sorted(set(settled)):
            members = np.array([row for row, each in enumerate(settled) if each == models])
            confirmed = self._score_confirmed(models)
            assert confirmed is not None
            scores, likeliest = self._doubt(claims, members, models)
            yield ScoredGroup(
                members, scores, confirmed, tuple(self.paths[place] for place in likeliest)
            )

    def _settle(self, models: tuple[bool, ...]) -> tuple[bool, ...]:
        is_enough = self._score_confirmed(models) is not None
        return models if is_enough else (False,) * len(models)

    def _score_confirmed(self, models: tuple[bool, ...]) -> Floats | None:
        """Return the scores of the confirmed claims that all these models may speak of."""
        if models not in self._trusted:
            may_speak = self.confirmed.heard | ~np.array(models, bool)
            members = np.flatnonzero(may_speak.all(axis=1))
            enough = len(members) >= MIN_CONFIRMED
            self._trusted[models] = (
                self._doubt(self.confirmed, members, models)[0] if enough else None
            )
        return self._trusted[models]

    def _doubt(
        self, claims: Claims, members: NDArray[np.int64], models: tuple[bool, ...]
    ) -> tuple[Floats, NDArray[np.int64]]:
        return doubt_claims(
            [claims.probabilities[model][members] for model in np.flatnonzero(models)],
            claims.votes[members],
            claims.claimed[members],
            self.chances,
            self.agrees,
        )


def learn(engine: sa.Engine) -> ReviewedClaims | None:
    """Learn what reviewed listings say; None while fewer claims than needed were confirmed."""
    with reading(engine) as session:
        space = embedding_queries.find_newest_space(session)
        if space is None:
            return None
        confirmed = queries.list_confirmed(session, space=space, limit=MAX_CONFIRMED)
        if len(confirmed) < MIN_CONFIRMED:
            return None
        known = embedding_queries.list_known(
            session, space=space, per_category=PHOTOS_A_CATEGORY, limit=MAX_PHOTOS
        )
        by_id = queries.map_paths(session)
        places = {category_id: place for place, category_id in enumerate(by_id)}
        paths = tuple(by_id.values())
        agrees = _find_agreeing(paths)
        witnesses = tuple(_find_witnesses(model_queries.list_active(session), paths, agrees))
        labels = np.array([places[photo.category_id] for photo in known], np.int64)
        voters = Voters.of(unpack([photo.vector for photo in known]), labels, len(paths))
        voter_of = {photo.photo_id: place for place, photo in enumerate(known)}
        counts = np.zeros(agrees.shape)
        for decided, claimed, count in queries.count_pairs(session):
            counts[places[decided], places[claimed]] += count
        heard = _hear(session, confirmed, places, witnesses, voters=voters, voter_of=voter_of)
    chances = confuse(counts, agrees)
    return ReviewedClaims(space, places, paths, agrees, chances, witnesses, voters, voter_of, heard)


def _find_agreeing(paths: Sequence[str]) -> NDArray[np.bool_]:
    """Return which of C categories lie on one branch, (C, C)."""
    agrees = np.eye(len(paths), dtype=bool)
    by_top: defaultdict[str, list[int]] = defaultdict(list)
    for place, path in enumerate(paths):
        by_top[path.partition(" > ")[0]].append(place)
    for places in by_top.values():
        for one in places:
            for other in places:
                agrees[one, other] = is_same_branch(paths[one], paths[other])
    return agrees


def _find_witnesses(
    versions: Sequence[ModelVersionRow], paths: Sequence[str], agrees: NDArray[np.bool_]
) -> Iterator[Witness]:
    """Yield the usable versions that say what they were trained on."""
    for version in versions:
        record = version.metrics.get("training", {}).get("data", {}).get("seen")
        if version.problem is None and record is not None:
            labels = frozenset(version.labels)
            known = np.array([path in labels for path in paths])
            answers = np.logical_or.reduce(agrees[known], axis=0)
            yield Witness(version.id, SeenPictures.unpack(record), known, answers)


def _hear(
    session: Session,
    photos: Sequence[ClaimPhoto],
    places: Mapping[int, int],
    witnesses: Sequence[Witness],
    *,
    voters: Voters,
    voter_of: Mapping[int, int],
) -> Claims:
    claimed = np.array([places[photo.claimed_id] for photo in photos], np.int64)
    own = np.array([voter_of.get(photo.photo_id, -1) for photo in photos], np.int64)
    votes = voters.vote(unpack([photo.vector for photo in photos]), own)
    row_of = {photo.photo_id: row for row, photo in enumerate(photos)}
    shape = len(photos), len(places)
    probabilities, heard = [], np.zeros((len(photos), len(witnesses)), bool)
    for column, witness in enumerate(witnesses):
        said = np.ones(shape)
        for photo_id, _, top in queries.list_predictions(
            session, photo_ids=list(row_of), version_ids=[witness.version_id]
        ):
            listed = by_category(top)
            said[row_of[photo_id]] = spread_top(
                np.array([places[each] for each in listed], np.int64),
                np.array(list(listed.values())),
                witness.known,
            )
            heard[row_of[photo_id], column] = True
        probabilities.append(said)
        heard[:, column] &= ~np.array(witness.seen.find([photo.sha256 for photo in photos]), bool)
        heard[:, column] &= witness.answers[claimed]
    return Claims(claimed, votes, tuple(probabilities), heard)
