"""How reviewers work: their pace, and how far two of them agree; numpy only."""

from core.people.agreement import Agreement, measure_agreement
from core.people.pace import PAUSE_S, Pace, measure_pace

__all__ = ["PAUSE_S", "Agreement", "Pace", "measure_agreement", "measure_pace"]
