"""Labelled pictures on the disk: one interface, one table of layouts."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import InvalidInputError
from core.training.data import layouts
from core.training.data.layouts import Found
from core.training.data.samples import Dataset, Part, Sample

__all__ = [
    "DATA_FORMATS",
    "DataFormat",
    "Dataset",
    "Part",
    "Sample",
    "make_dataset",
    "read_dataset",
    "read_labels",
    "require_files",
]


@dataclass(frozen=True, slots=True)
class DataFormat:
    """One layout of labelled data.

    Attributes:
        recognises: Whether the path is of this layout; the first row that says so reads it.
        read: Samples and files passed over; raises InvalidInputError where it is broken.
    """

    key: str
    label: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path], Iterator[Found]]


DATA_FORMATS = (
    DataFormat(
        "products10k",
        "train.csv and train/ of Products-10K",
        layouts.is_products10k,
        layouts.read_products10k,
    ),
    DataFormat(
        "grocery",
        "classes.csv and train.txt of Grocery",
        layouts.is_grocery,
        layouts.read_grocery,
    ),
    DataFormat(
        "csv",
        "a CSV file with path, label and perhaps group, split and item",
        layouts.is_csv,
        layouts.read_label_list,
    ),
    DataFormat(
        "parquet",
        "a Parquet file with the same columns",
        layouts.is_parquet,
        layouts.read_label_list,
    ),
    DataFormat("folder", "a folder for each category", layouts.is_folder, layouts.read_folder),
)


def read_dataset(path: Path) -> Dataset:
    """Read the labels and see that the files are there; no picture is opened yet.

    Raises:
        InvalidInputError: No layout fits, files are missing, or there are fewer than two
            categories to train on.
    """
    dataset = read_labels(path)
    require_files(dataset)
    return dataset


def read_labels(path: Path, *, to_train: bool = True) -> Dataset:
    """Read the labels only.

    Args:
        to_train: Data to measure by needs no training pictures, and may have one category.

    Raises:
        InvalidInputError: No layout fits, or there are fewer than two categories to train on.
    """
    row = next((row for row in DATA_FORMATS if row.recognises(path)), None)
    if row is None:
        known = "; ".join(f"{row.key} ({row.label})" for row in DATA_FORMATS)
        state = "is no labelled data that can be read" if path.exists() else "does not exist"
        raise InvalidInputError(f"{path} {state}; what can be read: {known}")
    name = path.resolve().name
    return make_dataset(str(path), name, row.key, row.read(path), to_train=to_train)


def make_dataset(
    source: str, name: str, data_format: str, found: Iterable[Found], *, to_train: bool = True
) -> Dataset:
    """Order what was found; a line that stands twice counts once.

    Args:
        source: What an error calls it.
        to_train: As for ``read_labels``.

    Raises:
        InvalidInputError: There are fewer than two categories to train on.
    """
    everything = set(found)
    samples = sorted(
        (each for each in everything if isinstance(each, Sample)),
        key=lambda sample: (str(sample.path), sample.label, sample.part or ""),
    )
    passed_over = sorted(each for each in everything if isinstance(each, Path))
    _require_samples(source, samples)
    if to_train:
        _require_categories(source, samples)
    return Dataset(name, data_format, tuple(samples), tuple(passed_over))


def require_files(dataset: Dataset) -> None:
    """Raise InvalidInputError unless every file is there."""
    missing = [sample.path for sample in dataset.samples if not sample.path.is_file()]
    if missing:
        raise InvalidInputError(
            f"{len(missing):,} of the {len(dataset.samples):,} files of {dataset.name} do not "
            f"exist, such as {missing[0]}; catalens data check lists them"
        )


def _require_samples(source: str, samples: Sequence[Sample]) -> None:
    if not samples:
        raise InvalidInputError(
            f"{source} has no labelled pictures; put them into one folder a category, or name "
            "them in a CSV file with the columns path and label"
        )


def _require_categories(source: str, samples: Sequence[Sample]) -> None:
    trained = {sample.label for sample in samples if sample.part in ("train", None)}
    if len(trained) < 2:
        only = f" ({min(trained)!r})" if trained else ""
        raise InvalidInputError(
            f"{source} has {len(trained)} categories to train on{only}; at least 2 are needed"
        )
    untrained = {sample.label for sample in samples} - trained
    if untrained:
        raise InvalidInputError(
            f"{source} has no training pictures for {len(untrained)} categories, "
            f"such as {min(untrained)!r}; add some, or leave these categories out"
        )
