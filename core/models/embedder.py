"""The network whose features are stored with each photo, to compare photos by."""

import hashlib
from dataclasses import dataclass

from torch import nn

from core.models.architectures import get_architecture
from core.models.checkpoint import LoadedModel
from core.models.preprocessing import Preprocessing
from core.models.weights import build_network, find_packaged_file

UNUSED_CATEGORIES = 2  # of the classifier that stays unused


@dataclass(frozen=True, slots=True, eq=False)
class Embedder:
    """A network whose features photos are compared by; it does not change.

    Attributes:
        space: Name of what it embeds into: architecture, start of the SHA-256 of the weights,
            and size in pixels. Embeddings of one space, and no others, can be compared.
        network: In evaluation mode, on the CPU.
    """

    space: str
    preprocessing: Preprocessing
    network: nn.Module


def load_embedder(arch: str) -> Embedder:
    """Return the architecture's embedder, on the weights of its package.

    Raises:
        InvalidInputError: There is no such architecture.
        WeightsUnavailableError: It has no packaged weights, or the package is not installed.
    """
    row = get_architecture(arch)
    size_px = row.image_size_px
    network = build_network(
        row, num_classes=UNUSED_CATEGORIES, image_size_px=size_px, weights="package"
    )
    digest = hashlib.sha256(find_packaged_file(row).read_bytes()).hexdigest()
    return Embedder(
        space=_name_space(arch, digest, size_px),
        preprocessing=row.preprocessing(size_px),
        network=network.eval().requires_grad_(False),
    )


def as_embedder(model: LoadedModel) -> Embedder:
    """Return the embedder that a trained model is without its classifier."""
    size_px = model.preprocessing.geometry.size_px
    space = _name_space(model.arch, model.digest, size_px)
    return Embedder(space, model.preprocessing, model.network)


def _name_space(arch: str, digest: str, size_px: int) -> str:
    return f"{arch}-{digest[:12]}-{size_px}px"
