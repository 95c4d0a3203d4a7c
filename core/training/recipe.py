"""How a network is trained: one frozen dataclass, and what may stand in it."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args, get_type_hints

from core.errors import InvalidInputError

Scaling = Literal["architecture", "unit"]
Attention = Literal["none", "squeeze_excite", "cbam", "pooling"]
Stem = Literal["patches", "convolutions"]
Keep = Literal["best", "last"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that decides how a network is trained; stored in its checkpoint.

    Probabilities and shares are 0 to 1; 0 turns the thing off.

    Attributes:
        weights: ``hub`` (timm's pretrained), ``package`` (of an installed Python package),
            ``none`` (random), or ``file:PATH``.
        head_first: With pretrained weights, first fit the classifier alone, on features
            computed once.
        full: With pretrained weights, train the whole network after the classifier; None
            does so where there is a GPU, or a teacher.
        image_size_px: Side of the square that the network sees in use.
        start_size_px: Side in the first epoch; it grows in steps of 32 until three quarters
            of the epochs are done. 0 is ``end_size_px`` from the start.
        end_size_px: Side in the last quarter; 0 is ``image_size_px``. A crop shows things
            larger than a whole picture does, so fewer pixels of it show them as large as they
            are in use (Touvron et al., "Fixing the train-test resolution discrepancy",
            arXiv:1906.06423).
        epochs: Times each picture is seen.
        batch_size: Pictures in one forward pass, over all processes.
        accumulation: Passes whose gradients are averaged into one step.
        learning_rate: Peak of the schedule, for this batch size.
        layer_decay: Each layer below the classifier learns at this share of the rate above it.
        warm_up: Share of the steps in which the learning rate rises; then it falls in a cosine.
        max_gradient_norm: Longer gradients are shortened to it.
        ema_decay: The network that is kept is the moving average of the weights, 1 - decay of
            it new at each step; warmed up, so that it serves short trainings too.
        patience: Stop after so many epochs without a better validation; 0 never does.
        keep: Keep the epoch with the best validation, or the last one.
        frozen: Share of the layers, from the input on, that stay as they are, their batch
            norm's statistics too.
        batch_statistics: Batch norm goes by each batch in training; false keeps it to the
            statistics of the pretrained network, by which its features mean something.
        drop_rate: Dropout before the classifier.
        drop_path_rate: Share of residual branches skipped in the last block; less before it.
        crop_scale: Smallest part of the picture's area that a random crop shows.
        flip: Probability of a mirrored view.
        rotation_degrees: Largest turn, either way.
        jitter: Brightness, contrast and saturation change by at most this factor.
        trivial_augment: One random operation a view (Müller and Hutter, arXiv:2103.10158).
        erasing: Probability that a rectangle is painted over.
        mixup: Alpha of the Beta distribution by which two pictures are mixed.
        cutmix: The same for a rectangle of another picture; with both, either by turns.
        imbalance: Key of ``IMBALANCE``, against categories of unequal size.
        scaling: Mean and deviation of the architecture, or pixels to 0..1 and no more.
        attention: Block of the custom CNN.
        blocks: Pairs of convolutions with a short cut in each stage of the custom CNN.
        stem: What makes the transformer's tokens, a key of ``STEMS``.
        stem_from: A trained custom CNN with whose weights the convolutions of the stem begin;
            empty draws them.
        mirrored: Predict the mean of a picture and its mirror image; doubles the cost.
        teacher: A trained version that the network imitates; empty has none.
        teacher_temperature: Softens the teacher's probabilities and the network's.
        teacher_size_px: Side of the views as the teacher sees them; 0 is its own size. A crop
            shows things larger than a whole picture does, so a teacher needs fewer pixels of
            it, too.
        teacher_share: Of the loss; the rest is that of the labels.
        teacher_features: Weight of a further loss, by which the network's features, turned by
            a linear map, shall point where the teacher's do, at each place of the picture. It
            helps a network most that knows nothing of neighbourhood (Li et al., "Locality
            guidance for improving vision transformers on tiny datasets", arXiv:2207.10026).
    """

    arch: str
    weights: str
    head_first: bool = True
    full: bool | None = None
    seed: int = 0
    image_size_px: int
    start_size_px: int = 0
    end_size_px: int = 0
    epochs: int
    batch_size: int
    accumulation: int = 1
    learning_rate: float
    layer_decay: float = 1.0
    weight_decay: float = 0.05
    warm_up: float = 0.1
    max_gradient_norm: float = 5.0
    ema_decay: float = 0.0
    label_smoothing: float = 0.1
    patience: int = 0
    keep: Keep = "best"
    frozen: float = 0.0
    batch_statistics: bool = True
    drop_rate: float = 0.0
    drop_path_rate: float = 0.0
    crop_scale: float = 0.5
    flip: float = 0.5
    rotation_degrees: float = 10.0
    jitter: float = 0.2
    trivial_augment: bool = False
    erasing: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    imbalance: str = "none"
    scaling: Scaling = "architecture"
    attention: Attention = "none"
    blocks: int = 1
    stem: Stem = "patches"
    stem_from: str = ""
    mirrored: bool = False
    teacher: str = ""
    teacher_temperature: float = 1.0
    teacher_size_px: int = 0
    teacher_share: float = 1.0
    teacher_features: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def size_at(self, epoch: int) -> int:
        """Return the side in pixels of the views of an epoch, counted from 1."""
        grown = min(1.0, (epoch - 1) / max(1, math.ceil(0.75 * self.epochs)))
        end = self.end_size_px or self.image_size_px
        start = self.start_size_px or end
        if grown == 1 or start == end:
            return end
        return min(end, 32 * round((start + grown * (end - start)) / 32))


