"""Bad input: each case is refused with the place, the value and what to do."""

from pathlib import Path

import pandas as pd
import pytest

from core.errors import InvalidInputError
from core.training.datasets import DATA_FORMATS, read_dataset, read_labels
from tests.test_house import ROOT
from tests.training.trees import COLOURS, make_tree


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("/etc/passwd", "absolute path"),
        ("../outside.png", "leads out of its folder"),
        ("a/../../b.png", "leads out of its folder"),
        ("C:\\photos\\a.png", "absolute path"),
        ("a\tb.png", "unprintable"),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(tmp_path: Path, name: str, problem: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(f'path,label\n"{name}",Red\n')
    with pytest.raises(InvalidInputError, match=rf"row 2 of .*: .*{problem}.*; name files relat"):
        read_labels(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"path,label\n", "no rows below its headings"),
        (b"\n\n", "its columns are: none"),
        (b"path,label,label\na,b,c\n", "two columns label; keep one"),
        (b'path,label\n"a.png,Red\n', "row 2 .* is no CSV"),
        (b"path,label\na.png\n", "row 2 .* has no label; fill it in"),
        (b"path,label\na.png,A >  > B\n", "row 2 .* 'A >  > B' has a level without a name"),
        (b"path,label\na.png," + 300 * b"x", "has 300 characters"),
        (b"path,label\na.png,A\0B\n", "cannot be shown"),
        ("path,label\na.png,R\n".encode("utf-16"), r"not UTF-8 text \(byte 0\); save it as CSV"),
        (b"\x89PNG\r\n\x1a\n\0\0", r"not UTF-8 text"),
    ],
)
def test_a_broken_list_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=message):
        read_labels(path)


def test_a_group_column_becomes_the_parent(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("path,label,group\na.png,Red,Warm\nb.png,Sun > Hot,Warm\nc.png,Blue,\n")
    samples = read_labels(path).samples
    assert [sample.label for sample in samples] == ["Warm > Red", "Warm > Sun > Hot", "Blue"]
    assert [sample.group for sample in samples] == ["Warm", "Warm > Sun", "Blue"]


def test_a_sku_keeps_the_photos_of_a_listing_together(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("file,category,sku\na.png,Red,M-1\nb.png,Red,M-1\nc.png,Blue,\n")
    assert [sample.item for sample in read_labels(path).samples] == ["M-1", "M-1", ""]


def test_numbers_in_parquet_are_labels_too(tmp_path: Path) -> None:
    path = tmp_path / "labels.parquet"
    rows = {"name": ["a.png", "b.png", "c.png"], "class": [0, 1, 1], "group": [7.0, None, 7.0]}
    pd.DataFrame(rows).to_parquet(path)
    assert [sample.label for sample in read_labels(path).samples] == ["7 > 0", "1", "7 > 1"]


def test_a_parquet_file_without_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.parquet"
    pd.DataFrame({"path": [], "label": []}).to_parquet(path)
    with pytest.raises(InvalidInputError, match="no rows"):
        read_labels(path)


def test_a_link_back_up_is_named(tmp_path: Path) -> None:
    make_tree(tmp_path, each=1)
    (tmp_path / "Warm" / "again").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(InvalidInputError, match=r"Warm/again is a link to a folder that it lies"):
        read_labels(tmp_path)


def test_a_link_to_itself_is_no_picture(tmp_path: Path) -> None:
    make_tree(tmp_path, each=1)
    loop = tmp_path / "Warm" / "Red" / "loop.png"
    loop.symlink_to(loop)
    with pytest.raises(InvalidInputError, match=r"loop\.png cannot be read: Too many levels"):
        read_dataset(tmp_path)


def test_a_linked_category_is_read(tmp_path: Path) -> None:
    make_tree(tmp_path / "tree", each=1)
    (tmp_path / "data").mkdir()
    for name in ("Warm", "Cool"):
        (tmp_path / "data" / name).symlink_to(tmp_path / "tree" / name)
    assert {sample.label for sample in read_dataset(tmp_path / "data").samples} == COLOURS.keys()


def test_files_that_are_not_used_are_kept_in_mind(tmp_path: Path) -> None:
    make_tree(tmp_path, each=1)
    (tmp_path / "Warm" / "notes.txt").write_text("text")
    (tmp_path / "nowhere.png").write_bytes(b"")
    for hidden in (".DS_Store", "._0.png", "Thumbs.db"):
        (tmp_path / "Warm" / "Red" / hidden).write_bytes(b"")
    dataset = read_dataset(tmp_path)
    assert len(dataset.samples) == len(COLOURS)
    assert [path.name for path in dataset.passed_over] == ["notes.txt", "nowhere.png"]


def test_a_folder_without_pictures_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "Red").mkdir()
    (tmp_path / "Red" / "a.txt").write_text("text")
    with pytest.raises(InvalidInputError, match="no labelled pictures; put them into one folder"):
        read_labels(tmp_path)


def test_one_category_is_named(tmp_path: Path) -> None:
    make_tree(tmp_path, each=2, categories=["Warm > Red"])
    with pytest.raises(InvalidInputError, match=r"1 categories to train on \('Warm > Red'\)"):
        read_labels(tmp_path)


def test_a_path_that_is_not_there_is_told_from_a_file_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "labels.xlsx").write_bytes(b"PK")
    with pytest.raises(InvalidInputError, match="nothing does not exist; what can be read: prod"):
        read_labels(tmp_path / "nothing")
    with pytest.raises(InvalidInputError, match=r"labels\.xlsx is no labelled data that can be r"):
        read_labels(tmp_path / "labels.xlsx")


def test_a_class_of_products10k_keeps_its_first_group(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train.csv").write_text("name,class,group\na.jpg,1,7\nb.jpg,1,8\nc.jpg,2,8\n")
    labels = [sample.label for sample in read_labels(tmp_path).samples]
    assert labels == ["Group 7 > Product 1", "Group 7 > Product 1", "Group 8 > Product 2"]


def test_a_tested_class_of_products10k_must_be_trained(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train.csv").write_text("name,class,group\na.jpg,1,7\nb.jpg,2,8\n")
    (tmp_path / "test_kaggletest.csv").write_text("name,class,Usage\nt.jpg,3,Public\n")
    with pytest.raises(InvalidInputError, match=r"row 2 of .*class 3 does not occur in train\.csv"):
        read_labels(tmp_path)


def test_the_documentation_names_every_format() -> None:
    text = (ROOT / "docs" / "training-data.md").read_text()
    assert [row.key for row in DATA_FORMATS if f"`{row.key}`" not in text] == []
    assert "`reviewed`" in text
