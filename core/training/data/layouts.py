"""Readers of labelled data on the disk: one a layout. No picture is opened."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from core.errors import InvalidInputError
from core.imaging import EXTENSIONS
from core.ingest.files import RefusedFileError, clean_name, is_ignored
from core.training.data.samples import PART_NAMES, Part, Sample, make_label
from core.training.data.tables import Column, read_lines, read_rows

Found = Sample | Path
"""A sample, or a file that is passed over."""


# --- one folder a category -------------------------------------------------------------------


def is_folder(path: Path) -> bool:
    return path.is_dir()


def read_folder(path: Path) -> Iterator[Found]:
    """Categories are the folders; train, val and test on top are the split."""
    folders = {entry.name for entry in path.iterdir() if entry.is_dir()}
    split = bool(folders) and folders <= PART_NAMES.keys()
    for file in _list_files(path, above=()):
        *names, name = file.relative_to(path).parts
        part = PART_NAMES[names.pop(0)] if split and names else None
        if not names or Path(name).suffix.lower() not in EXTENSIONS:
            yield file
            continue
        with _naming(str(file)):
            yield Sample(file, make_label(*names), part)


def _list_files(folder: Path, above: tuple[str, ...]) -> Iterator[Path]:
    """Yield the files below a folder; links are followed, hidden files are not listed."""
    real = os.path.realpath(folder)
    if real in above:
        raise InvalidInputError(f"{folder} is a link to a folder that it lies in; remove the link")
    try:
        with os.scandir(folder) as entries:
            found = sorted((entry.name, entry.is_dir()) for entry in entries)
    except OSError as error:
        raise InvalidInputError(f"{error.filename} cannot be read: {error.strerror}") from error
    for name, is_dir in found:
        if is_ignored(name):
            continue
        if is_dir:
            yield from _list_files(folder / name, (*above, real))
        else:
            yield folder / name


# --- a CSV or Parquet file -------------------------------------------------------------------

# The columns may be called as in a label list or as in an import manifest.
LABEL_COLUMNS = (
    Column("path", ("file", "image", "photo", "filename", "name"), needed=True),
    Column("label", ("category", "claimed_category", "class"), needed=True),
    Column("group"),
    Column("split", ("part",)),
    Column("item", ("sku",)),
)


def is_csv(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() == ".csv"


def is_parquet(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() == ".parquet"


def read_label_list(path: Path) -> Iterator[Found]:
    """Paths are relative to the file; a group becomes the label's parent."""
    for number, row in read_rows(path, LABEL_COLUMNS):
        with _naming(f"row {number} of {path}"):
            names = filter(None, (row.get("group"), row["label"]))
            yield Sample(
                path.parent / _relative(row["path"]),
                make_label(*names),
                _read_part(row.get("split", "")),
                row.get("item", ""),
            )


def _relative(name: str) -> str:
    try:
        return clean_name(name)
    except RefusedFileError as error:
        raise InvalidInputError(
            f"{name!r} cannot be taken: {error}; name files relative to the list, inside its folder"
        ) from error


def _read_part(text: str) -> Part | None:
    if text and text.lower() not in PART_NAMES:
        raise InvalidInputError(f"the split {text!r} may be train, validation or test")
    return PART_NAMES.get(text.lower())


@contextmanager
def _naming(place: str) -> Iterator[None]:
    """Say in an error where it was found."""
    try:
        yield
    except InvalidInputError as error:
        raise InvalidInputError(f"{place}: {error}") from error


# --- the Grocery Store Dataset (github.com/marcusklasson/GroceryStoreDataset) ------------------

_GROCERY_CLASSES = tuple(
    Column(name, needed=True)
    for name in ("class_id_(int)", "class_name_(str)", "coarse_class_name_(str)")
)


def is_grocery(path: Path) -> bool:
    return (path / "classes.csv").is_file() and (path / "train.txt").is_file()


def read_grocery(path: Path) -> Iterator[Found]:
    """Categories are ``Coarse > Fine``; the split is the data set's own."""
    labels = {
        row["class_id_(int)"]: make_label(row["coarse_class_name_(str)"], row["class_name_(str)"])
        for _, row in read_rows(path / "classes.csv", _GROCERY_CLASSES)
    }
    for name in ("train", "val", "test"):
        listing = path / f"{name}.txt"
        if listing.is_file():
            yield from _read_grocery_part(path, listing, labels, PART_NAMES[name])


def _read_grocery_part(
    root: Path, listing: Path, labels: Mapping[str, str], part: Part
) -> Iterator[Found]:
    for number, line in read_lines(listing):
        fields = [field.strip() for field in line.split(",")]
        with _naming(f"row {number} of {listing}"):
            if len(fields) != 3 or fields[1] not in labels:
                raise InvalidInputError(f"{line!r} is not a path and two ids of classes.csv")
            yield Sample(root / _relative(fields[0]), labels[fields[1]], part)


# --- Products-10K (train.csv: name,class,group; test_kaggletest.csv: name,class,Usage) ---------

_PRODUCTS_TRAIN = tuple(Column(name, needed=True) for name in ("name", "class", "group"))
_PRODUCTS_TEST = _PRODUCTS_TRAIN[:2]


def is_products10k(path: Path) -> bool:
    beside = (path / "train").is_dir() or (path / "test_kaggletest.csv").is_file()
    return beside and (path / "train.csv").is_file()


def read_products10k(path: Path) -> Iterator[Found]:
    """Categories are ``Group g > Product c``; the first row of a class decides its group."""
    listing, folder = path / "train.csv", path / "train"
    labels: dict[str, str] = {}
    for number, row in read_rows(listing, _PRODUCTS_TRAIN):
        with _naming(f"row {number} of {listing}"):
            product = row["class"]
            if product not in labels:
                labels[product] = make_label(f"Group {row['group']}", f"Product {product}")
            yield Sample(folder / _relative(row["name"]), labels[product])
    test = path / "test_kaggletest.csv"
    if test.is_file():
        yield from _read_products10k_test(test, path / "test", labels)


def _read_products10k_test(
    listing: Path, folder: Path, labels: Mapping[str, str]
) -> Iterator[Found]:
    for number, row in read_rows(listing, _PRODUCTS_TEST):
        with _naming(f"row {number} of {listing}"):
            if row["class"] not in labels:
                raise InvalidInputError(f"class {row['class']} does not occur in train.csv")
            yield Sample(folder / _relative(row["name"]), labels[row["class"]], "test")
