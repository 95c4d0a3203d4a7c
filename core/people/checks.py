"""What is quietly asked of reviewers, and the draws: which listing is a check.

A draw depends on nothing but the listing, so that a reload draws the same.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

MAX_PLANTED_PROBABILITY = 0.1
"""Above it a category may be right after all, whatever somebody decided."""


@dataclass(frozen=True, slots=True)
class CheckKind:
    """A way to look how reviewers decide.

    Attributes:
        key: Stored with checks, so never renamed.
        share: Of the listings that are given out, unless a manager sets another.
        doc: What it is, for the manager who sets the share.
    """

    key: str
    label: str
    share: float
    doc: str


CHECK_KINDS: dict[str, CheckKind] = {
    kind.key: kind
    for kind in (
        CheckKind(
            "second",
            "Given to two",
            0.03,
            "A listing that somebody else has decided comes as if nobody had. The answer changes "
            "nothing; where the two disagree, a manager settles it.",
        ),
        CheckKind(
            "hidden",
            "Suggestion left out",
            0.02,
            "The listing comes without what the models say. What is decided counts as ever.",
        ),
        CheckKind(
            "planted",
            "Wrong suggestion",
            0.01,
            "A listing that somebody else has accepted comes with a suggestion that is wrong. The "
            "answer changes nothing, so that a mistake cannot do harm.",
        ),
    )
}


def is_drawn(kind: str, listing_id: int, share: float) -> bool:
    """Whether the listing is a check of this kind, or one goes with it; share is 0 to 1."""
    return _number(f"{kind}:{listing_id}") < share


def shuffled(listing_ids: Collection[int], *, by: int) -> list[int]:
    """Return the ids in an order that nobody foresees, always the same for one ``by``."""
    return sorted(listing_ids, key=lambda id_: _number(f"{by}:{id_}"))


def choose_wrong(means: Mapping[int, float], *, never: Collection[int]) -> int | None:
    """Return the category that the models together find likeliest of those that are surely wrong.

    Args:
        means: Mean calibrated probability by category id, 0 to 1.
        never: Categories that may be right: the decided one, the seller's.
    """
    wrong = [
        id_ for id_, mean in means.items() if id_ not in never and mean <= MAX_PLANTED_PROBABILITY
    ]
    return max(wrong, key=lambda id_: (means[id_], id_), default=None)


def mingle(listing_ids: Sequence[int], checks: Sequence[int]) -> list[int]:
    """Return the listings with the checks among them, each at a place of its own."""
    mixed = list(listing_ids)
    for id_ in checks:
        mixed.insert(int(_number(f"place:{id_}") * (len(mixed) + 1)), id_)
    return mixed


def _number(words: str) -> float:
    """Return 0 to 1, evenly spread over all words."""
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:6], "big") / 2**48
