"""Flags: what a reviewer should look at, and why."""

from core.flags.evidence import Evidence
from core.flags.kinds import FLAG_KINDS, Finding, FlagKind, raise_flags, reason

__all__ = ["FLAG_KINDS", "Evidence", "Finding", "FlagKind", "raise_flags", "reason"]
