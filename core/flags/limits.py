"""What the kinds of flags compare, and with which limits: one table."""

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from core.flags.evidence import Evidence
from core.mislabel import FALSE_ALARMS
from core.novelty import Assessment
from core.quality import QUALITY_CHECKS, QualityCheck
from core.similarity.kinds import MIN_SAME

SURE = 0.5
"""Calibrated probability from which a model counts as having an opinion."""

MISMATCH_MARGIN = 0.5
"""So much likelier than the claimed category must another one be, while no rate can be promised."""

EVIDENCE_OVERLAP = 0.15
"""Chosen so that at most 2 % of the right labels lie below; of test photos' it was 4.7 % (95 %:
3.5 to 6.2; ``benchmarks.evidence``)."""

UNKNOWN_RATE = 0.02
"""Share of the photos of known products that may be called unknown."""

MIN_KNOWN = 50
"""With fewer decided photos no share that small can be told."""

NOTHING = math.nan
"""Where there is nothing to compare."""

Side = Literal["below", "above", "up to", "from"]
"""Where a value raises the flag; on the limit itself it does from ``up to`` and ``from``."""

Source = Literal["measures", "opinions", "maps", "margins", "claims", "copies", "known"]
"""What the values are read from; ``SOURCES`` in ``core.services.limit_sources`` has a row each."""

_IS_BEYOND: Mapping[Side, Callable[[float, float], bool]] = {
    "below": operator.lt,
    "above": operator.gt,
    "up to": operator.le,
    "from": operator.ge,
}


@dataclass(frozen=True, slots=True)
class FlagLimit:
    """A limit that can be moved, and what is held against it.

    Attributes:
        key: Stored with each limit that somebody set, so never renamed. A flag's first limit
            has its key.
        flag: Key of ``FLAG_KINDS``.
        value: What is compared, one a photo; NaN raises nothing.
        side: On which side of the limit a photo is flagged.
        limit: What holds where nobody set another.
        lowest: What can be set, as ``highest``.
        unit: Unit of ``value`` and of the limits.
        how: How the value comes about.
        when: When this limit counts, where a flag has several.
        promise: What follows from the limit, with the place ``{limit}``; empty where nothing does.
    """

    key: str
    flag: str
    label: str
    value: Callable[[Evidence], float]
    side: Side
    limit: float
    lowest: float
    highest: float
    unit: str
    how: str
    source: Source
    when: str = ""
    promise: str = ""

    def find(self, evidence: Evidence) -> float:
        """Return the limit that holds for the photo's category."""
        found = evidence.limits.find(self.key, evidence.category)
        return self.limit if found is None else found

    def is_beyond(self, value: float, limit: float) -> bool:
        """Whether the value lies on the doubtful side of the limit; NaN never does."""
        return _IS_BEYOND[self.side](value, limit)

    @property
    def is_worse_above(self) -> bool:
        return self.side in ("above", "from")

    def promised(self, limit: float) -> str:
        """Say what can be expected at the limit; empty where nothing can."""
        return self.promise.format(limit=percent(limit))


def percent(share: float) -> str:
    """Write a share as it was typed: 10%, 2.5%."""
    return f"{100 * share:.4g}%"


def find_dissent(evidence: Evidence) -> tuple[tuple[str, str, float], ...]:
    """Return (model, category, probability) of the surest model, and of the surest that differs.

    Nothing where no two models name different categories.
    """
    said = sorted(
        (-probability, model, category)
        for model, top in evidence.predictions.items()
        for category, probability in top[:1]
    )
    for other in said[1:]:
        if other[2] != said[0][2]:
            return tuple(
                (model, category, -negative) for negative, model, category in (said[0], other)
            )
    return ()


def find_agreed(evidence: Evidence) -> str | None:
    """Return the category that all models, at least two, find likeliest; None without one."""
    named = [top[0][0] for top in evidence.predictions.values() if top]
    return named[0] if len(named) > 1 and len(set(named)) == 1 else None


def find_likeliest(evidence: Evidence) -> tuple[str, Mapping[str, float]] | None:
    """Return the category that the models together prefer to the claimed one, and what they say.

    None where nothing is claimed, or nothing contradicts it.
    """
    together = evidence.mean_probabilities()
    if evidence.claimed is None or not together:
        return None
    likeliest = max(together, key=lambda category: together[category])
    return None if is_same_branch(likeliest, evidence.claimed) else (likeliest, together)


