"""Training all of a network: AdamW, warm-up and cosine, the best epoch kept."""

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.evaluation.metrics import Epoch, measure_accuracy
from core.training.arrangement import Arrangement
from core.training.bench import Bench, Indices, shuffle

OnStep = Callable[[int, int, float, tuple[Epoch, ...]], None]


def fit(bench: Bench, data: Arrangement, on_step: OnStep) -> tuple[Epoch, ...]:
    """Train the network in place, to its best epoch by validation; return the curve.

    Args:
        on_step: Called at each step with steps done, steps in all, loss and the curve.
    """
    started = time.monotonic()
    fitting = _Fitting(bench, data, on_step)
    best_top1, best_state = -1.0, {}
    for epoch in range(1, bench.recipe.epochs + 1):
        loss = fitting.run_epoch()
        logits = bench.compute_logits(data.parts["validation"])
        top1 = measure_accuracy(logits, data.targets[data.parts["validation"]]).top1
        fitting.curve += (Epoch(epoch, loss, top1, round(time.monotonic() - started, 2)),)
        if top1 >= best_top1:
            best_top1, best_state = top1, _copy_state(bench.network)
    bench.network.load_state_dict(best_state)
    return fitting.curve


class _Fitting:
    """One run through the epochs: optimizer, schedule and the two sources of chance."""

    def __init__(self, bench: Bench, data: Arrangement, on_step: OnStep) -> None:
        recipe = bench.recipe
        self.bench, self.data, self.on_step = bench, data, on_step
        self.curve: tuple[Epoch, ...] = ()
        self.rng = np.random.default_rng(recipe.seed)
        self.generator = torch.Generator().manual_seed(recipe.seed)
        batches_an_epoch = len(shuffle(data.parts["train"], recipe.batch_size, self.rng))
        self.done, self.steps = 0, recipe.epochs * batches_an_epoch
        self.optimizer = _make_optimizer(bench)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, _make_schedule(self.steps, recipe.warm_up)
        )

    def run_epoch(self) -> float:
        """See every training picture once; return the mean loss."""
        self.bench.network.train()
        batches = shuffle(self.data.parts["train"], self.bench.recipe.batch_size, self.rng)
        views = self.bench.training_batches(batches, self.generator)
        losses = [self._step(*pair) for pair in zip(views, batches, strict=True)]
        return float(np.mean(losses))

    def _step(self, images: Tensor, batch: Indices) -> float:
        recipe, network = self.bench.recipe, self.bench.network
        targets = torch.from_numpy(self.data.targets[batch]).to(self.bench.device)
        with self.bench.autocast():
            logits = network(images)
        loss = functional.cross_entropy(
            logits.float(), targets, label_smoothing=recipe.label_smoothing
        )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), recipe.max_gradient_norm)
        self.optimizer.step()
        self.schedule.step()
        self.done += 1
        self.on_step(self.done, self.steps, loss.item(), self.curve)
        return loss.item()


def _make_optimizer(bench: Bench) -> torch.optim.Optimizer:
    """AdamW; vectors (biases, norms) are not decayed."""
    parameters = list(bench.network.parameters())
    groups: list[dict[str, Any]] = [
        {"params": [p for p in parameters if p.ndim > 1]},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    recipe = bench.recipe
    return torch.optim.AdamW(
        groups, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )


def _make_schedule(steps: int, warm_up: float) -> Callable[[int], float]:
    """Return the factor of the learning rate by step: up in a line, down in a cosine."""
    rising = max(1, round(steps * warm_up))

    def factor(step: int) -> float:
        if step < rising:
            return (step + 1) / rising
        fallen = (step - rising) / max(1, steps - rising)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, fallen)))

    return factor


def _copy_state(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
