import numpy as np
import pytest
import torch

from core.training import transfer


@pytest.fixture
def blobs() -> tuple[torch.Tensor, torch.Tensor]:
    """Three clouds of points in ten dimensions, far from each other."""
    rng = np.random.default_rng(0)
    targets = np.arange(300) % 3
    centres = rng.normal(0, 3, (3, 10))
    points = centres[targets] + rng.normal(0, 1, (300, 10))
    return torch.from_numpy(points.astype(np.float32)), torch.from_numpy(targets)


@pytest.mark.parametrize("penalty", transfer.PENALTIES)
def test_a_head_tells_clouds_apart(
    blobs: tuple[torch.Tensor, torch.Tensor], penalty: float
) -> None:
    features, targets = blobs
    head = transfer.regress(features, targets, 3, penalty)
    assert (head(features).argmax(dim=1) == targets).float().mean() > 0.98


def test_a_strong_penalty_keeps_weights_small(blobs: tuple[torch.Tensor, torch.Tensor]) -> None:
    strong, weak = (transfer.regress(*blobs, 3, penalty).weight.norm() for penalty in (1e-1, 1e-4))
    assert strong < weak


def test_in_batches_it_tells_them_apart_too(blobs: tuple[torch.Tensor, torch.Tensor]) -> None:
    features, targets = blobs
    head = transfer._regress_in_batches(features, targets, 3, 1e-3)
    assert (head(features).argmax(dim=1) == targets).float().mean() > 0.95
    again = transfer._regress_in_batches(features, targets, 3, 1e-3)
    assert torch.equal(head.weight, again.weight)
