"""Photo quality: what is measured on a picture, and which values are doubtful."""

from core.quality.checks import QUALITY_CHECKS, QualityCheck, Severity
from core.quality.limits import Limits
from core.quality.measures import ImageMeasures, measure

__all__ = ["QUALITY_CHECKS", "ImageMeasures", "Limits", "QualityCheck", "Severity", "measure"]
