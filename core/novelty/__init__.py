"""How unlike everything known a photo is, and new categories from a few examples. numpy only."""

from core.novelty.grouping import group_similar
from core.novelty.known import EXAMPLES, MIN_CATEGORIES, Assessment, Known
from core.novelty.methods import NOVELTY_METHODS, NoveltyMethod, Scorer
from core.novelty.prototypes import Prototypes, Recognition, make_prototype, recognise
from core.novelty.reference import Reference

__all__ = [
    "EXAMPLES",
    "MIN_CATEGORIES",
    "NOVELTY_METHODS",
    "Assessment",
    "Known",
    "NoveltyMethod",
    "Prototypes",
    "Recognition",
    "Reference",
    "Scorer",
    "group_similar",
    "make_prototype",
    "recognise",
]
