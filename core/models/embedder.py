"""The network whose features are stored with each photo, to compare photos by."""

import hashlib
from dataclasses import dataclass

from torch import nn

from core.models.architectures import get_architecture
from core.models.preprocessing import Preprocessing
from core.models.weights import build_network, find_packaged_file

UNUSED_CATEGORIES = 2  # of the classifier that stays unused


@dataclass(frozen=True, slots=True, eq=False)
class Embedder:
    """A pretrained network as it came, which no training changes.

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
        space=f"{arch}-{digest[:12]}-{size_px}px",
        preprocessing=row.preprocessing(size_px),
        network=network.eval().requires_grad_(False),
    )
