import csv
import hashlib
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from core.errors import ConflictError
from core.imaging import ImageLimits, decode
from core.ingest import SourceLimits, open_source
from core.quality import QUALITY_CHECKS, measure
from core.sample import render_catalog
from core.sample.backdrops import BACKDROPS
from core.sample.catalog import photograph
from core.sample.faults import FAULTS
from core.sample.plan import SELLERS, plan_catalog
from core.sample.products import PRODUCTS

PER_CATEGORY = 6
LIMITS = SourceLimits(
    image=ImageLimits(max_bytes=10**7, max_pixels=10**7),
    max_files=1000,
    max_zip_bytes=10**8,
    max_zip_ratio=100,
)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    return render_catalog(tmp_path_factory.mktemp("catalog"), seed=7, per_category=PER_CATEGORY)


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def digests(catalog):
    return {
        path.relative_to(catalog.root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in catalog.root.rglob("*")
        if path.is_file()
    }


def decoded(path):
    return decode(path.read_bytes(), LIMITS.image)


def flagged(path):
    measures = measure(decoded(path))
    return {
        key
        for key, check in QUALITY_CHECKS.items()
        if check.severity != "hint" and check.is_raised(measures)
    }


def test_every_category_has_photos_to_train_on_and_new_listings(catalog):
    training = Counter(
        " > ".join(path.parent.relative_to(catalog.train_dir).parts)
        for path in catalog.train_dir.rglob("*.jpg")
    )

    assert training == dict.fromkeys(catalog.categories, PER_CATEGORY - 2)
    assert len(catalog.categories) == len(set(catalog.categories)) == 12
    assert {row["category"] for row in read(catalog.ground_truth)} <= set(catalog.categories)


def test_the_photos_are_of_a_size_a_shop_would_show(catalog):
    for path in catalog.root.rglob("*.jpg"):
        height, width, _channels = decoded(path).pixels.shape
        assert 256 <= min(width, height) <= max(width, height) <= 400


def test_the_manifest_names_every_incoming_photo_once(catalog):
    rows = read(catalog.manifest)
    names = {path.name for path in catalog.manifest.parent.glob("*.jpg")}

    assert len(rows) == catalog.incoming_photos == len(names)
    assert {row["file"] for row in rows} == names
    assert {row["seller"] for row in rows} <= set(SELLERS)
    assert all(Decimal(row["price"]) > 0 and row["title"] and row["brand"] for row in rows)


def test_the_import_takes_the_manifest_whole(catalog):
    with open_source(catalog.manifest, LIMITS) as collection:
        assert collection.refusals == ()
        assert sum(len(product.photos) for product in collection.products) == 24


def test_what_is_planted_is_listed(catalog):
    rows = read(catalog.ground_truth)

    assert Counter(row["fault"] for row in rows if row["fault"]) == catalog.planted
    assert set(catalog.planted) == set(FAULTS)
    assert all(bool(row["detail"]) == bool(row["fault"]) for row in rows)


def test_planted_damage_can_be_seen_and_the_rest_is_sound(catalog):
    found = {row["file"]: row["fault"] for row in read(catalog.ground_truth)}
    flags = {name: flagged(catalog.manifest.parent / name) for name in found}

    for name, fault in found.items():
        wanted = {"blurred": {"blurry"}, "dark": {"dark"}}.get(fault, set())
        assert wanted <= flags[name], name
    sound = [flags[name] for name, fault in found.items() if fault not in {"blurred", "dark"}]
    assert sum(bool(each) for each in sound) <= 0.1 * len(sound)


def test_a_mislabelled_listing_claims_another_category(catalog):
    truth = {row["file"]: row for row in read(catalog.ground_truth)}

    for row in read(catalog.manifest):
        wrong = truth[row["file"]]["fault"] == "mislabelled"
        assert (row["claimed_category"] != truth[row["file"]]["category"]) == wrong


def test_a_duplicated_photo_is_the_very_file_of_another_listing(catalog):
    folder = catalog.manifest.parent
    sku = {row["file"]: row["sku"] for row in read(catalog.manifest)}
    twins = [row for row in read(catalog.ground_truth) if row["fault"] == "duplicated"]

    assert twins
    for row in twins:
        other = row["detail"].rsplit("/", 1)[1]
        assert (folder / row["file"]).read_bytes() == (folder / other).read_bytes()
        assert sku[row["file"]] != sku[other]


def test_some_listings_have_two_photos_of_one_product():
    shots = [shot for shot in plan_catalog(2026, 60) if shot.sku]
    twice = [sku for sku, count in Counter(shot.sku for shot in shots).items() if count == 2]

    assert len(twice) >= 5
    for sku in twice:
        one, other = (shot for shot in shots if shot.sku == sku)
        assert one.item_seed == other.item_seed
        assert one.view_seed != other.view_seed


def test_the_same_seed_gives_the_same_bytes(catalog, tmp_path):
    again = render_catalog(tmp_path / "again", seed=7, per_category=PER_CATEGORY)

    assert digests(again) == digests(catalog)


def test_another_seed_gives_another_catalog():
    assert {shot.item_seed for shot in plan_catalog(1, 8)}.isdisjoint(
        shot.item_seed for shot in plan_catalog(2, 8)
    )


def test_a_complete_catalog_is_not_drawn_again(catalog):
    calls = []

    render_catalog(catalog.root, seed=7, per_category=PER_CATEGORY, on_progress=calls.append)

    assert calls == []


def test_an_interrupted_catalog_is_completed(catalog, tmp_path):
    shutil.copytree(catalog.root, tmp_path / "cut")
    (tmp_path / "cut/ground_truth.csv").unlink()
    (tmp_path / "cut/incoming/photo-0001.jpg").write_bytes(b"half")

    cut = render_catalog(tmp_path / "cut", seed=7, per_category=PER_CATEGORY)

    assert digests(cut) == digests(catalog)


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")

    with pytest.raises(ConflictError, match="not empty"):
        render_catalog(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_catalog_drawn_with_other_numbers_is_left_alone(catalog):
    with pytest.raises(ConflictError, match="another folder"):
        render_catalog(catalog.root, seed=8, per_category=PER_CATEGORY)


def test_stopping_in_the_middle_raises_and_leaves_no_process(tmp_path):
    class StopError(Exception):
        pass

    def stop(_done, _total):
        raise StopError

    with pytest.raises(StopError):
        render_catalog(tmp_path / "stopped", per_category=8, on_progress=stop)

    assert multiprocessing.active_children() == []
    assert not (tmp_path / "stopped/ground_truth.csv").exists()


@pytest.mark.parametrize("product", range(len(PRODUCTS)), ids=lambda i: PRODUCTS[i].category)
def test_every_colour_of_a_product_can_be_photographed(product):
    row = PRODUCTS[product]
    shot = next(shot for shot in plan_catalog(3, 4) if shot.product == product)

    assert all("{colour}" in title for title in row.titles)
    for colour in row.colours:
        mesh = row.build(np.random.default_rng(1), colour)
        assert np.isfinite(mesh.vertices).all()
        assert np.isfinite(mesh.colours).all()
        assert mesh.colours.min() >= 0
    assert photograph(shot) == photograph(shot)


def test_the_backdrops_share_all_photos():
    assert sum(backdrop.share for backdrop in BACKDROPS.values()) == pytest.approx(1.0)


@pytest.mark.slow
def test_drawing_processes_end_when_their_parent_is_killed(tmp_path):
    code = "import sys, pathlib, core.sample as s; s.render_catalog(pathlib.Path(sys.argv[1]))"
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "c")])
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not any(tmp_path.rglob("*.jpg")):
        time.sleep(0.1)
    children = [int(pid) for pid in _children(parent.pid)]
    parent.kill()
    parent.wait()

    while time.monotonic() < deadline and any(map(_alive, children)):
        time.sleep(0.1)

    assert children
    assert not any(map(_alive, children))


def _children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
