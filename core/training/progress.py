"""How far a training is, for whoever watches it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from core.errors import JobCancelledError
from core.evaluation.metrics import Epoch

Stage = Literal["reading", "training", "measuring"]


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """How far a training is.

    Attributes:
        done: Pictures read, or batches seen by the teacher or the network, of ``total``.
        seconds_left: Of this stage; None while nothing can be said.
        val_accuracy: Top-1 of the last epoch.
    """

    stage: Stage
    done: int
    total: int
    epoch: int
    epochs: int
    loss: float | None = None
    val_accuracy: float | None = None
    seconds_left: float | None = None
    curve: tuple[Epoch, ...] = ()


OnProgress = Callable[[TrainingProgress], None]
ShouldStop = Callable[[], bool]


@dataclass(slots=True)
class Reporter:
    """Turns steps into progress, with the time left at the rate so far.

    Attributes:
        first: What was done before this process took over.
    """

    epochs: int
    on_progress: OnProgress
    should_stop: ShouldStop
    started: float = field(default_factory=time.monotonic)
    first: int = 0

    def check(self) -> None:
        """Raise JobCancelledError when the training shall stop."""
        if self.should_stop():
            raise JobCancelledError("the training was cancelled")

    def begin(self, stage: Stage, curve: tuple[Epoch, ...] = (), first: int = 0) -> None:
        self.started, self.first = time.monotonic(), first
        self.report(stage, first, max(1, first), curve=curve)

    def report(
        self,
        stage: Stage,
        done: int,
        total: int,
        *,
        loss: float | None = None,
        curve: tuple[Epoch, ...] = (),
    ) -> None:
        elapsed_s, moved = time.monotonic() - self.started, done - self.first
        self.on_progress(
            TrainingProgress(
                stage=stage,
                done=done,
                total=total,
                epoch=min(len(curve) + 1, self.epochs),
                epochs=self.epochs,
                loss=loss,
                val_accuracy=curve[-1].val_top1 if curve else None,
                seconds_left=elapsed_s / moved * (total - done) if moved > 0 else None,
                curve=curve,
            )
        )
