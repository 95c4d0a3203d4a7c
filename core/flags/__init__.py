"""Flags: what a reviewer should look at, and why."""

from core.flags.evidence import Evidence
from core.flags.kinds import CATEGORY_FLAGS, FLAG_KINDS, Finding, FlagKind, raise_flags, reason

__all__ = [
    "CATEGORY_FLAGS",
    "FLAG_KINDS",
    "Evidence",
    "Finding",
    "FlagKind",
    "raise_flags",
    "reason",
]
