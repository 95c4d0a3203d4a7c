"""Labelled pictures on the disk: one reader a layout, and the split into train and validation."""

import csv
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from core.errors import InvalidInputError
from core.imaging import EXTENSIONS

Part = Literal["train", "validation", "test"]

CATEGORY_SEPARATOR = " > "
VALIDATION_FRACTION = 0.2

_PARTS: Mapping[str, Part] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled picture.

    Attributes:
        label: Category path, ``A > B``.
        part: Where the data's own split puts it; None leaves that to us.
    """

    path: Path
    label: str
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class DataFormat:
    """One layout of labelled data.

    Attributes:
        recognises: Whether the path is of this layout; the first row that says so reads it.
        read: The samples; raises InvalidInputError where the layout is broken.
    """

    key: str
    label: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path], Iterator[Sample]]


@dataclass(frozen=True, slots=True)
class Dataset:
    """Labelled pictures, ordered by path.

    Attributes:
        name: For people: the last part of the path.
    """

    name: str
    format: str
    samples: tuple[Sample, ...]


def read_dataset(path: Path) -> Dataset:
    """Read the labels; no picture is opened yet.

    Raises:
        InvalidInputError: No layout fits, files are missing, or there are fewer than two
            categories.
    """
    row = next((row for row in DATA_FORMATS if row.recognises(path)), None)
    if row is None:
        known = "; ".join(f"{row.key} ({row.label})" for row in DATA_FORMATS)
        raise InvalidInputError(f"{path} is no labelled data that can be read: {known}")
    samples = tuple(
        sorted(set(row.read(path)), key=lambda sample: (str(sample.path), sample.label))
    )
    _check(path, samples)
    return Dataset(path.resolve().name, row.key, samples)


def choose_validation(
    labels: Sequence[str], digests: Sequence[str], *, seed: int
) -> NDArray[np.bool_]:
    """Return which samples validate, (N,) bool: a fifth of each category.

    Identical content never stands on both sides. A category always keeps content in
    training, so one with a single picture is not validated; content under two labels
    stays in training.

    Args:
        digests: Of the content, one for each label.
    """
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(labels), dtype=np.bool_)
    for groups in _groups_by_label(labels, digests).values():
        count = sum(map(len, groups))
        room = min(count - 1, max(1, round(VALIDATION_FRACTION * count)))
        for position in rng.permutation(len(groups)):
            if len(groups[position]) <= room:
                chosen[groups[position]] = True
                room -= len(groups[position])
    return chosen


def _groups_by_label(
    labels: Sequence[str], digests: Sequence[str]
) -> Mapping[str, list[list[int]]]:
    """Return by label the groups of identical content; those under several labels are left out."""
    by_digest: dict[str, list[int]] = defaultdict(list)
    for index, digest in enumerate(digests):
        by_digest[digest].append(index)
    groups: dict[str, list[list[int]]] = defaultdict(list)
    for indices in by_digest.values():
        if len({labels[index] for index in indices}) == 1:
            groups[labels[indices[0]]].append(indices)
    return groups


def _check(path: Path, samples: Sequence[Sample]) -> None:
    labels = {sample.label for sample in samples if sample.part != "test"}
    if len(labels) < 2:
        raise InvalidInputError(
            f"{path} has {len(labels)} categories to train on; at least 2 are needed"
        )
    missing = [sample.path for sample in samples if not sample.path.is_file()]
    if missing:
        raise InvalidInputError(
            f"{len(missing)} of {len(samples)} files named by {path} do not exist, "
            f"such as {missing[0]}"
        )
    untrained = {sample.label for sample in samples} - {
        sample.label for sample in samples if sample.part in ("train", None)
    }
    if untrained:
        raise InvalidInputError(
            f"{path} has no training pictures for {len(untrained)} categories, "
            f"such as {min(untrained)!r}"
        )


@contextmanager
def _open_csv(path: Path) -> Iterator["csv.DictReader[str]"]:
    """The rows of a CSV file in UTF-8 with commas, semicolons or tabs."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            head = file.readline()
            file.seek(0)
            yield csv.DictReader(file, delimiter=max(",;\t", key=head.count))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInputError(f"{path} is no CSV file in UTF-8: {error}") from error


# --- one folder a category -------------------------------------------------------------------


def _is_folder(path: Path) -> bool:
    return path.is_dir()


def _read_folder(path: Path) -> Iterator[Sample]:
    """Categories are the folders; train, val and test on top are the split."""
    split = {entry.name for entry in path.iterdir() if entry.is_dir()} <= _PARTS.keys()
    for folder, _, names in os.walk(path):
        parts = Path(folder).relative_to(path).parts
        category = parts[1:] if split else parts
        if not category:
            continue
        for name in names:
            if Path(name).suffix.lower() in EXTENSIONS:
                part = _PARTS[parts[0]] if split else None
                yield Sample(Path(folder, name), CATEGORY_SEPARATOR.join(category), part)


# --- a CSV file ------------------------------------------------------------------------------

# What the columns may be called: a label list's names, and those of an import manifest.
_COLUMNS = {
    "path": ("path", "file", "image", "photo", "filename", "name"),
    "label": ("label", "category", "claimed_category", "class"),
    "split": ("split", "part"),
}


