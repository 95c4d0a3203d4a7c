"""The kinds of flags: one table over the evidence about one photo of a listing."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from core.explain.agreement import BY_CHANCE
from core.flags.evidence import Evidence
from core.flags.limits import (
    FLAG_LIMITS,
    find_agreed,
    find_dissent,
    find_likeliest,
    measure_novelty,
    percent,
)
from core.mislabel import JudgedClaim
from core.model_names import model_name
from core.quality import QUALITY_CHECKS, QualityCheck, Severity

Detail = Mapping[str, Any]

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
    """One kind of flag; those with a limit that can be moved have a row in ``FLAG_LIMITS``.

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
    """Say in one plain sentence, with its numbers, why a flag was raised.

    What another version kept may lack a number; then it is shown as it is, so that one such
    row does not keep its listing from a reviewer.
    """
    try:
        return FLAG_KINDS[kind].reason(detail)
    except (KeyError, TypeError, ValueError):
        return f"kept by another version, without a reason: {dict(detail)}."


def _quality_kind(check: QualityCheck) -> FlagKind:
    def rule(evidence: Evidence) -> Hit | None:
        limit = FLAG_LIMITS[check.key].find(evidence)
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
    row = FLAG_LIMITS["near_duplicate"]
    limit = row.find(evidence)
    same = [each for each in evidence.same_picture if row.is_beyond(each[1], limit)]
    if not same:
        return None
    surest = sorted(same, key=lambda each: (-each[1], each[0]))
    detail = {"listings": [list(each) for each in surest[:MAX_NAMED]], "count": len(surest)}
    return Hit(surest[0][1], detail)


def _near_duplicate_reason(detail: Detail) -> str:
    others = "1 other listing" if detail["count"] == 1 else f"{detail['count']} other listings"
    named = ", ".join(f"#{id_} ({score:.0%} the same)" for id_, score in detail["listings"])
    return f"The same picture, in another file, is a photo of {others}: {named}."


def _models_disagree(evidence: Evidence) -> Hit | None:
    """The score is how sure the less sure of the two models is."""
    row = FLAG_LIMITS["models_disagree"]
    score = row.value(evidence)
    if not row.is_beyond(score, row.find(evidence)):
        return None
    opinions = [
        {"model": model, "category": category, "probability": probability}
        for model, category, probability in find_dissent(evidence)
    ]
    return Hit(score, {"opinions": opinions})


def _models_disagree_reason(detail: Detail) -> str:
    said = (
        f"{model_name(opinion['model'])} says {opinion['category']} ({opinion['probability']:.0%})"
        for opinion in detail["opinions"]
    )
    return f"{', '.join(said)}."


def _evidence_differs(evidence: Evidence) -> Hit | None:
    """The score is the share of the hottest areas that the models do not have in common."""
    row = FLAG_LIMITS["evidence_differs"]
    overlap, limit = row.value(evidence), row.find(evidence)
    if not row.is_beyond(overlap, limit):
        return None
    detail = {
        "category": find_agreed(evidence),
        "models": len(evidence.predictions),
        "overlap": overlap,
        "by_chance": BY_CHANCE,
    }
    return Hit(1 - overlap, detail)


def _evidence_differs_reason(detail: Detail) -> str:
    models = "Both" if detail["models"] == 2 else f"All {detail['models']}"
    return (
        f"{models} models say {detail['category']}, but for different parts of the "
        f"photo: what they look at most is the same to {detail['overlap']:.0%}, of unrelated maps "
        f"it is {detail['by_chance']:.0%}."
    )


def _claimed_mismatch(evidence: Evidence) -> Hit | None:
    """By a rate of false alarms where claims were reviewed, else by a margin."""
    if evidence.claim is None:
        return _mismatch_by_margin(evidence)
    return _mismatch_by_rate(evidence, evidence.claim)


def _mismatch_by_rate(evidence: Evidence, claim: JudgedClaim) -> Hit | None:
    """The score is the share of the confirmed claims that are less suspect."""
    row = FLAG_LIMITS["claimed_mismatch"]
    limit = row.find(evidence)
    if not row.is_beyond(claim.share, limit):
        return None
    branch = evidence.limits.find_branch(row.key, evidence.category)
    return Hit(1 - claim.p_value, asdict(claim) | {"promised": limit, "branch": branch})


def _mismatch_by_margin(evidence: Evidence) -> Hit | None:
    """The score is by how much the models together prefer another category."""
    row = FLAG_LIMITS["claimed_mismatch_margin"]
    found, margin = find_likeliest(evidence), row.value(evidence)
    if found is None or not row.is_beyond(margin, row.find(evidence)):
        return None
    likeliest, together = found
    detail = {
        "claimed": evidence.claimed,
        "claimed_probability": together.get(evidence.claimed or "", 0.0),
        "likeliest": likeliest,
        "likeliest_probability": together[likeliest],
    }
    return Hit(margin, detail)


def _claimed_mismatch_reason(detail: Detail) -> str:
    if "p_value" in detail:
        place = (
            f"under {detail['branch']} in this batch" if detail.get("branch") else "in this batch"
        )
        return (
            f"Offered as {detail['claimed']}, but it looks like {detail['likeliest']}: fewer than "
            f"{_percent_above(detail['p_value'])} of {detail['confirmed']:,} right claims look as "
            f"wrong, and of the {detail['flags']:,} flagged so {place} expect at most "
            f"{percent(detail['promised'])} to be unfounded."
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
    row = FLAG_LIMITS["unknown_product"]
    novelty, limit = evidence.novelty, row.find(evidence)
    p_value = measure_novelty(novelty)
    if novelty is None or not row.is_beyond(p_value, limit):
        return None
    detail = {
        "known": novelty.known,
        "rate": limit,
        "nearest": [list(each) for each in novelty.nearest],
    }
    return Hit(1 - p_value, detail)


def _unknown_product_reason(detail: Detail) -> str:
    nearest = ", ".join(path for path, _ in detail["nearest"])
    return (
        f"Less like any category than {percent(1 - detail['rate'])} of {detail['known']:,} decided "
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
            doc="Another listing shows the very same file. Equal is equal, so it has no limit.",
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
            doc="Two models, each sure enough of it, name different categories.",
            rule=_models_disagree,
            reason=_models_disagree_reason,
            asks_category=True,
        ),
        FlagKind(
            key="evidence_differs",
            label="Different evidence",
            severity="hint",
            doc="All models name the same category, but look at different parts of the photo.",
            rule=_evidence_differs,
            reason=_evidence_differs_reason,
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
                "selfie."
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
