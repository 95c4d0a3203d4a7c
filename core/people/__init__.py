"""How reviewers work: their pace, how far two agree, what is quietly checked; numpy only."""

from core.people.agreement import Agreement, measure_agreement
from core.people.checks import CHECK_KINDS, CheckKind
from core.people.pace import PAUSE_S, Pace, measure_pace

__all__ = [
    "CHECK_KINDS",
    "PAUSE_S",
    "Agreement",
    "CheckKind",
    "Pace",
    "measure_agreement",
    "measure_pace",
]
