"""A checkpoint: one safetensors file that holds the weights and all it takes to use them.

The header's metadata carries the card (JSON) and a seal, the SHA-256 over card and tensors.
Nothing is ever unpickled.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from core.errors import CheckpointError
from core.models.architectures import ARCHITECTURES, STEMS, NetworkOptions, count_parameters
from core.models.custom_cnn import ATTENTION
from core.models.preprocessing import Preprocessing
from core.storage import write_whole

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a network is and how it came to be; written into its checkpoint.

    Attributes:
        labels: Category paths in the order of the network's outputs.
        temperature: Logits are divided by it before the softmax.
        mirrored: The logits are the mean over the picture and its mirror image.
        attention: Block of the custom CNN, a key of ``ATTENTION``.
        blocks: Of each of its stages.
        stem: What makes the transformer's tokens, a key of ``STEMS``.
        metrics: The evaluation, in the shape of ``core.evaluation.metrics.Metrics``.
    """

    arch: str
    labels: tuple[str, ...]
    preprocessing: Preprocessing
    temperature: float = 1.0
    mirrored: bool = False
    attention: str = "none"
    blocks: int = 1
    stem: str = "patches"
    metrics: Mapping[str, Any] = field(default_factory=dict)

    @property
    def image_size_px(self) -> int:
        return self.preprocessing.geometry.size_px

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT_VERSION, **asdict(self)}, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "ModelCard":
        """Read what ``to_json`` wrote.

        Raises:
            KeyError, TypeError, ValueError: It is something else.
        """
        data = dict(json.loads(text))
        version = data.pop("format")
        if version != FORMAT_VERSION:
            raise ValueError(f"format {version!r}; this version reads {FORMAT_VERSION}")
        preprocessing = Preprocessing.from_dict(data.pop("preprocessing"))
        labels = tuple(map(str, data.pop("labels")))
        return cls(preprocessing=preprocessing, labels=labels, **data)


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A network ready for inference, on the CPU, with its card.

    Attributes:
        digest: SHA-256 of the checkpoint file.
        network: In evaluation mode; its parameters want no gradient.
    """

    digest: str
    card: ModelCard
    network: nn.Module

    @property
    def arch(self) -> str:
        return self.card.arch

    @property
    def labels(self) -> tuple[str, ...]:
        return self.card.labels

    @property
    def preprocessing(self) -> Preprocessing:
        return self.card.preprocessing

    @property
    def temperature(self) -> float:
        return self.card.temperature

    @property
    def parameters(self) -> int:
        return count_parameters(self.network)


def save(path: Path, *, network: nn.Module, card: ModelCard) -> str:
    """Write the checkpoint, all of it or nothing, and return its digest."""
    tensors = {name: t.detach().cpu().contiguous() for name, t in network.state_dict().items()}
    text = card.to_json()
    metadata = {"catalens": text, "seal": _seal(text, tensors)}
    data = safetensors.torch.save(tensors, metadata=metadata)
    write_whole(path, data)
    return hashlib.sha256(data).hexdigest()


def load(path: Path, *, digest: str | None = None) -> LoadedModel:
    """Read and verify a checkpoint.

    Args:
        digest: SHA-256 that the file must have; None takes the file at its word, and its
            seal then tells damage from truth.

    Raises:
        CheckpointError: The file is missing, damaged, cut short, or no checkpoint of ours.
    """
    data = _read(path)
    found = hashlib.sha256(data).hexdigest()
    if digest is not None and found != digest:
        raise CheckpointError(
            f"{path} is damaged: its SHA-256 is {found}, not {digest}; copy it again"
        )
    text, tensors = _unpack(path, data)
    card = _read_card(path, text)
    return LoadedModel(digest=found, card=card, network=_build(path, card, tensors))


def _seal(card: str, tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(card.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error


def _unpack(path: Path, data: bytes) -> tuple[str, dict[str, Tensor]]:
    try:
        tensors = safetensors.torch.load(data)
        metadata = _read_metadata(data)
        card, seal = metadata["catalens"], metadata["seal"]
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} is no checkpoint of Catalens: {error!r}") from error
    if seal != _seal(card, tensors):
        raise CheckpointError(f"{path} is damaged: its content does not match its seal")
    return card, tensors


def _read_metadata(data: bytes) -> dict[str, str]:
    """Return the header's free part; ``safetensors.torch.load`` has checked the header."""
    length = int.from_bytes(data[:8], "little")
    metadata: dict[str, str] = json.loads(data[8 : 8 + length]).get("__metadata__", {})
    return metadata


def _read_card(path: Path, text: str) -> ModelCard:
    try:
        card = ModelCard.from_json(text)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"the card of {path} cannot be read: {error!r}") from error
    if card.arch not in ARCHITECTURES:
        raise CheckpointError(
            f"{path} holds the architecture {card.arch!r}; this version knows "
            f"{', '.join(ARCHITECTURES)}"
        )
    for name, known in (("attention", ATTENTION), ("stem", STEMS)):
        if (value := getattr(card, name)) not in tuple(known):
            raise CheckpointError(
                f"{path} holds the {name} {value!r}; this version knows {', '.join(known)}"
            )
    if not card.labels or len(set(card.labels)) != len(card.labels):
        raise CheckpointError(f"the {len(card.labels)} labels of {path} are none, or not distinct")
    if not (math.isfinite(card.temperature) and card.temperature > 0):
        raise CheckpointError(f"the temperature of {path} is {card.temperature}; it must be > 0")
    return card


def _build(path: Path, card: ModelCard, tensors: Mapping[str, Tensor]) -> nn.Module:
    with torch.device("meta"):  # the weights come from the file: draw none, hold none twice
        options = NetworkOptions(attention=card.attention, blocks=card.blocks, stem=card.stem)
        network = ARCHITECTURES[card.arch].build(len(card.labels), card.image_size_px, options)
    try:
        network.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        raise CheckpointError(
            f"the weights of {path} do not fit a {card.arch} of {len(card.labels)} labels "
            f"at {card.image_size_px} px: {error}"
        ) from error
    return network.eval().requires_grad_(False)
