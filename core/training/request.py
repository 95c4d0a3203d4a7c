"""What somebody asks of a training, and the recipe that comes of it."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from core.errors import InvalidInputError
from core.models.architectures import TrainingDefaults, get_architecture


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """A training as asked for; None takes the architecture's default.

    Attributes:
        data: A folder, a CSV file, or a data set in a layout of ``DATA_FORMATS``.
        weights: ``hub``, ``none`` or ``file:PATH``.
        full: With pretrained weights, train the whole network after the classifier; None
            does so where there is a GPU.
    """

    arch: str
    data: Path
    epochs: int | None = None
    image_size_px: int | None = None
    weights: str | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    full: bool | None = None
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self) | {"data": str(self.data)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(**data | {"data": Path(data["data"])})


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides how a network is trained; stored in its checkpoint.

    Attributes:
        learning_rate: Peak of the schedule, for this batch size.
        warm_up: Part of the steps in which the learning rate rises, 0 to 1.
        crop_scale: Smallest part of the picture's area that a random crop shows.
        jitter: Brightness, contrast and saturation change by at most this factor.
        rotation_degrees: Largest turn, either way.
        max_gradient_norm: Longer gradients are shortened to it.
    """

    arch: str
    weights: str
    epochs: int
    image_size_px: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    drop_rate: float
    seed: int
    full: bool | None
    warm_up: float = 0.1
    label_smoothing: float = 0.1
    crop_scale: float = 0.5
    jitter: float = 0.2
    rotation_degrees: float = 10.0
    max_gradient_norm: float = 5.0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def quick_request(arch: str, data: Path, *, seed: int = 0) -> TrainingRequest:
    """Return a request that two CPU cores finish in a minute or two, for a small catalog."""
    quick = get_architecture(arch).quick
    return TrainingRequest(
        arch=arch,
        data=data,
        epochs=quick.epochs,
        image_size_px=quick.image_size_px,
        weights=quick.weights,
        batch_size=quick.batch_size,
        learning_rate=quick.learning_rate,
        seed=seed,
    )


def resolve(request: TrainingRequest) -> Recipe:
    """Fill in the architecture's defaults.

    Raises:
        InvalidInputError: A value is out of its range, or there is no such architecture.
    """
    defaults = get_architecture(request.arch).defaults
    recipe = Recipe(
        arch=request.arch,
        weights=request.weights or defaults.weights,
        epochs=_choose(request.epochs, defaults.epochs),
        image_size_px=_choose(request.image_size_px, defaults.image_size_px),
        batch_size=_choose(request.batch_size, defaults.batch_size),
        learning_rate=_learning_rate(request, defaults),
        weight_decay=defaults.weight_decay,
        drop_rate=defaults.drop_rate,
        seed=request.seed,
        full=request.full,
    )
    _check(recipe)
    return recipe


def _choose(asked: int | None, default: int) -> int:
    return default if asked is None else asked


def _learning_rate(request: TrainingRequest, defaults: TrainingDefaults) -> float:
    """Grow the default with the root of the batch size, as suits Adam."""
    if request.learning_rate is not None:
        return request.learning_rate
    batch_size = _choose(request.batch_size, defaults.batch_size)
    return float(defaults.learning_rate * (batch_size / defaults.batch_size) ** 0.5)


_RANGES = {"epochs": (1, 10_000), "image_size_px": (32, 1024), "batch_size": (2, 4096)}


def _check(recipe: Recipe) -> None:
    for name, (least, most) in _RANGES.items():
        value = getattr(recipe, name)
        if not least <= value <= most:
            raise InvalidInputError(f"{name} is {value}; it must lie from {least} to {most}")
    if recipe.arch == "vit" and recipe.image_size_px % 16:
        raise InvalidInputError(
            f"image_size_px is {recipe.image_size_px}; vit takes multiples of 16"
        )
    if recipe.learning_rate <= 0:
        raise InvalidInputError(f"learning_rate is {recipe.learning_rate}; it must be above 0")
