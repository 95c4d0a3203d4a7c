"""``catalens train`` and ``catalens models``."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from filelock import FileLock
from rich.table import Column, Table

from cli import console
from cli.options import Json, LabelledData
from cli.signals import stopping
from core.services import database, models
from core.services.context import open_context
from core.services.models import ModelVersion
from core.settings import get_settings

if TYPE_CHECKING:
    from core.training import TrainingRequest
    from core.training.progress import TrainingProgress


def train_command(  # noqa: PLR0913 -- one parameter an option
    *,
    arch: Annotated[str, typer.Option(help="custom_cnn, resnet50, vit or efficientnet_lite0.")],
    data: LabelledData,
    preset: Annotated[
        str, typer.Option(help="default, quick, distilled or published: where the recipe begins.")
    ] = "default",
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="field=value of the recipe; may be given several times."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Times each picture is seen.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Side of the input, in pixels.")] = None,
    weights: Annotated[str | None, typer.Option(help="hub, package, none or file:PATH.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Pictures in one step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak of the schedule.")] = None,
    teacher: Annotated[
        str | None,
        typer.Option(help="What to learn from: an architecture, a version's id, or file:PATH."),
    ] = None,
    full: Annotated[
        bool | None,
        typer.Option("--full/--head-only", help="Train all of a pretrained network or its head."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same machine: same result.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the same training was killed.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Train a network on labelled pictures and put it to use."""
    from core.training import TrainingRequest, parse_changes

    options = {
        "epochs": epochs,
        "image_size_px": image_size,
        "weights": weights,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "teacher": teacher,
        "full": full,
        "seed": seed,
    }
    given = {name: value for name, value in options.items() if value is not None}
    request = TrainingRequest(arch, data, preset, given | parse_changes(changes or ()))
    version = _train(request, resume=resume)
    if version:
        _print_trained(version, json_output=json_output)


def _print_trained(version: ModelVersion, *, json_output: bool) -> None:
    from core.training.fitting import CANCELLED

    _print([version], json_output=json_output)
    if version.metrics["training"]["stopped"] == CANCELLED:
        console.stderr.print(
            f"Cancelled: version {version.id} is the best so far. It is not in use."
        )


def _train(request: "TrainingRequest", *, resume: bool) -> ModelVersion | None:
    """Train with a progress bar; None in all but the first process of torchrun.

    Ctrl-C ends it after the batch; the best epoch so far is measured and kept.
    """
    from core.services.training import train_and_register
    from core.training import distributed

    database.get_engine()  # makes the folder of the lock
    with FileLock(get_settings().data_dir / "train.lock"):  # torchrun starts several at once
        context = open_context()
    console.show_readings()
    with stopping() as stop, console.stage_bar("starting") as show:
        return train_and_register(
            context.engine,
            context.settings,
            actor=context.actor,
            request=request,
            on_progress=lambda now: show(now.stage, now.done, now.total, _describe(now)),
            # Several processes cannot stop at the same batch.
            should_stop=lambda: stop.is_set() and distributed.world_size() == 1,
            resume=resume,
        )


def models_command(
    json_output: Json = False,
) -> None:
    """List the model versions, newest first."""
    context = open_context()
    versions = models.list_versions(context.engine, actor=context.actor)
    _print(list(versions), json_output=json_output)


def _describe(progress: "TrainingProgress") -> str:
    if progress.stage != "training" or progress.loss is None:
        return progress.stage
    accuracy = "" if progress.val_accuracy is None else f", validation {progress.val_accuracy:.1%}"
    return f"epoch {progress.epoch}/{progress.epochs}, loss {progress.loss:.2f}{accuracy}"


def _print(versions: list[ModelVersion], *, json_output: bool) -> None:
    if json_output:
        console.print_json({"models": [asdict(version) for version in versions]})
        return
    splits = ("train", "validation", "test")
    table = Table("id", Column("arch", no_wrap=True), "state", *splits, "labels", "MB", "digest")
    for version in versions:
        accuracies = version.metrics.get("splits", {})
        table.add_row(
            str(version.id),
            version.arch,
            version.state if version.problem is None else f"{version.state}: {version.problem}",
            *(f"{accuracies[name]['top1']:.1%}" if name in accuracies else "-" for name in splits),
            str(version.label_count),
            f"{version.file_bytes / 1e6:.1f}",
            version.digest[:8],
        )
    console.stdout.print(table)
