"""What somebody asks of a training."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from core.training.presets import make_recipe
from core.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """A training as asked for.

    Attributes:
        data: A folder, a CSV file, a data set in a layout of ``DATA_FORMATS``, or
            ``reviewed``.
        preset: Key of ``PRESETS``.
        changes: Fields of the recipe, by name.
    """

    arch: str
    data: str
    preset: str = "default"
    changes: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        return cls(**data)

    def resolve(self) -> Recipe:
        """Return the recipe.

        Raises:
            InvalidInputError: A value is out of its range, or there is no such architecture,
                preset or field.
        """
        return make_recipe(self.arch, self.preset, self.changes)


def quick_request(arch: str, data: Path, *, seed: int = 0) -> TrainingRequest:
    """Return a request that two CPU cores finish in a minute or two, for a small catalog."""
    return TrainingRequest(arch, str(data), preset="quick", changes={"seed": seed})