def is_same_branch(one: str, other: str) -> bool:
    """Whether one path is the other or lies above it: ``Home`` and ``Home > Mug`` agree."""
    shorter, longer = sorted((one, other), key=len)
    return f"{longer} > ".startswith(f"{shorter} > ")


def measure_novelty(novelty: Assessment | None) -> float:
    """Return the photo's p-value; NaN where too little is known, or it was recognised."""
    if novelty is None or novelty.p_value is None or novelty.recognised is not None:
        return NOTHING
    return novelty.p_value if novelty.known >= MIN_KNOWN else NOTHING


def _measure_dissent(evidence: Evidence) -> float:
    dissent = find_dissent(evidence)
    return dissent[1][2] if dissent else NOTHING


def _measure_overlap(evidence: Evidence) -> float:
    if evidence.overlap is None or find_agreed(evidence) is None:
        return NOTHING
    return evidence.overlap


def _measure_margin(evidence: Evidence) -> float:
    found = find_likeliest(evidence)
    if found is None or evidence.claimed is None:
        return NOTHING
    likeliest, together = found
    return together[likeliest] - together.get(evidence.claimed, 0.0)


def _of_check(check: QualityCheck) -> FlagLimit:
    return FlagLimit(
        key=check.key,
        flag=check.key,
        label=check.label,
        value=lambda evidence: check.value(evidence.measures),
        side=check.side,
        limit=check.limit,
        lowest=0.0,
        highest=check.highest,
        unit=check.unit,
        how=check.how,
        source="measures",
    )


FLAG_LIMITS: dict[str, FlagLimit] = {
    row.key: row
    for row in (
        *map(_of_check, QUALITY_CHECKS.values()),
        FlagLimit(
            key="near_duplicate",
            flag="near_duplicate",
            label="Same picture",
            value=lambda evidence: max(
                (share for _, share in evidence.same_picture), default=NOTHING
            ),
            side="from",
            limit=MIN_SAME,
            lowest=MIN_SAME,
            highest=1.0,
            unit="share that is the same",
            how="share of the blocks that agree once the closest copy is laid on the photo; less "
            f"than {MIN_SAME:g} is never kept as a copy",
            source="copies",
        ),
        FlagLimit(
            key="models_disagree",
            flag="models_disagree",
            label="Models disagree",
            value=_measure_dissent,
            side="from",
            limit=SURE,
            lowest=0.0,
            highest=1.0,
            unit="probability",
            how="calibrated probability that the less sure of two models gives its category",
            source="opinions",
        ),
        FlagLimit(
            key="evidence_differs",
            flag="evidence_differs",
            label="Different evidence",
            value=_measure_overlap,
            side="below",
            limit=EVIDENCE_OVERLAP,
            lowest=0.0,
            highest=1.0,
            unit="share in common",
            how="share that the hottest fifths of two heat maps have in common, mean of all pairs; "
            "unrelated maps come to 0.2",
            source="maps",
        ),
        FlagLimit(
            key="claimed_mismatch",
            flag="claimed_mismatch",
            label="Claimed category differs",
            value=lambda evidence: evidence.claim.share if evidence.claim else NOTHING,
            side="up to",
            limit=FALSE_ALARMS,
            lowest=0.0,
            highest=0.5,
            unit="share unfounded",
            how="least share of unfounded flags at which the claim is flagged, by its p-value "
            "beside confirmed claims (Benjamini and Hochberg)",
            source="claims",
            when="This limit counts where enough claims were reviewed.",
            promise="Of the flags raised together in a batch, expect at most {limit} unfounded.",
        ),
        FlagLimit(
            key="claimed_mismatch_margin",
            flag="claimed_mismatch",
            label="Claimed category differs, by margin",
            value=_measure_margin,
            side="from",
            limit=MISMATCH_MARGIN,
            lowest=0.0,
            highest=1.0,
            unit="probability",
            how="mean probability of the likeliest category minus that of the claimed one",
            source="margins",
            when="This limit counts while too few claims were reviewed to promise a share.",
        ),
        FlagLimit(
            key="unknown_product",
            flag="unknown_product",
            label="Unknown product",
            value=lambda evidence: measure_novelty(evidence.novelty),
            side="up to",
            limit=UNKNOWN_RATE,
            lowest=0.0,
            highest=0.5,
            unit="share of known photos",
            how="share of the n known photos that are as unlike all categories, never below "
            "1 / (n + 1)",
            source="known",
            promise="Of new photos of known products, expect {limit} to be flagged as well.",
        ),
    )
}
"""By key, in the order of ``FLAG_KINDS``."""
