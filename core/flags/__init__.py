"""Flags: what a reviewer should look at, and why."""

from core.flags.evidence import Evidence
from core.flags.kinds import CATEGORY_FLAGS, FLAG_KINDS, Finding, FlagKind, raise_flags, reason
from core.flags.limits import FLAG_LIMITS, FlagLimit, percent

__all__ = [
    "CATEGORY_FLAGS",
    "FLAG_KINDS",
    "FLAG_LIMITS",
    "Evidence",
    "Finding",
    "FlagKind",
    "FlagLimit",
    "percent",
    "raise_flags",
    "reason",
]
