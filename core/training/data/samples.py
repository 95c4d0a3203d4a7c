"""What a data set is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.errors import InvalidInputError
from core.evaluation.grouping import SEPARATOR, group_of

Part = Literal["train", "validation", "test"]

PART_NAMES: Mapping[str, Part] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}
"""What folders and split columns may call a part."""

# As the table of categories holds them: a longer one could not be registered after hours of work.
_MAX_NAME_LENGTH, _MAX_LABEL_LENGTH = 200, 1000


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled picture.

    Attributes:
        label: Category path, ``A > B``.
        part: Where the data's own split puts it; None leaves that to us.
        item: Pictures of one item (a listing) are never split; empty stands for itself.
    """

    path: Path
    label: str
    part: Part | None = None
    item: str = ""

    @property
    def group(self) -> str:
        """The coarse category: the label's parent; a label of one level is its own."""
        return group_of(self.label)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Labelled pictures, ordered by path.

    Attributes:
        name: For people: the last part of the path.
        format: Key of ``DATA_FORMATS``, or ``reviewed``.
        passed_over: Files beside them that are not used: no pictures by their names, or in
            no category.
    """

    name: str
    format: str
    samples: tuple[Sample, ...]
    passed_over: tuple[Path, ...] = ()


def make_label(*names: str) -> str:
    """Return the category path of names, from the root; a name may be a path itself.

    Raises:
        InvalidInputError: A name is empty, cannot be shown, or is too long for the table of
            categories.
    """
    parts = [" ".join(part.split()) for name in names for part in name.split(">")]
    label = SEPARATOR.join(parts)
    if not all(parts):
        raise InvalidInputError(f"the category {label!r} has a level without a name")
    if not label.isprintable():
        raise InvalidInputError(f"the category {label!r} has characters that cannot be shown")
    if len(label) > _MAX_LABEL_LENGTH or max(map(len, parts)) > _MAX_NAME_LENGTH:
        raise InvalidInputError(
            f"the category {label[:60]!r}… has {len(label)} characters; a path has at most "
            f"{_MAX_LABEL_LENGTH}, each of its names {_MAX_NAME_LENGTH}"
        )
    return label
