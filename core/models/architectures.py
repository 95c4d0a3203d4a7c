"""The table of architectures. A new one is one row here and one case in the tests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import timm
from timm.models import get_pretrained_cfg
from timm.models.vision_transformer import checkpoint_filter_fn
from torch import Tensor, nn

from core.errors import InvalidInputError
from core.models.custom_cnn import CustomCNN
from core.models.preprocessing import Geometry, Preprocessing

StateDict = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class TrainingDefaults:
    """How an architecture is trained when nobody says otherwise.

    Attributes:
        weights: ``hub`` (timm's pretrained), ``none``, or ``file:PATH``.
        learning_rate: Peak of the schedule, for this batch size.
        drop_rate: Dropout before the classifier.
    """

    weights: str
    image_size_px: int
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    drop_rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Architecture:
    """One row: all that is true of a network and nothing else.

    Every network offers timm's ``forward_features``, ``forward_head(…, pre_logits=True)``
    and ``get_classifier``; the pooled features before the classifier are the embedding.

    Attributes:
        key: Stored in the database and in checkpoints, so never renamed.
        build: ``(num_classes, image_size_px, drop_rate)`` to a network with random weights.
        preprocessing: Image size in pixels to what the network was made for.
        cam_layer: The layer whose activations Grad-CAM weighs.
        cam_reshape: Network to a function that makes its activations (B, C, H, W); None
            where they are that already.
        hub_name: Name of the pretrained network in timm; None has none.
        adapt_weights: ``(state dict, network)`` to a state dict for the network's input size.
        quick: Trains on two CPU cores in a minute or two; for the sample catalog.
    """

    key: str
    label: str
    build: Callable[[int, int, float], nn.Module]
    preprocessing: Callable[[int], Preprocessing]
    cam_layer: Callable[[Any], nn.Module]
    cam_reshape: Callable[[Any], Callable[[Tensor], Tensor]] | None
    hub_name: str | None
    adapt_weights: Callable[..., StateDict] | None
    defaults: TrainingDefaults
    quick: TrainingDefaults


def get_architecture(key: str) -> Architecture:
    """Return the row.

    Raises:
        InvalidInputError: There is none of this key.
    """
    if key not in ARCHITECTURES:
        raise InvalidInputError(
            f"no architecture is called {key!r}; there are {', '.join(ARCHITECTURES)}"
        )
    return ARCHITECTURES[key]


def embed(network: Any, batch: Tensor) -> Tensor:
    """Return the features before the classifier, (N, D), of normalised (N, 3, S, S) images."""
    features: Tensor = network.forward_head(network.forward_features(batch), pre_logits=True)
    return features


def count_parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _timm_preprocessing(hub_name: str) -> Callable[[int], Preprocessing]:
    config: Any = get_pretrained_cfg(hub_name)
    geometry = Geometry(config.input_size[-1], config.crop_pct, config.interpolation)
    base = Preprocessing(geometry, config.mean, config.std)
    return _at_size(base)


def _at_size(base: Preprocessing) -> Callable[[int], Preprocessing]:
    return lambda size_px: replace(base, geometry=replace(base.geometry, size_px=size_px))


def _build_custom_cnn(num_classes: int, _image_size_px: int, drop_rate: float) -> nn.Module:
    return CustomCNN(num_classes, dropout=drop_rate)


def _build_resnet50(num_classes: int, _image_size_px: int, drop_rate: float) -> nn.Module:
    network: nn.Module = timm.create_model("resnet50", num_classes=num_classes, drop_rate=drop_rate)
    return network


def _build_vit(num_classes: int, image_size_px: int, drop_rate: float) -> nn.Module:
    network: nn.Module = timm.create_model(
        "vit_small_patch16_224",
        num_classes=num_classes,
        img_size=image_size_px,
        drop_rate=drop_rate,
    )
    return network


def _tokens_to_map(network: Any) -> Callable[[Tensor], Tensor]:
    rows, columns = network.patch_embed.grid_size
    prefix = network.num_prefix_tokens

    def reshape(tokens: Tensor) -> Tensor:
        patches = tokens[:, prefix:]  # (B, rows * columns, D)
        return patches.reshape(len(patches), rows, columns, -1).permute(0, 3, 1, 2)

    return reshape


_ROWS = (
    Architecture(
        key="custom_cnn",
        label="Custom CNN",
        build=_build_custom_cnn,
        preprocessing=_at_size(
            Preprocessing(Geometry(112, 0.9, "bicubic"), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
        ),
        cam_layer=lambda network: network.stages[-1],
        cam_reshape=None,
        hub_name=None,
        adapt_weights=None,
        defaults=TrainingDefaults(
            weights="none",
            image_size_px=112,
            epochs=40,
            batch_size=64,
            learning_rate=2e-3,
            weight_decay=0.05,
            drop_rate=0.2,
        ),
        quick=TrainingDefaults(
            weights="none",
            image_size_px=64,
            epochs=14,
            batch_size=16,
            learning_rate=2e-3,
            weight_decay=0.05,
            drop_rate=0.1,
        ),
    ),
    Architecture(
        key="resnet50",
        label="ResNet-50",
        build=_build_resnet50,
        preprocessing=_timm_preprocessing("resnet50"),
        cam_layer=lambda network: network.layer4[-1],
        cam_reshape=None,
        hub_name="resnet50",
        adapt_weights=None,
        defaults=TrainingDefaults(
            weights="hub",
            image_size_px=224,
            epochs=12,
            batch_size=64,
            learning_rate=1e-3,
            weight_decay=0.05,
        ),
        quick=TrainingDefaults(
            weights="none",
            image_size_px=48,
            epochs=8,
            batch_size=16,
            learning_rate=1e-3,
            weight_decay=0.05,
        ),
    ),
    Architecture(
        key="vit",
        label="Vision Transformer",
        build=_build_vit,
        preprocessing=_timm_preprocessing("vit_small_patch16_224"),
        cam_layer=lambda network: network.blocks[-1].norm1,
        cam_reshape=_tokens_to_map,
        hub_name="vit_small_patch16_224",
        adapt_weights=checkpoint_filter_fn,
        defaults=TrainingDefaults(
            weights="hub",
            image_size_px=224,
            epochs=12,
            batch_size=64,
            learning_rate=5e-4,
            weight_decay=0.05,
        ),
        quick=TrainingDefaults(
            weights="none",
            image_size_px=64,
            epochs=10,
            batch_size=16,
            learning_rate=3e-4,
            weight_decay=0.05,
        ),
    ),
)

ARCHITECTURES: Mapping[str, Architecture] = {row.key: row for row in _ROWS}
