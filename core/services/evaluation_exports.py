"""Every table of the Models page as CSV."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.evaluation import FIGURES, Interval
from core.evaluation.published import PublishedFigure
from core.evaluation.reliability import ReliabilityBin
from core.services.evaluation_breakdown import CategoryRow, CategoryTable, ConfusionPair, PhotoCase
from core.services.evaluation_comparison import Disagreement
from core.services.evaluations import EvaluationSummary
from core.services.export_formats import neutralise
from core.services.live_accuracy import LiveAccuracy
from core.services.models import ModelVersion
from core.services.retrievals import EmbedderStanding
from db.states import Split

Cells = Mapping[str, Any]

RECORDED_SPLITS = (Split.TRAIN, Split.VALIDATION, Split.TEST)


def to_csv(rows: Iterable[Cells]) -> str:
    """Return a table with a head; all rows have the columns of the first.

    A text that a spreadsheet would run as a formula starts with an apostrophe.
    """
    rows = list(rows)
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerows(map(_cell, row) for row in rows[:1])  # the names of the columns
    writer.writerows(map(_cell, row.values()) for row in rows)
    return stream.getvalue()


def evaluations_csv(summaries: Sequence[EvaluationSummary]) -> str:
    """One line an evaluation; each figure with the ends of its interval."""
    return to_csv(
        {
            "evaluation": each.id,
            "model": each.name,
            "version": each.version_id,
            "data": each.data_name,
            "data_digest": each.data_digest,
            "split": each.split,
            "measured_at": each.created_at,
            "pictures": each.pictures,
            "unknown_pictures": each.unknown_pictures,
            "unreadable_pictures": each.unreadable_pictures,
            "test_reads": each.test_reads,
            "parameters": each.parameters,
            "macs": each.macs,
            "file_bytes": each.file_bytes,
            "images_per_s": each.images_per_s,
            **_figures(each.figures),
        }
        for each in summaries
    )


def categories_csv(table: CategoryTable, names: Mapping[int, str]) -> str:
    """One line a category; of each evaluation, headed by its name and id, the ends as well."""
    heads = [f"{names.get(id_, '')} #{id_}".strip() for id_ in table.evaluation_ids]
    return to_csv(
        {
            "category": row.category,
            "group": row.group,
            "pictures": row.pictures,
            **_by_evaluation(heads, row),
        }
        for row in table.rows
    )


def confusions_csv(pairs: Sequence[ConfusionPair]) -> str:
    return to_csv(
        {
            "true": pair.true,
            "predicted": pair.predicted,
            "pictures": pair.count,
            "share": pair.share,
        }
        for pair in pairs
    )


def photos_csv(cases: Sequence[PhotoCase]) -> str:
    return to_csv(_case(case) for case in cases)


def disagreements_csv(found: Sequence[Disagreement]) -> str:
    return to_csv(
        {
            "file": each.first.file_name,
            "true": each.first.true,
            "first_predicted": each.first.predicted,
            "first_confidence": each.first.confidence,
            "second_predicted": each.second.predicted,
            "second_confidence": each.second.confidence,
        }
        for each in found
    )


def reliability_csv(bins: Sequence[ReliabilityBin]) -> str:
    return to_csv(
        {
            "from": each.low,
            "to": each.high,
            "pictures": each.count,
            "confidence": each.confidence,
            "accuracy": each.accuracy,
        }
        for each in bins
    )


def live_csv(found: Sequence[LiveAccuracy]) -> str:
    return to_csv(
        {
            "model": each.name,
            "version": each.version_id,
            "from": each.start,
            "listings": each.listings,
            **_with_ends(each.accuracy, "accuracy", "low", "high"),
        }
        for each in found
    )


def embedders_csv(found: Sequence[EmbedderStanding]) -> str:
    return to_csv(
        {
            "model": each.name,
            "version": each.version_id,
            "recall_at_1": each.recall_at_1,
            "mean_precision": each.mean_precision,
            "dimensions": each.dimensions,
            "queries": each.queries,
            "pictures": each.pictures,
        }
        for each in found
    )


def published_csv(figures: Sequence[PublishedFigure]) -> str:
    return to_csv(
        {"model": each.model, "data": each.data_name, "test_top1": each.test_top1}
        for each in figures
    )


def trainings_csv(versions: Sequence[ModelVersion]) -> str:
    """One line a version, with the accuracies that its training recorded at its end."""
    return to_csv(
        {
            "version": each.id,
            "model": each.name,
            "digest": each.digest,
            "state": each.state,
            **{f"{split}_top1": each.recorded_top1(split) for split in RECORDED_SPLITS},
            "categories": each.label_count,
            "file_bytes": each.file_bytes,
            "trained_at": each.created_at,
        }
        for each in versions
    )


def _figures(figures: Mapping[str, Interval]) -> Cells:
    cells: dict[str, Any] = {}
    for key in FIGURES:
        cells |= _with_ends(figures.get(key), key, f"{key}_low", f"{key}_high")
    return cells


def _by_evaluation(heads: Sequence[str], row: CategoryRow) -> Cells:
    cells: dict[str, Any] = {}
    for head, tally in zip(heads, row.accuracies, strict=True):
        cells |= _with_ends(tally.share if tally else None, head, f"{head} low", f"{head} high")
    return cells


def _with_ends(found: Interval | None, *heads: str) -> Cells:
    values = (found.value, found.low, found.high) if found else (None, None, None)
    return dict(zip(heads, values, strict=True))


def _case(case: PhotoCase) -> Cells:
    return {
        "index": case.index,
        "file": case.file_name,
        "true": case.true,
        "predicted": case.predicted,
        "confidence": case.confidence,
        "true_probability": case.true_probability,
    }


def _cell(value: Any) -> Any:
    return neutralise(value) if isinstance(value, str) else value
