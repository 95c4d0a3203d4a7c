import hashlib
from pathlib import Path

import pytest

from core.actors import Actor
from core.errors import ForbiddenError, InvalidInputError
from core.services.datasets import check_dataset, open_dataset
from core.services.training import train_and_register
from core.storage import ImageStore
from core.training import TrainingRequest
from db.engine import transaction
from db.queries import categories
from db.rows import BatchRow, DecisionRow, ImageRow, ListingImageRow, ListingRow
from tests.imaging.samples import encoded, noise
from tests.training.trees import make_tree

NOBODY = Actor(id=1, name="Ann", role="reviewer")


class Shop:
    """A batch whose listings are decided one by one."""

    def __init__(self, engine, settings, actor):
        self.engine, self.actor = engine, actor
        self.store = ImageStore.of(settings)
        self.decisions = 0
        with transaction(engine) as session:
            self.ids = categories.ensure_paths(session, ["Home > Mug", "Home > Lamp"])
            batch = BatchRow(name="May", content_digest="0" * 64, created_by=actor.id)
            session.add(batch)
            session.flush()
            self.batch_id = batch.id

    def add(self, sku, *, photos=1, state="needs_review", decided=None, readable=True, data=None):
        """Add a listing; return its id."""
        with transaction(self.engine) as session:
            listing = ListingRow(
                batch_id=self.batch_id,
                sku=sku,
                state=state,
                decided_category_id=self.ids.get(decided),
            )
            session.add(listing)
            session.flush()
            for position in range(photos):
                sha256 = self.store.put(data or f"{sku} {position}".encode())
                image = ImageRow(
                    sha256=sha256,
                    size_bytes=1,
                    width_px=1,
                    height_px=1,
                    format="PNG",
                    state="readable" if readable else "unreadable",
                )
                session.add(image)
                session.flush()
                session.add(
                    ListingImageRow(
                        listing_id=listing.id,
                        image_id=image.id,
                        position=position,
                        file_name=f"{position}.png",
                    )
                )
            return listing.id

    def decide(self, listing_id, kind, category=None, undoes_id=None):
        """Append a decision; return its id."""
        self.decisions += 1
        with transaction(self.engine) as session:
            decision = DecisionRow(
                key=str(self.decisions),
                listing_id=listing_id,
                listing_version=1,
                user_id=self.actor.id,
                kind=kind,
                category_id=self.ids.get(category),
                undoes_id=undoes_id,
            )
            session.add(decision)
            session.flush()
            return decision.id

    def add_decided(self, sku, kind, state, category, **options):
        listing_id = self.add(sku, state=state, decided=category, **options)
        self.decide(listing_id, kind, category)
        return listing_id


@pytest.fixture
def shop(any_engine, any_settings, actor):
    return Shop(any_engine, any_settings, actor)


def found(dataset):
    return {(sample.path.name, sample.label) for sample in dataset.samples}


def photo(sku, position=0):
    return hashlib.sha256(f"{sku} {position}".encode()).hexdigest()


def test_accepted_and_corrected_listings_are_the_data(shop, any_engine, any_settings, actor):
    first = shop.add_decided("accepted", "accept", "accepted", "Home > Mug", photos=2)
    shop.add_decided("corrected", "correct", "corrected", "Home > Lamp")
    shop.add_decided("published", "accept", "published", "Home > Lamp")

    dataset = open_dataset(any_engine, any_settings, actor=actor, data="reviewed")

    assert (dataset.name, dataset.format) == ("reviewed", "reviewed")
    assert found(dataset) == {
        (photo("accepted"), "Home > Mug"),
        (photo("accepted", 1), "Home > Mug"),
        (photo("corrected"), "Home > Lamp"),
        (photo("published"), "Home > Lamp"),
    }
    items = [sample.item for sample in dataset.samples if sample.label == "Home > Mug"]
    assert items == [f"listing {first}"] * 2
    assert {sample.part for sample in dataset.samples} == {None}