# --- against categories of unequal size --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Imbalance:
    """A way to make up for categories of unequal size."""

    key: str
    label: str


IMBALANCE: Mapping[str, Imbalance] = {
    row.key: row
    for row in (
        Imbalance("none", "as they come"),
        Imbalance("oversample", "each category seen equally often"),
        Imbalance("oversample_sqrt", "seen by the root of its size"),
        Imbalance("class_weights", "loss divided by the size"),
        Imbalance("balanced_softmax", "logits shifted by the size (arXiv:2007.10740)"),
        Imbalance("focal", "loss of what is easy counts less (arXiv:1708.02002)"),
    )
}


_OF_LABELS = {"class_weights", "balanced_softmax", "focal"}  # the others draw pictures


def imbalance_keys(recipe: Recipe) -> tuple[str, ...]:
    """Return the ways chosen: one, but two joined by ``+`` in the preset ``published``."""
    return tuple(recipe.imbalance.split("+"))


# --- checking ------------------------------------------------------------------------------------

_TINY = 1e-12  # above zero

_RANGES: Mapping[str, tuple[float, float]] = {
    "seed": (0, 2**32 - 1),
    "image_size_px": (32, 1024),
    "start_size_px": (0, 1024),
    "end_size_px": (0, 1024),
    "epochs": (1, 10_000),
    "batch_size": (2, 4096),
    "accumulation": (1, 1024),
    "learning_rate": (_TINY, 100),
    "layer_decay": (_TINY, 1),
    "weight_decay": (0, 10),
    "warm_up": (0, 1),
    "max_gradient_norm": (_TINY, math.inf),
    "ema_decay": (0, 0.999999),
    "label_smoothing": (0, 0.9),
    "patience": (0, 10_000),
    "frozen": (0, 1),
    "drop_rate": (0, 0.95),
    "drop_path_rate": (0, 0.95),
    "crop_scale": (0.01, 1),
    "flip": (0, 1),
    "rotation_degrees": (0, 180),
    "jitter": (0, 1),
    "erasing": (0, 1),
    "mixup": (0, 10),
    "cutmix": (0, 10),
    "blocks": (1, 8),
    "teacher_temperature": (0.01, 100),
    "teacher_size_px": (0, 1024),
    "teacher_share": (0, 1),
    "teacher_features": (0, 1000),
}


def check_recipe(recipe: Recipe, *, is_published: bool) -> None:
    """Raise InvalidInputError when a value is out of its range, or two do not go together.

    Args:
        is_published: It is of the preset ``published``, which may do what nobody should.
    """
    for name, (least, most) in _RANGES.items():
        value = getattr(recipe, name)
        if not least <= value <= most:  # no number lies nowhere
            bounds = f"from {least} to {most}" if least != _TINY else f"above 0, at most {most}"
            raise InvalidInputError(f"{name} is {value}; it must lie {bounds}")
    for name, kind in get_type_hints(Recipe).items():
        allowed = get_args(kind) if kind in (Scaling, Attention, Stem, Keep) else ()
        if allowed and getattr(recipe, name) not in allowed:
            raise InvalidInputError(
                f"{name} is {getattr(recipe, name)!r}; it may be {', '.join(allowed)}"
            )
    _check_sizes(recipe)
    _check_imbalance(recipe, is_published=is_published)
    _check_choices(recipe, is_published=is_published)


