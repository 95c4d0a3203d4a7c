"""Protected goods: what speaks for a listing being a copy of one. Evidence, never a verdict."""

from core.brands.kinds import EVIDENCE_KINDS, EvidenceKind, Finding, find_evidence
from core.brands.listings import BrandTerms, Offer
from core.brands.sightings import Reference, ReferenceKind, Seen, look_for, prepare

__all__ = [
    "EVIDENCE_KINDS",
    "BrandTerms",
    "EvidenceKind",
    "Finding",
    "Offer",
    "Reference",
    "ReferenceKind",
    "Seen",
    "find_evidence",
    "look_for",
    "prepare",
]
