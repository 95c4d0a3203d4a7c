from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from core.errors import InvalidInputError
from core.training.datasets import DATA_FORMATS, read_dataset
from tests.training.trees import COLOURS, draw, make_tree


def make_folder(root: Path) -> Path:
    return make_tree(root, each=2)


def make_csv(root: Path) -> Path:
    make_tree(root, each=2)
    files = sorted(path.relative_to(root) for path in root.rglob("*.png"))
    lines = [f"{path},{' > '.join(path.parent.parts)}" for path in files]
    path = root / "labels.csv"
    path.write_text("\n".join(["path,label", *lines]))
    return path


def make_parquet(root: Path) -> Path:
    path = root / "labels.parquet"
    pd.read_csv(make_csv(root)).to_parquet(path)
    return path


def make_grocery(root: Path) -> Path:
    """The layout of the Grocery Store Dataset, in small."""
    header = "Class Name (str),Class ID (int),Coarse Class Name (str),Coarse Class ID (int)"
    rows, listings = [header], {"train": [], "val": [], "test": []}
    for number, (category, colour) in enumerate(COLOURS.items()):
        coarse, fine = category.split(" > ")
        rows.append(f"{fine},{number},{coarse},0")
        for seed, part in enumerate(listings):
            draw(root / part / fine / f"{seed}.png", colour, seed=seed)
            listings[part].append(f"{part}/{fine}/{seed}.png, {number}, 0")
    (root / "classes.csv").write_text("\n".join(rows))
    for part, lines in listings.items():
        (root / f"{part}.txt").write_text("\n".join(lines))
    return root


def make_products10k(root: Path) -> Path:
    """The layout of Products-10K, in small; its test list names no group."""
    train, test = ["name,class,group"], ["name,class,Usage"]
    for number, colour in enumerate(COLOURS.values()):
        draw(root / "train" / f"{number}.jpg", colour, seed=number)
        draw(root / "test" / f"{number}.jpg", colour, seed=number + 50)
        train.append(f"{number}.jpg,{number},7")
        test.append(f"{number}.jpg,{number},Public")
    (root / "train.csv").write_text("\n".join(train))
    (root / "test_kaggletest.csv").write_text("\n".join(test))
    return root


CASES = {
    "folder": make_folder,
    "csv": make_csv,
    "grocery": make_grocery,
    "parquet": make_parquet,
    "products10k": make_products10k,
}
LABELS = {"products10k": {f"Group 7 > Product {number}" for number in range(len(COLOURS))}}


def test_every_format_has_a_case() -> None:
    assert CASES.keys() == {row.key for row in DATA_FORMATS}


@pytest.mark.parametrize("key", CASES)
def test_a_format_is_recognised_and_read(key: str, tmp_path: Path) -> None:
    dataset = read_dataset(CASES[key](tmp_path))
    assert dataset.format == key
    assert {sample.label for sample in dataset.samples} == LABELS.get(key, COLOURS.keys())
    assert all(sample.path.is_file() for sample in dataset.samples)
    assert list(dataset.samples) == sorted(dataset.samples, key=lambda sample: str(sample.path))


def test_the_split_of_grocery_is_its_own(tmp_path: Path) -> None:
    parts = Counter(sample.part for sample in read_dataset(make_grocery(tmp_path)).samples)
    assert parts == {"train": 3, "validation": 3, "test": 3}


def test_the_test_list_of_products10k_is_only_tested(tmp_path: Path) -> None:
    samples = read_dataset(make_products10k(tmp_path)).samples
    assert {(sample.part, sample.path.parent.name) for sample in samples} == {
        (None, "train"),
        ("test", "test"),
    }


def test_a_list_of_products10k_without_groups_is_refused(tmp_path: Path) -> None:
    (make_products10k(tmp_path) / "train.csv").write_text("name,class\n0.jpg,0")
    with pytest.raises(InvalidInputError, match="no column group"):
        read_dataset(tmp_path)


