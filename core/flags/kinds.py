"""The kinds of flags: one table over the evidence about one photo of a listing."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from core.flags.evidence import Evidence
from core.mislabel import FALSE_ALARMS, JudgedClaim
from core.model_names import model_name
from core.quality import QUALITY_CHECKS, QualityCheck, Severity

Detail = Mapping[str, Any]

SURE = 0.5
"""Calibrated probability from which a model counts as having an opinion."""

MISMATCH_MARGIN = 0.5
"""So much likelier than the claimed category must another one be, while no rate can be promised."""

UNKNOWN_RATE = 0.02
"""Share of the photos of known products that may be called unknown."""

MIN_KNOWN = 50
"""With fewer decided photos no share that small can be told."""

MAX_NAMED = 5
"""Listings that a reason names."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A flag that was raised.

    Attributes:
        kind: Key of ``FLAG_KINDS``.
        score: 0 to 1, how far beyond the limit; compares findings of one kind.
        detail: JSON-able numbers and names that the reason is written from.
    """

    kind: str
    severity: Severity
    score: float
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule found: the score and the detail of a ``Finding``."""

    score: float
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FlagKind:
    """One kind of flag.

    Attributes:
        key: Stored in the database, so never renamed.
        severity: ``block`` keeps the listing from being published while the flag is open,
            ``warn`` asks for a look, ``hint`` says what may be meant so.
        doc: What the flag means, for a reviewer.
        rule: Returns None when there is nothing to say.
        reason: Writes one sentence from the detail.
        asks_category: It asks which category is right, so to decide that closes it.
    """

    key: str
    label: str
    severity: Severity
    doc: str
    rule: Callable[[Evidence], Hit | None]
    reason: Callable[[Detail], str]
    asks_category: bool = False


def raise_flags(evidence: Evidence, *, only: str | None = None) -> tuple[Finding, ...]:
    """Return what every rule of ``FLAG_KINDS`` finds, in the order of the table.

    Args:
        only: Key of the one kind to look for.
    """
    kinds = FLAG_KINDS.values() if only is None else [FLAG_KINDS[only]]
    hits = ((kind, kind.rule(evidence)) for kind in kinds)
    return tuple(
        Finding(kind.key, kind.severity, hit.score, hit.detail) for kind, hit in hits if hit
    )


def reason(kind: str, detail: Detail) -> str:
    """Say in one plain sentence, with its numbers, why a flag was raised."""
    return FLAG_KINDS[kind].reason(detail)


def _quality_kind(check: QualityCheck) -> FlagKind:
    def rule(evidence: Evidence) -> Hit | None:
        found = evidence.limits.find(check.key, evidence.category)
        limit = check.limit if found is None else found
        if not check.is_raised(evidence.measures, limit):
            return None
        detail = {"value": check.value(evidence.measures), "limit": limit}
        return Hit(check.excess(evidence.measures, limit), detail)

    return FlagKind(
        key=check.key,
        label=check.label,
        severity=check.severity,
        doc=check.doc,
        rule=rule,
        reason=lambda detail: check.reason.format(**detail),
    )


def _exact_duplicate(evidence: Evidence) -> Hit | None:
    if not evidence.same_content:
        return None
    return Hit(1.0, {"listing_ids": sorted(evidence.same_content)})


def _exact_duplicate_reason(detail: Detail) -> str:
    listing_ids = detail["listing_ids"]
    others = "1 other listing" if len(listing_ids) == 1 else f"{len(listing_ids)} other listings"
    return f"The same file is a photo of {others}: {', '.join(f'#{i}' for i in listing_ids)}."


def _near_duplicate(evidence: Evidence) -> Hit | None:
    if not evidence.same_picture:
        return None
    surest = sorted(evidence.same_picture, key=lambda each: (-each[1], each[0]))
    detail = {"listings": [list(each) for each in surest[:MAX_NAMED]], "count": len(surest)}
    return Hit(surest[0][1], detail)


def _near_duplicate_reason(detail: Detail) -> str:
    others = "1 other listing" if detail["count"] == 1 else f"{detail['count']} other listings"
    named = ", ".join(f"#{id_} ({score:.0%} the same)" for id_, score in detail["listings"])
    return f"The same picture, in another file, is a photo of {others}: {named}."


def _models_disagree(evidence: Evidence) -> Hit | None:
    """The score is how sure the less sure of the two models is."""
    sure = sorted(
        (-probability, model, category)
        for model, top in evidence.predictions.items()
        for category, probability in top[:1]
        if probability >= SURE
    )
    for other in sure[1:]:
        if other[2] != sure[0][2]:
            opinions = [
                {"model": model, "category": category, "probability": -negative}
                for negative, model, category in (sure[0], other)
            ]
            return Hit(-other[0], {"opinions": opinions})
    return None


def _models_disagree_reason(detail: Detail) -> str:
    said = (
        f"{model_name(opinion['model'])} says {opinion['category']} ({opinion['probability']:.0%})"
        for opinion in detail["opinions"]
    )
    return f"{', '.join(said)}."


