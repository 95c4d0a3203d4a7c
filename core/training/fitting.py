"""Training all of a network: layer-wise AdamW, warm-up and cosine, moving average, best epoch."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor, nn
from torch.nn import functional

from core.errors import JobCancelledError
from core.evaluation.metrics import Epoch
from core.training import distributed, snapshots
from core.training.arrangement import Arrangement
from core.training.bench import Bench, Key
from core.training.learner import Learner
from core.training.objective import (
    Indices,
    Objective,
    category_sizes,
    count_batches,
    draw_batches,
    make_mixing,
)
from core.training.on_cpu import FasterOnCPU
from core.training.optimization import (
    freeze,
    make_optimizer,
    schedule,
    set_learning_rate,
    set_training,
)
from core.training.snapshots import Snapshot
from core.training.teaching import Teacher

OnStep = Callable[[int, int, float, tuple[Epoch, ...]], None]
State = dict[str, Tensor]
CANCELLED = "cancelled"


class Fitting:
    """One run through the epochs; may begin where a snapshot ends.

    Attributes:
        curve: One point for each epoch done.
        stopped: Why it ended before its last epoch; None when it did not.
    """

    def __init__(
        self, bench: Bench, data: Arrangement, teacher: Teacher | None, *, is_fitted: bool
    ) -> None:
        """Take a place.

        Args:
            is_fitted: The classifier is, so the network is worth keeping as it begins.
        """
        recipe = bench.recipe
        self.bench, self.data, self.recipe = bench, data, recipe
        self._teacher = teacher
        self.train = data.parts["train"]
        self.curve: tuple[Epoch, ...] = ()
        self.stopped: str | None = None
        self._best: tuple[int, State] = (0, _copy_state(bench.network) if is_fitted else {})
        freeze(bench.network, recipe.frozen)
        taught = teacher.shape if teacher and recipe.teacher_features else None
        learner = Learner(bench.network, recipe.arch, recipe.image_size_px, taught)
        self._learner = learner.to(bench.device)
        self._parallel = distributed.wrap(self._learner)
        self._optimizer = make_optimizer(bench.network, recipe)
        if self._learner.projection:
            parameters = self._learner.projection.parameters()
            self._optimizer.add_param_group({"params": parameters, "lr_scale": 1.0})
        self._average = _make_average(bench.network, recipe.ema_decay)
        count = len(data.categories)
        sizes = category_sizes(self.train, data.targets, count)
        self._objective = Objective(sizes, recipe, bench.device)
        self._mix = make_mixing(recipe)
        self.batches_an_epoch = count_batches(self.train, recipe)
        distributed.check_shares(len(self.train) // self.batches_an_epoch)

    def run(self, on_step: OnStep, folder: Path | None) -> None:
        """Train to the end, and leave the network at the epoch that is kept.

        Args:
            on_step: Called at each batch with batches done, batches in all, loss and curve.
            folder: Where a snapshot is written after each epoch; None writes none.

        Raises:
            JobCancelledError: The training was cancelled before its first epoch was done, and
                nothing was fitted before; else it only ends.
        """
        while not self._is_over():
            try:
                self._run_epoch(on_step)
            except JobCancelledError:
                if not self._best[1]:
                    raise
                self.stopped = CANCELLED
                break
            if folder and distributed.rank() == 0:
                snapshots.save(folder, self._snapshot())
        self.bench.network.load_state_dict(self._best[1])

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from there."""
        tensors = snapshot.tensors
        self.bench.network.load_state_dict(tensors["network"])
        if self._learner.projection:
            self._learner.projection.load_state_dict(tensors["projection"])
        if self._average:
            self._average.module.load_state_dict(tensors["average"])
        snapshots.unpack_optimizer(self._optimizer, tensors["optimizer"])
        self._best = (snapshot.best_epoch, dict(tensors["best"]))
        self.curve = snapshot.curve

    def _snapshot(self) -> Snapshot:
        projection = self._learner.projection
        tensors = {
            "network": self.bench.network.state_dict(),
            "projection": projection.state_dict() if projection else {},
            "average": self._average.module.state_dict() if self._average else {},
            "optimizer": snapshots.pack_optimizer(self._optimizer),
            "best": self._best[1],
        }
        return Snapshot(tensors, self.curve, self._best[0])

    def _is_over(self) -> bool:
        patience, epochs = self.recipe.patience, len(self.curve)
        if patience and epochs - self._first_of_the_best() >= patience:
            self.stopped = f"no better in {patience} epochs"
            return True
        return epochs >= self.recipe.epochs

    def _first_of_the_best(self) -> int:
        """Return the epoch since which validation got no better; 0 before the first."""
        best = max(self.curve, key=lambda point: point.val_top1, default=None)
        return best.epoch if best else 0

    def _best_by_validation(self) -> int:
        """Return the epoch with the best validation, the last of equals; 0 before the first."""
        best = max(self.curve, key=lambda point: (point.val_top1, point.epoch), default=None)
        return best.epoch if best else 0

    def _run_epoch(self, on_step: OnStep) -> None:
        started, before = time.monotonic(), self.curve[-1].seconds if self.curve else 0.0
        epoch = len(self.curve) + 1
        loss = self._learn(epoch, on_step)
        kept = self._average.module if self._average else self.bench.network
        validation = self.data.parts["validation"]
        labels = replace(self.bench, network=kept).compute_labels(validation)
        top1 = float((labels == self.data.targets[validation]).mean())
        top1 = distributed.agree(top1, self.bench.device)
        seconds = round(before + time.monotonic() - started, 2)
        self.curve += (Epoch(epoch, loss, top1, seconds),)
        if self.recipe.keep == "last" or self._best_by_validation() == epoch:
            self._best = (epoch, _copy_state(kept))

    def _learn(self, epoch: int, on_step: OnStep) -> float:
        """See about every training picture once; return the mean loss."""
        rng = np.random.default_rng((self.recipe.seed, epoch))
        torch.manual_seed(int(rng.integers(2**31)) + distributed.rank())  # of dropout and mixing
        set_training(self.bench.network, batch_statistics=self.recipe.batch_statistics)
        batches = draw_batches(self.train, self.data.targets, self.recipe, rng)
        shares = [_own_share(batch) for batch in batches]
        keys = [[(index, epoch) for index in share.tolist()] for share in shares]
        size_px = self.recipe.size_at(epoch)
        views = self._views(shares, keys, size_px)
        done, total = (epoch - 1) * len(batches), self.recipe.epochs * len(batches)
        losses = []
        for number, (images, share) in enumerate(zip(views, shares, strict=True), start=1):
            weight = len(share) * distributed.world_size() / len(batches[number - 1])
            losses.append(self._pass(*self._mix(images, self._targets(share)), size_px, weight))
            if number % self.recipe.accumulation == 0 or number == len(batches):
                self._step(epoch, number)
            on_step(done + number, total, losses[-1], self.curve)
        return distributed.mean(float(np.mean(losses)), self.bench.device)

    def _views(
        self, shares: list[Indices], keys: list[list[Key]], size_px: int
    ) -> Iterator[Tensor]:
        """Yield what is learnt from: as the teacher sees it, where there is one."""
        if self._teacher:
            return self._teacher.batches(shares, keys)
        return self.bench.training_batches(shares, keys, size_px)

    def _targets(self, batch: Indices) -> Tensor:
        """Return (N, C) float32, a 1 in each row."""
        labels = torch.from_numpy(self.data.targets[batch])
        targets = functional.one_hot(labels, len(self.data.categories)).float()
        return targets.to(self.bench.device)

    def _pass(self, images: Tensor, targets: Tensor, size_px: int, weight: float) -> float:
        """Add the gradient of a batch; return its loss.

        Args:
            weight: Of this process's share of the batch; 1 on average.
        """
        lesson = self._teacher.say(images) if self._teacher else None
        if self._teacher:
            images = self._teacher.show(images, size_px)
        with self.bench.autocast(), FasterOnCPU():
            logits, features = self._parallel(images)
        loss = self._objective(logits.float(), targets, lesson, features) * weight
        (loss / self.recipe.accumulation).backward()  # type: ignore[no-untyped-call]
        return loss.item()

    def _step(self, epoch: int, batch: int) -> None:
        """Move the weights along the gradients collected so far."""
        recipe, network = self.recipe, self.bench.network
        steps = -(-self.batches_an_epoch // recipe.accumulation)
        done = (epoch - 1) * steps + -(-batch // recipe.accumulation) - 1
        factor = schedule(done, recipe.epochs * steps, recipe.warm_up)
        set_learning_rate(self._optimizer, recipe.learning_rate * factor)
        nn.utils.clip_grad_norm_(self._learner.parameters(), recipe.max_gradient_norm)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        if self._average:
            self._average.update(network, step=done + 1)


def _make_average(network: nn.Module, decay: float) -> Any:
    """Return timm's moving average of the weights; None when there shall be none."""
    return ModelEmaV3(network, decay=decay, use_warmup=True) if decay else None


def _own_share(batch: Indices) -> Indices:
    """Return the part of the batch that is this process's."""
    return np.array_split(batch, distributed.world_size())[distributed.rank()]


def _copy_state(network: nn.Module) -> State:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