def test_folders_named_train_and_test_are_a_split(tmp_path: Path) -> None:
    make_tree(tmp_path / "train", each=2)
    make_tree(tmp_path / "test", each=1)
    samples = read_dataset(tmp_path).samples
    assert Counter(sample.part for sample in samples) == {"train": 6, "test": 3}
    assert {sample.label for sample in samples} == COLOURS.keys()


def test_other_files_in_a_folder_are_passed_over(tmp_path: Path) -> None:
    make_tree(tmp_path, each=2)
    (tmp_path / "Warm" / "Red" / "notes.txt").write_text("nothing")
    assert len(read_dataset(tmp_path).samples) == 6


def test_a_split_column_is_taken(tmp_path: Path) -> None:
    make_tree(tmp_path, each=1)
    lines = ["file,category,split", "Warm/Red/0.png,Red,train", "Cool/Blue/0.png,Blue,TRAIN"]
    lines += ["Warm/Red/0.png,Red,val", "Cool/Blue/0.png,Blue,"]
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    parts = Counter(sample.part for sample in read_dataset(tmp_path / "labels.csv").samples)
    assert parts == {"train": 2, "validation": 1, None: 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path\na.png", "no column label"),
        ("", "its columns are: none"),
        ("path,label\na.png,A\nb.png,B", "2 of the 2 files"),
        ("path,label\nWarm/Red/0.png,\n", "row 2 .* has no label"),
        ("path,label,split\nWarm/Red/0.png,Red,later\n", "'later'"),
        ("path,label\nWarm/Red/0.png,Red\n", "1 categories"),
        ("label,path\nRed\n", "row 2 .* has no path"),
        ("path;label\nWarm/Red/0.png;Red\n", "1 categories"),
    ],
)
def test_a_csv_file_that_cannot_be_used_says_why(
    tmp_path: Path, content: str, message: str
) -> None:
    make_tree(tmp_path, each=1)
    (tmp_path / "labels.csv").write_text(content)
    with pytest.raises(InvalidInputError, match=message):
        read_dataset(tmp_path / "labels.csv")


def test_a_csv_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes("path,label\na.png,Möbel\n".encode("latin-1"))
    with pytest.raises(InvalidInputError, match=r"is not UTF-8 text \(byte 18\)"):
        read_dataset(tmp_path / "labels.csv")


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.parquet").write_bytes(b"PAR1")
    with pytest.raises(InvalidInputError, match="cannot be read as Parquet"):
        read_dataset(tmp_path / "labels.parquet")


def test_a_category_that_is_only_tested_is_refused(tmp_path: Path) -> None:
    make_tree(tmp_path / "train", each=2, categories=["Warm > Red", "Cool > Blue"])
    make_tree(tmp_path / "test", each=1)
    with pytest.raises(InvalidInputError, match=r"no training pictures for 1 .*'Cool > Green'"):
        read_dataset(tmp_path)


@pytest.mark.photos
def test_grocery_is_read_as_its_paper_describes_it(grocery_dir: Path) -> None:
    samples = read_dataset(grocery_dir).samples
    parts = Counter(sample.part for sample in samples)
    assert parts == {"train": 2640, "validation": 296, "test": 2485}
    assert len({sample.label for sample in samples}) == 81
    assert len({sample.group for sample in samples}) == 43


def test_a_broken_line_of_grocery_is_named(tmp_path: Path) -> None:
    make_grocery(tmp_path)
    (tmp_path / "val.txt").write_text("val/Red/1.png, 99, 0")
    with pytest.raises(InvalidInputError, match=r"row 1 of .*val\.txt"):
        read_dataset(tmp_path)


@pytest.mark.parametrize("name", ["nothing", "file.txt"])
def test_a_path_without_data_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file.txt").write_text("text")
    with pytest.raises(InvalidInputError, match=name):
        read_dataset(tmp_path / name)
