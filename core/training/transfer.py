"""The classifier of a pretrained network: a logistic regression on features computed once."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from core.training.arrangement import Arrangement
from core.training.bench import Bench

# Tried from strong to weak; validation chooses.
PENALTIES = (1e-1, 1e-2, 1e-3, 1e-4)
_MAX_ITERATIONS = 100
_HISTORY = 10  # as in SciPy; a longer one costs more than it saves


def fit_classifier(bench: Bench, data: Arrangement) -> None:
    """Fit the network's last layer and leave the rest as it is."""
    train, validation = data.parts["train"], data.parts["validation"]
    features = bench.compute_features(train)
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    known = torch.from_numpy((features - mean) / scale)
    unknown = torch.from_numpy((bench.compute_features(validation) - mean) / scale)
    targets = torch.from_numpy(data.targets[train])
    heads = [_regress(known, targets, len(data.categories), penalty) for penalty in PENALTIES]
    truth = torch.from_numpy(data.targets[validation])
    best = max(heads, key=lambda head: _count_correct(head, unknown, truth))
    _install(bench.network.get_classifier(), best, mean, scale)


def _regress(features: Tensor, targets: Tensor, categories: int, penalty: float) -> nn.Linear:
    """Multinomial logistic regression by L-BFGS; convex, so its start does not matter."""
    head = nn.Linear(features.shape[1], categories)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    optimizer = torch.optim.LBFGS(
        head.parameters(),
        max_iter=_MAX_ITERATIONS,
        history_size=_HISTORY,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(head(features), targets)
        loss = loss + penalty * head.weight.square().sum() / 2
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return head.requires_grad_(False)


def _count_correct(head: nn.Linear, features: Tensor, targets: Tensor) -> int:
    return int((head(features).argmax(dim=1) == targets).sum())


def _install(
    classifier: nn.Linear, head: nn.Linear, mean: NDArray[np.float32], scale: NDArray[np.float32]
) -> None:
    """Copy the head, with the standardisation of its features folded in."""
    weight = head.weight / torch.from_numpy(scale)
    with torch.no_grad():
        classifier.weight.copy_(weight)
        classifier.bias.copy_(head.bias - weight @ torch.from_numpy(mean))
