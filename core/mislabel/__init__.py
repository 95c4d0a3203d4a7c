"""Which listings are claimed to be of a wrong category, and how sure that is. Arrays only."""

from core.mislabel.alarms import conformal_p_values, false_alarm_rates
from core.mislabel.claims import FALSE_ALARMS, MIN_CONFIRMED, JudgedClaim
from core.mislabel.scoring import Suspicions, score_labels

__all__ = [
    "FALSE_ALARMS",
    "MIN_CONFIRMED",
    "JudgedClaim",
    "Suspicions",
    "conformal_p_values",
    "false_alarm_rates",
    "score_labels",
]
