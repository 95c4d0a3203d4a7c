"""``catalens evaluate`` and ``catalens compare``."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from cli import console
from cli.options import Json
from core.errors import InvalidInputError
from core.evaluation import FIGURES, Figure, Interval, PairedTest
from core.services import evaluations
from core.services.context import Context, open_context
from core.services.evaluation_comparison import (
    SIDES,
    Disagreement,
    Side,
    compare_evaluations,
    find_common,
    list_disagreements,
)
from core.services.evaluations import EvaluationDetail, EvaluationFilter

PHOTOS_SHOWN = 10
SHOWN_SIDES: tuple[Side, ...] = ("only_first", "only_second")


def evaluate_command(
    *,
    model: Annotated[str, typer.Option(help="Id or architecture of a version, or ensemble.")],
    data: Annotated[
        str | None, typer.Option(help="Labelled data, or reviewed: what was decided here.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="train, validation, test or all; the data's test split without it."),
    ] = None,
    json_output: Json = False,
) -> None:
    """Measure a model version on labelled data; an ensemble of the active ones needs no data.

    What was measured on the same pictures is not measured again: a test split is read once.
    """
    console.show_readings()
    context = open_context()
    version_id = evaluations.resolve_model(context.engine, actor=context.actor, model=model)
    if version_id is None:
        found = _evaluate_ensemble(context, data)
    elif data is None:
        raise InvalidInputError("--data is missing: labelled data, or reviewed")
    else:
        found = _evaluate_version(context, version_id, data, split)
    if json_output:
        console.print_json(asdict(found))
    else:
        _print_evaluation(found)


def compare_command(
    first: Annotated[str, typer.Argument(help="Id or architecture of a version, or ensemble.")],
    second: Annotated[str, typer.Argument(help="The one to compare it with.")],
    data: Annotated[
        str | None, typer.Option(help="Name of the data set; the newest without it.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Compare two evaluated versions on the same pictures, and list where they disagree."""
    context = open_context()
    ids = [
        evaluations.resolve_model(context.engine, actor=context.actor, model=model)
        for model in (first, second)
    ]
    pair = find_common(
        context.engine,
        actor=context.actor,
        first=ids[0],
        second=ids[1],
        only=EvaluationFilter(data_name=data),
    )
    result = compare_evaluations(
        context.engine,
        context.settings,
        actor=context.actor,
        first_id=pair[0],
        second_id=pair[1],
    )
    photos = {side: _list_photos(context, pair, side) for side in SHOWN_SIDES}
    if json_output:
        sides = {side: [asdict(each) for each in found] for side, found in photos.items()}
        console.print_json({**asdict(result), "photos": sides})
    else:
        _print_comparison(first, second, result.test, photos)


def _list_photos(context: Context, pair: tuple[int, int], side: Side) -> tuple[Disagreement, ...]:
    return list_disagreements(
        context.engine,
        context.settings,
        actor=context.actor,
        first_id=pair[0],
        second_id=pair[1],
        side=side,
    )


def _evaluate_ensemble(context: Context, data: str | None) -> EvaluationDetail:
    from core.services.ensembles import evaluate_ensemble

    if data is not None:
        raise InvalidInputError("an ensemble takes no --data: it is made of what is stored")
    return evaluate_ensemble(context.engine, context.settings, actor=context.actor)


def _evaluate_version(
    context: Context, version_id: int, data: str, split: str | None
) -> EvaluationDetail:
    from core.services.measuring import evaluate_version

    with console.progress_bar() as bar:
        task = bar.add_task("looking at photos", total=None)
        return evaluate_version(
            context.engine,
            context.settings,
            actor=context.actor,
            version_id=version_id,
            data=data,
            split=split,
            on_progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def _print_evaluation(found: EvaluationDetail) -> None:
    summary = found.summary
    console.stdout.print(
        f"{summary.name} on {summary.data_name}, {summary.split}: {summary.pictures} photos",
        highlight=False,
        markup=False,
    )
    table = Table("figure", "value", "95 % interval", "what it means")
    for key, figure in FIGURES.items():
        if key in summary.figures:
            interval = summary.figures[key]
            ends = f"{_number(figure, interval.low)} to {_number(figure, interval.high)}"
            table.add_row(figure.label, _number(figure, interval.value), ends, figure.text)
    console.stdout.print(table)
    _print_left_out(found)


def _print_left_out(found: EvaluationDetail) -> None:
    summary = found.summary
    if summary.unknown_pictures:
        labels = ", ".join(f"{label} ({count})" for label, count in found.unknown.items())
        console.stderr.print(
            f"{summary.unknown_pictures} more photos have categories that the model does not "
            f"know; they are in no figure: {labels}",
            highlight=False,
            markup=False,
        )
    if summary.unreadable_pictures:
        console.stderr.print(f"{summary.unreadable_pictures} photos could not be read.")


def _print_comparison(
    first: str, second: str, test: PairedTest, photos: Mapping[Side, tuple[Disagreement, ...]]
) -> None:
    table = Table(f"{first} against {second}", "")
    table.add_row("photos", str(test.pictures))
    table.add_row("both right", str(test.both_right))
    table.add_row(f"only {first} right", str(test.only_first))
    table.add_row(f"only {second} right", str(test.only_second))
    table.add_row("both wrong", str(test.both_wrong))
    table.add_row("difference of accuracy", _points(test.difference))
    table.add_row("p-value (McNemar)", f"{test.p_value:.2g}, {test.method}")
    console.stdout.print(table)
    for side, found in photos.items():
        _print_photos(SIDES[side].replace("the first", first).replace("the second", second), found)


def _print_photos(title: str, found: tuple[Disagreement, ...]) -> None:
    if not found:
        return
    table = Table("photo", "is", "first says", "second says", title=title)
    for each in found[:PHOTOS_SHOWN]:
        cases = (each.first, each.second)
        says = (f"{case.predicted} ({case.confidence:.0%})" for case in cases)
        table.add_row(each.first.file_name, each.first.true, *says)
    console.stdout.print(table)


def _number(figure: Figure, value: float) -> str:
    return f"{value:.2%}" if figure.unit == "fraction" else f"{value:.3f}"


def _points(interval: Interval) -> str:
    return f"{interval.value:+.2%} ({interval.low:+.2%} to {interval.high:+.2%})"