def _check_sizes(recipe: Recipe) -> None:
    later, most = "image_size_px", recipe.image_size_px
    for name in ("end_size_px", "start_size_px"):
        size = getattr(recipe, name)
        if size and not 32 <= size <= most:
            raise InvalidInputError(
                f"{name} is {size}; it must lie from 32 to {later}, {most}, or be 0"
            )
        later, most = (name, size) if size else (later, most)
    if recipe.teacher_size_px and recipe.teacher_size_px < recipe.image_size_px:
        raise InvalidInputError(
            f"teacher_size_px is {recipe.teacher_size_px}; views are made at this size, so it must "
            f"be at least image_size_px, {recipe.image_size_px}, or 0"
        )
    if recipe.teacher_size_px % 16:
        raise InvalidInputError(
            f"teacher_size_px is {recipe.teacher_size_px}; teachers take multiples of 16"
        )
    for name in ("image_size_px", "start_size_px", "end_size_px"):
        if recipe.arch == "vit" and getattr(recipe, name) % 16:
            raise InvalidInputError(f"{name} is {getattr(recipe, name)}; vit takes multiples of 16")


def _check_imbalance(recipe: Recipe, *, is_published: bool) -> None:
    keys = imbalance_keys(recipe)
    for key in keys:
        check_key("way against imbalance", key, IMBALANCE)
    if len(keys) > 1 and not is_published:
        raise InvalidInputError(
            f"imbalance is {recipe.imbalance!r}: choose one. Two correct the same thing twice: "
            "a category seen n times then weighs 1/n, so that the rare ones dominate as badly "
            "as the common ones did. Only the preset 'published' shows what that does"
        )
    if recipe.teacher and recipe.teacher_share == 1 and _OF_LABELS & set(keys):
        raise InvalidInputError(
            f"imbalance is {recipe.imbalance!r}, which changes the loss of the labels; with "
            "teacher_share 1 the teacher's is the only one. Choose a smaller share, oversample "
            "or oversample_sqrt"
        )


def _check_choices(recipe: Recipe, *, is_published: bool) -> None:
    if recipe.scaling == "unit" and recipe.arch != "custom_cnn" and not is_published:
        raise InvalidInputError(
            f"scaling 'unit' is for custom_cnn: {recipe.arch} was made for pixels of another "
            "mean and deviation. The preset 'published' shows what it does"
        )
    if (recipe.attention, recipe.blocks) != ("none", 1) and recipe.arch != "custom_cnn":
        raise InvalidInputError(
            f"attention and blocks are options of custom_cnn, not of {recipe.arch}"
        )
    if recipe.stem != "patches" and (recipe.arch != "vit" or recipe.weights == "hub"):
        raise InvalidInputError(
            f"stem {recipe.stem!r} is an option of vit without weights from the hub, which look "
            f"at patches; this is {recipe.arch} with {recipe.weights!r}"
        )
    if recipe.stem_from and (recipe.stem, recipe.weights) != ("convolutions", "none"):
        raise InvalidInputError(
            f"stem_from is {recipe.stem_from!r}, which begins a stem of convolutions among random "
            f"weights; the stem is {recipe.stem!r} and the weights are {recipe.weights!r}"
        )
    if recipe.teacher and recipe.full is False and recipe.weights != "none":
        raise InvalidInputError(
            f"a teacher ({recipe.teacher}) teaches the whole network; full is false, which trains "
            "the classifier alone"
        )
    fixed = recipe.frozen or not recipe.batch_statistics
    if fixed and recipe.weights == "none" and not is_published:
        raise InvalidInputError(
            "frozen layers and batch norm without batch_statistics need pretrained weights; "
            "random ones must learn"
        )


def check_key(what: str, key: str, table: Mapping[str, Any]) -> None:
    """Raise InvalidInputError when the table has no such key."""
    if key not in table:
        raise InvalidInputError(f"no {what} is called {key!r}; there are {', '.join(table)}")
