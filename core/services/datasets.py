"""Data to train on: a path, or what our own reviewers have decided."""

from collections.abc import Callable, Iterator
from pathlib import Path

import sqlalchemy as sa

from core.actors import Actor, require
from core.imaging import ImageLimits
from core.settings import Settings
from core.storage import ImageStore
from core.training.data.checks import DataReport, check_data
from core.training.data.evidence import Evidence
from core.training.data.samples import Dataset, Sample
from core.training.data.scanning import scan
from core.training.datasets import make_dataset, read_labels, require_files
from db.engine import reading
from db.queries.reviewed import list_reviewed_photos

REVIEWED = "reviewed"
"""The word for the accepted and corrected listings of this installation."""

_PAGE_ROWS = 10_000


def open_dataset(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    data: str,
    to_train: bool = True,
    may_lack_files: bool = False,
) -> Dataset:
    """Return labelled pictures whose files are all there; no picture is opened.

    Args:
        data: ``reviewed``, or the path of a layout of ``DATA_FORMATS``.
        to_train: Data to measure by needs no training pictures, and may have one category.
        may_lack_files: The caller copes with missing files.

    Raises:
        ForbiddenError: The actor may not train.
        InvalidInputError: The data cannot be used.
    """
    require(actor, "train")
    dataset = _read(engine, settings, data, to_train=to_train)
    if not may_lack_files:
        require_files(dataset)
    return dataset


def check_dataset(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    data: str,
    on_progress: Callable[[int, int], None],
) -> DataReport:
    """Read every picture and say what a training would make of the data; train nothing.

    Args:
        data: As for ``open_dataset``; files may be missing.
        on_progress: Called with the pictures read and the pictures in all.

    Raises:
        ForbiddenError: The actor may not train.
        InvalidInputError: The labels cannot be read.
    """
    require(actor, "train")
    dataset = _read(engine, settings, data)
    scanned = scan(
        [sample.path for sample in dataset.samples],
        limits=ImageLimits.of(settings),
        threads=settings.decode_threads,
        on_progress=lambda done: on_progress(done, len(dataset.samples)),
    )
    return check_data(Evidence(dataset, scanned))


def _read(engine: sa.Engine, settings: Settings, data: str, *, to_train: bool = True) -> Dataset:
    if data != REVIEWED:
        return read_labels(Path(data), to_train=to_train)
    source = "what was reviewed here (accepted and corrected listings)"
    found = _list_reviewed(engine, settings)
    return make_dataset(source, REVIEWED, REVIEWED, found, to_train=to_train)


def _list_reviewed(engine: sa.Engine, settings: Settings) -> Iterator[Sample]:
    store = ImageStore.of(settings)
    after_id = 0
    while True:
        with reading(engine) as session:
            photos = list_reviewed_photos(session, after_id=after_id, limit=_PAGE_ROWS)
        if not photos:
            return
        after_id = photos[-1].id
        for photo in photos:
            yield Sample(store.path(photo.sha256), photo.path, item=f"listing {photo.listing_id}")
