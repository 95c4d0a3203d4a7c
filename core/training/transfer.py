"""The classifier of a pretrained network: a logistic regression on features computed once."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from core.training.arrangement import Arrangement
from core.training.bench import Bench

T = TypeVar("T")

# Tried from strong to weak; validation chooses.
PENALTIES = (1e-1, 1e-2, 1e-3, 1e-4)
_MAX_ITERATIONS = 100
# Beyond this many products of pictures, features and categories a pass over all of them takes
# minutes, and the regression goes by batches.
_WHOLE = 2e10
_BATCH_SIZE = 256
_EPOCHS = 10
_LEARNING_RATE = 1e-3
_HISTORY = 10  # as in SciPy; a longer one costs more than it saves


def fit_classifier(
    bench: Bench, data: Arrangement, on_progress: Callable[[int, int], None]
) -> None:
    """Fit the network's last layer and leave the rest as it is.

    Args:
        on_progress: Told what is done, of how much: pictures, and a fiftieth of them for each
            penalty that is tried.
    """
    train, validation = data.parts["train"], data.parts["validation"]
    pictures = len(train) + len(validation)
    penalty_steps = -(-pictures // 50)
    report = partial(_report, on_progress, pictures + len(PENALTIES) * penalty_steps)
    features = np.concatenate(list(report(bench.feature_batches(train), len)))
    others = np.concatenate(list(report(bench.feature_batches(validation), len, len(train))))
    mean, scale = features.mean(axis=0), float(np.median(features.std(axis=0))) + 1e-6
    device = bench.device
    known = torch.from_numpy((features - mean) / scale).to(device)
    unknown = torch.from_numpy((others - mean) / scale).to(device)
    targets = torch.from_numpy(data.targets[train]).to(device)
    count = len(data.categories)
    fit: Regress = regress if known.numel() * count <= _WHOLE else _regress_in_batches
    heads = []
    for penalty in report(PENALTIES, lambda _: penalty_steps, pictures):
        bench.check()
        heads.append(fit(known, targets, count, penalty))
    truth = torch.from_numpy(data.targets[validation]).to(device)
    best = max(heads, key=lambda head: _count_correct(head, unknown, truth))
    _install(bench.network.get_classifier(), best, mean, scale)


def _report(
    on_progress: Callable[[int, int], None],
    total: int,
    items: Iterable[T],
    count: Callable[[T], int],
    done: int = 0,
) -> Iterator[T]:
    """Yield the items, and tell after each how much is done."""
    for item in items:
        yield item
        done += count(item)
        on_progress(done, total)


Regress = Callable[[Tensor, Tensor, int, float], nn.Linear]


def regress(features: Tensor, targets: Tensor, categories: int, penalty: float) -> nn.Linear:
    """Multinomial logistic regression by L-BFGS; convex, so its start does not matter.

    Args:
        features: (N, D) float32, best of a spread near 1.
        targets: (N,) int64, below ``categories``.
        penalty: Half of it times the squared weights is added to the mean loss.
    """
    head = _make_head(features, categories)
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


def _regress_in_batches(
    features: Tensor, targets: Tensor, categories: int, penalty: float
) -> nn.Linear:
    """The same by AdamW, near enough, for what is too large to be seen at once."""
    head = _make_head(features, categories)
    optimizer = torch.optim.AdamW(head.parameters(), lr=_LEARNING_RATE, weight_decay=penalty)
    generator = torch.Generator().manual_seed(0)
    for _ in range(_EPOCHS):
        order = torch.randperm(len(features), generator=generator).to(features.device)
        for batch in torch.split(order, _BATCH_SIZE):
            optimizer.zero_grad()
            functional.cross_entropy(head(features[batch]), targets[batch]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return head.requires_grad_(False)


def _make_head(features: Tensor, categories: int) -> nn.Linear:
    head = nn.Linear(features.shape[1], categories, device=features.device)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return head


def _count_correct(head: nn.Linear, features: Tensor, targets: Tensor) -> int:
    return int((head(features).argmax(dim=1) == targets).sum())


def _install(
    classifier: nn.Linear, head: nn.Linear, mean: NDArray[np.float32], scale: float
) -> None:
    """Copy the head, with the shift and the scale of its features folded in."""
    weight = head.weight / scale
    with torch.no_grad():
        classifier.weight.copy_(weight)
        classifier.bias.copy_(head.bias - weight @ torch.from_numpy(mean).to(weight.device))
