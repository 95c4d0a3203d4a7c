"""What can be wrong with an incoming listing: one table."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from core.sample.products import PRODUCTS
from core.sample.shot import Shot

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of planted fault.

    Attributes:
        key: Written into the list of planted faults.
        share: Share of the incoming photos that get it.
        strength: Lowest and highest; its meaning is up to the fault.
        mark: Writes the fault into a shot; the second shot is another listing's.
        damage: Applied to the finished picture, with the strength.
    """

    key: str
    share: float
    strength: tuple[float, float]
    mark: Callable[[Shot, Shot, float], Shot]
    damage: Callable[[Pixels, float], Pixels] = lambda pixels, _strength: pixels


def _mark_blurred(shot: Shot, _other: Shot, strength: float) -> Shot:
    return replace(shot, detail=f"Gaussian blur, sigma {strength:.1%} of the longer side")


def _blur(pixels: Pixels, strength: float) -> Pixels:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), strength * max(pixels.shape)), np.uint8)


def _mark_dark(shot: Shot, _other: Shot, strength: float) -> Shot:
    return replace(shot, detail=f"dimmed to {strength:.0%}")


def _dim(pixels: Pixels, strength: float) -> Pixels:
    return np.asarray(pixels * strength, np.uint8)


def _mark_mislabelled(shot: Shot, _other: Shot, strength: float) -> Shot:
    """The strength, 0 to 1, chooses among the other categories."""
    others = [product.category for product in PRODUCTS if product.category != shot.category]
    claimed = others[int(strength * len(others)) % len(others)]
    return replace(shot, claimed=claimed, detail=f"offered as {claimed}")


def _mark_duplicated(shot: Shot, other: Shot, _strength: float) -> Shot:
    """The listing shows another seller's photo."""
    return replace(
        shot,
        product=other.product,
        colour=other.colour,
        item_seed=other.item_seed,
        view_seed=other.view_seed,
        title=other.title,
        brand=other.brand,
        claimed=other.claimed,
        detail=f"same file as {other.file}",
        copy_of=other.file,
    )


FAULTS: dict[str, Fault] = {
    fault.key: fault
    for fault in (
        Fault("blurred", 0.04, (0.012, 0.024), _mark_blurred, _blur),
        Fault("dark", 0.04, (0.12, 0.26), _mark_dark, _dim),
        Fault("mislabelled", 0.045, (0.0, 1.0), _mark_mislabelled),
        Fault("duplicated", 0.035, (0.0, 1.0), _mark_duplicated),
    )
}