def test_nothing_else_is(shop, any_engine, any_settings, actor):
    shop.add_decided("mug", "accept", "accepted", "Home > Mug")
    shop.add_decided("lamp", "accept", "accepted", "Home > Lamp")
    shop.add("undecided")
    shop.add("alone", state="auto_accepted", decided="Home > Mug")
    shop.decide(shop.add("rejected", state="rejected"), "reject")
    shop.decide(shop.add("skipped"), "skip")
    undone = shop.add("undone")
    decision = shop.decide(undone, "accept", "Home > Mug")
    shop.decide(undone, "undo", undoes_id=decision)
    shop.add_decided("broken", "accept", "accepted", "Home > Mug", readable=False)

    dataset = open_dataset(any_engine, any_settings, actor=actor, data="reviewed")

    assert found(dataset) == {(photo("mug"), "Home > Mug"), (photo("lamp"), "Home > Lamp")}


def test_a_listing_decided_anew_has_its_last_category_once(shop, any_engine, any_settings, actor):
    shop.add_decided("mug", "accept", "accepted", "Home > Mug")
    listing_id = shop.add("lamp", state="corrected", decided="Home > Lamp")
    first = shop.decide(listing_id, "accept", "Home > Mug")
    shop.decide(listing_id, "undo", undoes_id=first)
    shop.decide(listing_id, "correct", "Home > Lamp")

    dataset = open_dataset(any_engine, any_settings, actor=actor, data="reviewed")

    assert found(dataset) == {(photo("mug"), "Home > Mug"), (photo("lamp"), "Home > Lamp")}


def test_more_photos_than_a_page_are_all_read(shop, any_engine, any_settings, actor, monkeypatch):
    monkeypatch.setattr("core.services.datasets._PAGE_ROWS", 2)
    for number in range(5):
        category = ("Home > Mug", "Home > Lamp")[number % 2]
        shop.add_decided(f"{number}", "accept", "accepted", category)

    dataset = open_dataset(any_engine, any_settings, actor=actor, data="reviewed")

    assert len(dataset.samples) == 5


def test_a_model_is_trained_on_what_was_reviewed(engine, settings, actor):
    shop = Shop(engine, settings, actor)
    for number in range(8):
        category = ("Home > Mug", "Home > Lamp")[number % 2]
        data = encoded(noise(24, 16, seed=number), "PNG")
        shop.add_decided(f"{number}", "accept", "accepted", category, data=data)
    changes = {"epochs": 1, "image_size_px": 32, "batch_size": 4, "weights": "none"}

    version = train_and_register(
        engine,
        settings,
        actor=actor,
        request=TrainingRequest("custom_cnn", "reviewed", changes=changes),
        on_progress=lambda _: None,
        should_stop=lambda: False,
    )

    data = version.metrics["training"]["data"]
    assert (data["name"], data["counts"]) == ("reviewed", {"train": 6, "validation": 2})


def test_an_installation_where_nothing_was_reviewed_says_so(engine, settings, actor):
    with pytest.raises(InvalidInputError, match=r"accepted and corrected listings\) has no label"):
        open_dataset(engine, settings, actor=actor, data="reviewed")


def test_a_path_is_read_as_it_is(engine, settings, actor, tmp_path: Path):
    dataset = open_dataset(engine, settings, actor=actor, data=str(make_tree(tmp_path / "tree")))

    assert (dataset.name, dataset.format) == ("tree", "folder")


def test_missing_files_stop_a_training_and_are_listed_by_a_check(
    engine, settings, actor, tmp_path: Path
):
    make_tree(tmp_path, each=2)
    lines = ["path,label", "Warm/Red/0.png,Red", "Cool/Blue/0.png,Blue", "gone.png,Red"]
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    data = str(tmp_path / "labels.csv")
    seen = []

    with pytest.raises(InvalidInputError, match=r"1 of the 3 files .*gone\.png"):
        open_dataset(engine, settings, actor=actor, data=data)
    report = check_dataset(
        engine, settings, actor=actor, data=data, on_progress=lambda *done: seen.append(done)
    )

    assert [finding.key for finding in report.errors] == ["missing_file", "unvalidated"]
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_who_may_not_train_may_not_read_data_either(engine, settings, tmp_path: Path):
    with pytest.raises(ForbiddenError):
        open_dataset(engine, settings, actor=NOBODY, data=str(tmp_path))
    with pytest.raises(ForbiddenError):
        check_dataset(
            engine, settings, actor=NOBODY, data=str(tmp_path), on_progress=lambda *_: None
        )
