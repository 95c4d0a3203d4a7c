"""How good a model is: predictions in, figures with intervals out. No torch, no database."""

from core.evaluation.bootstrap import Interval
from core.evaluation.comparison import PairedTest, compare
from core.evaluation.figures import FIGURES, Figure
from core.evaluation.files import (
    Header,
    Picture,
    Pictures,
    PredictionFile,
    PredictionWriter,
    writing,
)
from core.evaluation.grouping import SHOTS, group_labels, group_of
from core.evaluation.predictions import MAX_KEPT, Predictions, predict
from core.evaluation.report import Report, measure
from core.evaluation.tally import Tally

__all__ = [
    "FIGURES",
    "MAX_KEPT",
    "SHOTS",
    "Figure",
    "Header",
    "Interval",
    "PairedTest",
    "Picture",
    "Pictures",
    "PredictionFile",
    "PredictionWriter",
    "Predictions",
    "Report",
    "Tally",
    "compare",
    "group_labels",
    "group_of",
    "measure",
    "predict",
    "writing",
]
