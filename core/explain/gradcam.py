"""Grad-CAM heatmaps by the grad-cam library (Selvaraju et al., 2017, arXiv:1610.02391)."""

import copy
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from core.errors import InvalidInputError
from core.models.architectures import ARCHITECTURES
from core.models.checkpoint import LoadedModel
from core.models.preprocessing import crop, crop_box, normalise

# From cold to hot: the overlay's colour at heat 0, 1/3, 2/3 and 1.
_COLOURS = np.array([(40, 20, 120), (190, 30, 110), (250, 130, 30), (255, 235, 90)], np.float32)
_OPACITY = 0.75


def heatmap(model: LoadedModel, pixels: NDArray[np.uint8], label_index: int) -> NDArray[np.float32]:
    """Return how much each pixel spoke for the label, (H, W) float32 in [0, 1].

    Pixels outside the crop that the model saw are 0. Safe in several threads and beside
    inference on the same model: hooks are set on a private copy of the module tree, which
    shares the weights.

    Args:
        pixels: (H, W, 3) uint8 of any size.

    Raises:
        InvalidInputError: The model has no label of this index.
    """
    if not 0 <= label_index < len(model.labels):
        raise InvalidInputError(
            f"label {label_index} is not among the {len(model.labels)} labels of {model.arch}"
        )
    seen = crop(pixels, model.preprocessing.geometry)
    return _place(_activation(model, seen, label_index), model, pixels.shape[:2])


def overlay(pixels: NDArray[np.uint8], heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Paint the (H, W) heat over the (H, W, 3) picture; where it is 0 the picture stays."""
    steps = np.linspace(0, 1, len(_COLOURS))
    colours = np.stack([np.interp(heat, steps, channel) for channel in _COLOURS.T], axis=-1)
    opacity = _OPACITY * heat[..., None]
    mixed = (1 - opacity) * pixels + opacity * colours
    return np.asarray(mixed.round(), dtype=np.uint8)


@torch.inference_mode(mode=False)  # the caller may be in it, and nothing in it has gradients
def _activation(
    model: LoadedModel, seen: NDArray[np.uint8], label_index: int
) -> NDArray[np.float32]:
    """Return Grad-CAM of the (S, S, 3) input as (S, S) float32 in [0, 1]."""
    from pytorch_grad_cam import GradCAM  # slow to import: matplotlib, OpenCV, scikit-learn
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    row = ARCHITECTURES[model.arch]
    network = _private_copy(model.network)
    device = next(network.parameters()).device
    batch = normalise(torch.tensor(seen[None], device=device), model.preprocessing)
    batch.requires_grad_(True)  # the weights want no gradient, so the input has to
    reshape = row.cam_reshape(network) if row.cam_reshape else None
    with torch.enable_grad(), GradCAM(network, [row.cam_layer(network)], reshape) as cam:
        result: NDArray[np.float32] = cam(batch, [ClassifierOutputTarget(label_index)])[0]
    return np.nan_to_num(result).clip(0, 1)


def _private_copy(network: nn.Module) -> nn.Module:
    """Copy the modules but none of their tensors."""
    shared = {id(t): t for t in chain(network.parameters(), network.buffers())}
    return copy.deepcopy(network, shared)


def _place(
    heat: NDArray[np.float32], model: LoadedModel, shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """Lay the heat of the crop over a picture of this (H, W)."""
    height, width = shape
    box = crop_box(width, height, model.preprocessing.geometry)
    left, top = (
        min(int(edge), limit - 1) for edge, limit in zip(box, (width, height), strict=False)
    )
    right = min(width, max(left + 1, round(box[2])))
    bottom = min(height, max(top + 1, round(box[3])))
    resized = Image.fromarray(heat).resize((right - left, bottom - top), Image.Resampling.BILINEAR)
    placed = np.zeros((height, width), np.float32)
    placed[top:bottom, left:right] = np.asarray(resized)
    return placed