def _is_csv(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() == ".csv"


def _read_csv(path: Path) -> Iterator[Sample]:
    """Paths are relative to the file."""
    with _open_csv(path) as reader:
        yield from _read_rows(path, reader.fieldnames or (), reader)


def _is_parquet(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() == ".parquet"


def _read_parquet(path: Path) -> Iterator[Sample]:
    """As a CSV file; paths are relative to the file."""
    try:
        table = parquet.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InvalidInputError(f"{path} is no Parquet file: {error}") from error
    rows = ({name: str(value or "") for name, value in row.items()} for row in table.to_pylist())
    yield from _read_rows(path, table.column_names, rows)


def _read_rows(
    path: Path, names: Sequence[str], rows: Iterable[Mapping[str, str | None]]
) -> Iterator[Sample]:
    columns = _find_columns(path, names)
    for number, row in enumerate(rows, start=2):
        name, label = ((row[columns[key]] or "").strip() for key in ("path", "label"))
        if not name or not label:
            raise InvalidInputError(f"line {number} of {path} has no path or has no label")
        part = _read_part(path, number, row[columns["split"]] if "split" in columns else "")
        yield Sample(path.parent / name, label, part)


def _find_columns(path: Path, names: Sequence[str]) -> Mapping[str, str]:
    found = {
        column: next(name for name in accepted if name in names)
        for column, accepted in _COLUMNS.items()
        if set(accepted) & set(names)
    }
    if not {"path", "label"} <= found.keys():
        raise InvalidInputError(
            f"{path} needs the columns path and label, and may have split; it has "
            f"{', '.join(names) or 'none'}"
        )
    return found


def _read_part(path: Path, number: int, text: str | None) -> Part | None:
    name = (text or "").strip().lower()
    if name and name not in _PARTS:
        raise InvalidInputError(
            f"line {number} of {path} has the split {name!r}; it may be train, validation or test"
        )
    return _PARTS.get(name)


# --- the Grocery Store Dataset (github.com/marcusklasson/GroceryStoreDataset) ------------------


def _is_grocery(path: Path) -> bool:
    return (path / "classes.csv").is_file() and (path / "train.txt").is_file()


def _read_grocery(path: Path) -> Iterator[Sample]:
    """Categories are ``Coarse > Fine``; the split is the data set's own."""
    with (path / "classes.csv").open(newline="", encoding="utf-8") as file:
        names = {
            row["Class ID (int)"]: CATEGORY_SEPARATOR.join(
                (row["Coarse Class Name (str)"], row["Class Name (str)"])
            )
            for row in csv.DictReader(file)
        }
    for part in ("train", "val", "test"):
        listing = path / f"{part}.txt"
        if listing.is_file():
            yield from _read_grocery_part(path, listing, names, _PARTS[part])


def _read_grocery_part(
    root: Path, listing: Path, names: Mapping[str, str], part: Part
) -> Iterator[Sample]:
    for number, line in enumerate(listing.read_text(encoding="utf-8").splitlines(), start=1):
        fields = [field.strip() for field in line.split(",")]
        if len(fields) != 3 or fields[1] not in names:
            raise InvalidInputError(
                f"line {number} of {listing} is {line!r}, not a path and two class ids"
            )
        yield Sample(root / fields[0], names[fields[1]], part)


# --- Products-10K (train.csv: name,class,group; test_kaggletest.csv: name,class,Usage) ---------


def _is_products10k(path: Path) -> bool:
    return (path / "train.csv").is_file() and (path / "train").is_dir()


def _read_products10k(path: Path) -> Iterator[Sample]:
    """Categories are ``Group g > Product c``; the test list leaves the groups to the other."""
    groups: dict[str, str] = {}
    with _open_csv(path / "train.csv") as reader:
        _require_columns(path / "train.csv", reader, "name", "class", "group")
        for row in reader:
            groups[row["class"]] = row["group"]
            yield Sample(path / "train" / row["name"], _products10k_label(row["class"], groups))
    test = path / "test_kaggletest.csv"
    if not test.is_file():
        return
    with _open_csv(test) as reader:
        _require_columns(test, reader, "name", "class")
        for row in reader:
            label = _products10k_label(row["class"], groups)
            yield Sample(path / "test" / row["name"], label, "test")


def _require_columns(path: Path, reader: "csv.DictReader[str]", *columns: str) -> None:
    if missing := set(columns) - set(reader.fieldnames or ()):
        raise InvalidInputError(f"{path} has no column {', '.join(sorted(missing))}")


def _products10k_label(product: str, groups: Mapping[str, str]) -> str:
    return f"Group {groups.get(product, '?')}{CATEGORY_SEPARATOR}Product {product}"


DATA_FORMATS = (
    DataFormat(
        "products10k", "train.csv and train/ of Products-10K", _is_products10k, _read_products10k
    ),
    DataFormat("grocery", "classes.csv and train.txt of Grocery", _is_grocery, _read_grocery),
    DataFormat("csv", "a CSV file with path, label and perhaps split", _is_csv, _read_csv),
    DataFormat("parquet", "a Parquet file with the same columns", _is_parquet, _read_parquet),
    DataFormat("folder", "a folder for each category", _is_folder, _read_folder),
)
