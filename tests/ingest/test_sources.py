import os
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from core.errors import NotFoundError
from core.ingest import SOURCES, Collection, SourceLimits, open_files, open_source
from core.ingest.sources import kind_of_source
from tests.ingest.zips import zip_of


def write(root: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def skus(collection: Collection) -> list[str]:
    return [product.sku for product in collection.products]


def refused(collection: Collection) -> dict[str, str]:
    return {each.name: each.reason for each in collection.refusals}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("folder", "folder"),
        ("a.zip", "zip"),
        ("a.ZIP", "zip"),
        ("a.csv", "manifest"),
        ("a.parquet", "manifest"),
        ("a.jpg", "photo"),
        ("a", "photo"),
    ],
)
def test_a_source_is_told_by_its_path(tmp_path, name, key):
    path = tmp_path / name
    path.mkdir() if key == "folder" else path.touch()

    assert kind_of_source(path).key == key


def test_every_kind_of_source_has_a_case():
    assert {kind.key for kind in SOURCES} == {"folder", "zip", "manifest", "photo"}


def test_nothing_at_the_path_is_not_found(tmp_path, limits):
    with (
        pytest.raises(NotFoundError, match="no file or folder"),
        open_source(tmp_path / "x", limits),
    ):
        pass


def test_a_folder_gives_its_files_by_name_and_passes_over_litter(tmp_path, limits):
    files = {"b/2.jpg": b"2", "a.jpg": b"1", ".DS_Store": b"", "b/._2.jpg": b"", "Thumbs.db": b""}
    with open_source(write(tmp_path, files), limits) as collection:
        assert skus(collection) == ["a.jpg", "b/2.jpg"]
        assert collection.products[1].photos[0].read(10) == b"2"
        assert collection.refusals == ()


def test_a_photo_is_read_no_further_than_asked(tmp_path, limits):
    with open_source(write(tmp_path, {"a.jpg": b"12345"}) / "a.jpg", limits) as collection:
        assert collection.products[0].photos[0].read(3) == b"123"


def test_folders_become_a_claimed_category_when_asked(tmp_path, limits):
    write(tmp_path, {"Fruit/Apple/1.jpg": b"", "2.jpg": b""})
    with open_source(tmp_path, limits, claim_folder=True) as collection:
        claimed = {product.sku: product.claimed_category for product in collection.products}
    assert claimed == {"Fruit/Apple/1.jpg": "Fruit > Apple", "2.jpg": ""}


def test_links_that_leave_the_folder_are_refused_and_others_followed(tmp_path, limits):
    outside = write(tmp_path / "outside", {"secret.jpg": b"s"})
    root = write(tmp_path / "root", {"a.jpg": b"a"})
    (root / "inside.jpg").symlink_to(root / "a.jpg")
    (root / "file.jpg").symlink_to(outside / "secret.jpg")
    (root / "folder").symlink_to(outside)

    with open_source(root, limits) as collection:
        assert skus(collection) == ["a.jpg", "inside.jpg"]
        assert refused(collection) == {"file.jpg": "link", "folder": "link"}


def test_a_link_to_a_folder_inside_is_not_followed_in_circles(tmp_path, limits):
    root = write(tmp_path, {"a/1.jpg": b""})
    (root / "a" / "again").symlink_to(root)

    with open_source(root, limits) as collection:
        assert skus(collection) == ["a/1.jpg"]
        assert refused(collection) == {"a/again": "not_a_file"}


def test_a_broken_link_is_refused(tmp_path, limits):
    (tmp_path / "a.jpg").symlink_to(tmp_path / "nothing")

    with open_source(tmp_path, limits) as collection:
        assert refused(collection) == {"a.jpg": "unreadable_file"}


def test_a_link_to_itself_is_refused(tmp_path, limits):
    (tmp_path / "a.jpg").symlink_to(tmp_path / "a.jpg")

    with open_source(tmp_path, limits) as collection:
        assert refused(collection) == {"a.jpg": "unreadable_file"}


def test_a_pipe_and_a_socket_are_not_opened(tmp_path, limits, monkeypatch):
    os.mkfifo(tmp_path / "pipe.jpg")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind("socket.jpg")
        with open_source(tmp_path, limits) as collection:
            assert refused(collection) == {"pipe.jpg": "not_a_file", "socket.jpg": "not_a_file"}


def test_a_name_that_is_no_text_is_refused(tmp_path, limits):
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg"))).touch()

    with open_source(tmp_path, limits) as collection:
        assert refused(collection) == {"caf\\udce9.jpg": "unsafe_name"}


def test_a_folder_with_too_many_files_is_refused_as_a_whole(tmp_path, limits):
    write(tmp_path / "many", {f"{number}.jpg": b"" for number in range(limits.max_files + 1)})

    with open_source(tmp_path / "many", limits) as collection:
        assert collection.products == ()
        assert refused(collection) == {"many": "too_many_files"}


def test_several_files_are_one_collection(tmp_path, limits: SourceLimits):
    staged = write(tmp_path, {"1": b"a", "2.zip": zip_of({"b.jpg": b"b", "a.jpg": b"x"})})

    with open_files({"a.jpg": staged / "1", "more.zip": staged / "2.zip"}, limits) as collection:
        assert skus(collection) == ["a.jpg", "b.jpg"]
        assert refused(collection) == {"a.jpg": "duplicate_name"}


def test_a_manifest_among_several_files_decides(tmp_path, limits):
    table = b"file,sku\nimages/a.jpg,A\nb.jpg,B\nmissing.jpg,C\n"
    staged = write(tmp_path, {"1.csv": table, "2": b"a", "3": b"b", "4": b"c"})
    paths = {
        "m.csv": staged / "1.csv",
        "a.jpg": staged / "2",
        "x/b.jpg": staged / "3",
        "c.jpg": staged / "4",
    }

    with open_files(paths, limits) as collection:
        assert skus(collection) == ["A", "B"]
        assert refused(collection) == {"missing.jpg": "missing_file", "c.jpg": "not_listed"}


def test_a_sku_of_two_manifests_is_one_listing(tmp_path, limits):
    tables = {"1.csv": b"file,sku\na.jpg,A\n", "2.csv": b"file,sku,title\nb.jpg,A,Apple\n"}
    staged = write(tmp_path, {**tables, "a.jpg": b"a", "b.jpg": b"b"})

    with open_files({path.name: path for path in staged.iterdir()}, limits) as found:
        (product,) = found.products

    assert (product.sku, product.title) == ("A", "Apple")
    assert [photo.name for photo in product.photos] == ["a.jpg", "b.jpg"]


def test_a_manifest_finds_the_photos_of_a_zip_beside_it(tmp_path, limits):
    staged = write(tmp_path, {"1.csv": b"file\na.jpg\n", "2.zip": zip_of({"a.jpg": b"a"})})

    with open_files({"m.csv": staged / "1.csv", "p.zip": staged / "2.zip"}, limits) as collection:
        assert skus(collection) == ["a.jpg"]
        assert collection.products[0].photos[0].read(9) == b"a"


def test_a_name_that_two_files_share_is_found_by_its_whole_path_only(tmp_path, limits):
    staged = write(tmp_path, {"m.csv": b"file\na.jpg\nx/a.jpg\n", "1": b"1", "2": b"2"})
    paths = {"m.csv": staged / "m.csv", "x/a.jpg": staged / "1", "y/a.jpg": staged / "2"}

    with open_files(paths, limits) as collection:
        assert skus(collection) == ["x/a.jpg"]
        assert refused(collection) == {"a.jpg": "missing_file", "y/a.jpg": "not_listed"}
