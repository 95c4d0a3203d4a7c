"""A logo sought by patch embeddings: the map of a pretrained network slid over a photo's."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from benchmarks.features import ARCH
from core.models import get_architecture
from core.models.weights import build_network

PHOTO_PX = 640
SIZES_PX = (88, 128, 192, 288)
"""Widths at which the logo is sought."""

_STAGE = 4  # of the network's blocks; a place of its map is 16 px
_MIN_PLACES = 2

Pixels = NDArray[np.uint8]


class PatchSearch:
    """Score photos by how much some part of them is like a logo, as the network sees it."""

    def __init__(self, logos: Sequence[Pixels]) -> None:
        row = get_architecture(ARCH)
        network: Any = build_network(
            row, num_classes=2, image_size_px=row.image_size_px, weights="package"
        )
        self._network = network.eval()
        stats = row.preprocessing(row.image_size_px)
        self._mean = torch.tensor(stats.mean).view(1, 3, 1, 1)
        self._std = torch.tensor(stats.std).view(1, 3, 1, 1)
        self._templates = [
            [self._map(_resize(side, size)) for size in SIZES_PX for side in _sides(logo)]
            for logo in logos
        ]

    @torch.inference_mode()
    def describe(self, photo: Pixels) -> torch.Tensor:
        """Return the photo's map, (1, C, h, w), each place of length 1."""
        return self._map(_resize(photo, PHOTO_PX))

    @torch.inference_mode()
    def score(self, photo: torch.Tensor, logo: int) -> float:
        """Return the highest mean cosine of the logo's places with those below it."""
        best = -1.0
        for template in self._templates[logo]:
            places = template.shape[2] * template.shape[3]
            if min(template.shape[2:]) < _MIN_PLACES or any(
                t > p for t, p in zip(template.shape[2:], photo.shape[2:], strict=True)
            ):
                continue
            best = max(best, float(functional.conv2d(photo, template).max()) / places)
        return best

    @torch.inference_mode()
    def _map(self, pixels: Pixels) -> torch.Tensor:
        batch = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
        seen = (batch - self._mean) / self._std
        seen = self._network.bn1(self._network.conv_stem(seen))
        for block in self._network.blocks[: _STAGE + 1]:
            seen = block(seen)
        return functional.normalize(seen, dim=1)


def _sides(logo: Pixels) -> tuple[Pixels, Pixels]:
    return logo, np.ascontiguousarray(logo[:, ::-1])


def _resize(pixels: Pixels, side_px: int) -> Pixels:
    scale = side_px / max(pixels.shape[:2])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=how), np.uint8)