def _claimed_mismatch(evidence: Evidence) -> Hit | None:
    """By a rate of false alarms where claims were reviewed, else by a margin."""
    if evidence.claim is None:
        return _mismatch_by_margin(evidence)
    return _mismatch_by_rate(evidence.claim)


def _mismatch_by_rate(claim: JudgedClaim) -> Hit | None:
    """The score is the share of the confirmed claims that are less suspect."""
    if not claim.is_flagged:
        return None
    return Hit(1 - claim.p_value, asdict(claim) | {"promised": FALSE_ALARMS})


def _mismatch_by_margin(evidence: Evidence) -> Hit | None:
    """The score is by how much the models together prefer another category."""
    together = evidence.mean_probabilities()
    if evidence.claimed is None or not together:
        return None
    likeliest = max(together, key=lambda category: together[category])
    if is_same_branch(likeliest, evidence.claimed):
        return None
    claimed_probability = together.get(evidence.claimed, 0.0)
    margin = together[likeliest] - claimed_probability
    if margin < MISMATCH_MARGIN:
        return None
    detail = {
        "claimed": evidence.claimed,
        "claimed_probability": claimed_probability,
        "likeliest": likeliest,
        "likeliest_probability": together[likeliest],
    }
    return Hit(margin, detail)


def is_same_branch(one: str, other: str) -> bool:
    """Whether one path is the other or lies above it: ``Home`` and ``Home > Mug`` agree."""
    shorter, longer = sorted((one, other), key=len)
    return f"{longer} > ".startswith(f"{shorter} > ")


def _claimed_mismatch_reason(detail: Detail) -> str:
    if "p_value" in detail:
        return (
            f"Offered as {detail['claimed']}, but it looks like {detail['likeliest']}: fewer than "
            f"{_percent_above(detail['p_value'])} of {detail['confirmed']:,} right claims look as "
            f"wrong, and of the {detail['flags']:,} flagged so in this batch expect at most "
            f"{detail['promised']:.0%} to be unfounded."
        )
    return (
        f"Offered as {detail['claimed']} ({detail['claimed_probability']:.0%} likely), "
        f"but the models see {detail['likeliest']} ({detail['likeliest_probability']:.0%})."
    )


def _percent_above(share: float) -> str:
    """Write a share that is below the one written."""
    return f"{math.floor(1000 * share + 1) / 10:g}%"


def _unknown_product(evidence: Evidence) -> Hit | None:
    """The score is the share of the known photos that are less novel."""
    novelty = evidence.novelty
    if novelty is None or novelty.p_value is None or novelty.recognised is not None:
        return None
    if novelty.known < MIN_KNOWN or novelty.p_value > UNKNOWN_RATE:
        return None
    detail = {
        "known": novelty.known,
        "rate": UNKNOWN_RATE,
        "nearest": [list(each) for each in novelty.nearest],
    }
    return Hit(1 - novelty.p_value, detail)


def _unknown_product_reason(detail: Detail) -> str:
    nearest = ", ".join(path for path, _ in detail["nearest"])
    return (
        f"Less like any category than {1 - detail['rate']:.0%} of {detail['known']:,} decided "
        f"photos are like theirs; nearest: {nearest}."
    )


FLAG_KINDS: dict[str, FlagKind] = {
    kind.key: kind
    for kind in (
        *(_quality_kind(check) for check in QUALITY_CHECKS.values()),
        FlagKind(
            key="exact_duplicate",
            label="Exact duplicate",
            severity="warn",
            doc="Another listing shows the very same file.",
            rule=_exact_duplicate,
            reason=_exact_duplicate_reason,
        ),
        FlagKind(
            key="near_duplicate",
            label="Same picture",
            severity="warn",
            doc="Another listing shows the same picture: resized, cut, framed, mirrored or marked.",
            rule=_near_duplicate,
            reason=_near_duplicate_reason,
        ),
        FlagKind(
            key="models_disagree",
            label="Models disagree",
            severity="warn",
            doc=f"Two models, each at least {SURE:.0%} sure, name different categories.",
            rule=_models_disagree,
            reason=_models_disagree_reason,
            asks_category=True,
        ),
        FlagKind(
            key="claimed_mismatch",
            label="Claimed category differs",
            severity="block",
            doc=(
                "Another category is likelier than the seller's, by the models and by reviewed "
                "listings like it."
            ),
            rule=_claimed_mismatch,
            reason=_claimed_mismatch_reason,
            asks_category=True,
        ),
        FlagKind(
            key="unknown_product",
            label="Unknown product",
            severity="warn",
            doc=(
                "It may belong to none of the categories: a new kind of product, a receipt, a "
                f"selfie. Of photos of known products, {UNKNOWN_RATE:.0%} are flagged as well."
            ),
            rule=_unknown_product,
            reason=_unknown_product_reason,
            asks_category=True,
        ),
    )
}
"""By key, in the order in which a reviewer sees them."""

CATEGORY_FLAGS = tuple(kind.key for kind in FLAG_KINDS.values() if kind.asks_category)
"""Kinds that are closed when the category is decided."""
