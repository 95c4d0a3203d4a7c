"""What classification writes: no worker process."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, update

from core.actors import Actor
from core.errors import JobCancelledError
from core.imaging import ImageLimits, decode
from core.services import chunks, classification, jobs, limits, verdicts
from core.services.active_models import ModelCache
from core.services.suggestions import suggest
from core.settings import Settings
from core.similarity.fingerprints import VERSION, Fingerprint, take_fingerprint
from core.storage import ImageStore
from db.engine import reading, transaction
from db.rows import (
    EmbeddingRow,
    FingerprintRow,
    FlagRow,
    ImageRow,
    ListingImageRow,
    ListingRow,
    ModelVersionRow,
    PredictionRow,
)
from db.states import FlagState, ImageState, ListingState
from tests.worker import catalog

Classify = Callable[[], None]


@pytest.fixture
def any_settings(any_settings: Settings) -> Settings:
    return any_settings.model_copy(update={"chunk_size": 4, "inference_batch_size": 2})


@pytest.fixture
def photos(any_engine: sa.Engine, any_settings: Settings, actor: Actor, tmp_path: Path) -> int:
    """Import five photos; return the batch's id."""
    catalog.draw_photos(tmp_path / "photos", count=5)
    batch_id, _ = catalog.import_photos(any_engine, any_settings, actor, tmp_path / "photos")
    return batch_id


@pytest.fixture
def classify(any_engine: sa.Engine, any_settings: Settings) -> Classify:
    """Do all chunks that wait, as a worker does."""
    models = ModelCache(any_engine, any_settings)
    return partial(classify_all, any_engine, any_settings, models)


def classify_all(engine: sa.Engine, settings: Settings, models: ModelCache) -> None:
    for chunk_id, _ in chunks.list_unfinished(engine, kind="classification"):
        chunk = chunks.begin(engine, chunk_id=chunk_id)
        assert chunk
        classification.classify_chunk(
            engine, settings, chunk=chunk, models=models, raise_if_stopped=lambda: None
        )


def again(engine: sa.Engine, actor: Actor, batch_id: int) -> int:
    with transaction(engine) as session:
        return jobs.add_classification(session, batch_id=batch_id, actor=actor, chunk_size=4)


def count(engine: sa.Engine, row: type) -> int:
    with reading(engine) as session:
        return session.scalars(select(func.count()).select_from(row)).one()


def test_listings_get_predictions_embeddings_a_suggestion_and_a_place_in_the_queue(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, photos: int, classify: Classify
) -> None:
    catalog.add_model(any_engine, any_settings, actor)
    classify()
    assert count(any_engine, PredictionRow) == count(any_engine, EmbeddingRow) == 5
    with reading(any_engine) as session:
        for listing, prediction in session.execute(
            select(ListingRow, PredictionRow)
            .join(ListingImageRow, ListingImageRow.listing_id == ListingRow.id)
            .join(PredictionRow, PredictionRow.listing_image_id == ListingImageRow.id)
        ):
            assert listing.state == ListingState.NEEDS_REVIEW
            assert listing.version == 3
            assert listing.suggested_category_id == prediction.category_id
            assert listing.doubt == pytest.approx(1 - prediction.probability)
            assert sum(entry["probability"] for entry in prediction.top) == pytest.approx(1)


def test_without_a_model_photos_are_measured_and_listings_wait_in_full_doubt(
    any_engine: sa.Engine, photos: int, classify: Classify
) -> None:
    classify()
    with reading(any_engine) as session:
        listings = session.scalars(select(ListingRow)).all()
        assert {(listing.state, listing.doubt) for listing in listings} == {
            (ListingState.NEEDS_REVIEW, 1.0)
        }
        assert "small" in set(session.scalars(select(FlagRow.kind)))


def test_a_second_job_adds_only_what_is_missing_and_leaves_decided_listings_alone(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, photos: int, classify: Classify
) -> None:
    catalog.add_model(any_engine, any_settings, actor)
    classify()
    with transaction(any_engine) as session:
        decided = session.scalars(select(ListingRow).order_by(ListingRow.id)).first()
        assert decided
        decided.state = ListingState.ACCEPTED
        before = (decided.id, decided.doubt, decided.suggested_category_id)
        session.execute(update(PredictionRow).values(probability=0.123))
    catalog.add_model(any_engine, any_settings, actor, arch="vit")
    again(any_engine, actor, photos)
    classify()
    with reading(any_engine) as session:
        assert count(any_engine, PredictionRow) == 10
        untouched = select(func.count()).where(PredictionRow.probability == 0.123)
        assert session.scalars(untouched.select_from(PredictionRow)).one() == 5
        row = session.get_one(ListingRow, before[0])
        assert (row.id, row.doubt, row.suggested_category_id) == before
        assert row.state == ListingState.ACCEPTED


def test_embeddings_that_are_missing_come_with_the_next_job(
    any_engine: sa.Engine, actor: Actor, photos: int, classify: Classify
) -> None:
    classify()
    with transaction(any_engine) as session:
        kept = session.scalars(select(EmbeddingRow).order_by(EmbeddingRow.id)).first()
        assert kept
        before = (kept.id, kept.space, kept.vector)
        session.execute(delete(EmbeddingRow).where(EmbeddingRow.id != kept.id))
    again(any_engine, actor, photos)
    classify()
    assert count(any_engine, EmbeddingRow) == 5
    with reading(any_engine) as session:
        row = session.get_one(EmbeddingRow, before[0])
        assert (row.id, row.space, row.vector) == before
        assert set(session.scalars(select(EmbeddingRow.dim))) == {1280}


def test_a_fingerprint_is_taken_of_every_picture_and_those_missing_come_with_the_next_job(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, photos: int, classify: Classify
) -> None:
    classify()
    store = ImageStore(any_settings.images_dir, any_settings.cache_dir)
    limits = ImageLimits.of(any_settings)
    with transaction(any_engine) as session:
        rows = session.execute(
            select(FingerprintRow, ImageRow.sha256)
            .join(ImageRow, ImageRow.id == FingerprintRow.image_id)
            .order_by(FingerprintRow.id)
        ).all()
        assert len(rows) == 5
        for row, sha256 in rows:
            expected = take_fingerprint(decode(store.read(sha256), limits).pixels)
            stored = Fingerprint.unpack(row.pixels_sha256, row.hashes)
            assert stored.pixels_sha256 == expected.pixels_sha256
            assert list(stored.variants) == list(expected.variants)
            assert list(stored.hashes) == list(expected.hashes)
        kept, outdated = rows[0][0].id, rows[1][0].id
        session.execute(delete(FingerprintRow).where(FingerprintRow.id > outdated))
        session.get_one(FingerprintRow, outdated).version = 0
    again(any_engine, actor, photos)
    classify()
    assert count(any_engine, FingerprintRow) == 5
    with reading(any_engine) as session:
        assert session.get(FingerprintRow, kept)
        assert set(session.scalars(select(FingerprintRow.version))) == {VERSION}


def test_a_model_version_can_be_what_photos_are_compared_by(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, photos: int, classify: Classify
) -> None:
    classify()
    version = catalog.add_model(any_engine, any_settings, actor)
    again(any_engine, actor, photos)
    changed = any_settings.model_copy(update={"embedder": str(version.id)})
    classify_all(any_engine, changed, ModelCache(any_engine, changed))
    with reading(any_engine) as session:
        spaces = session.execute(
            select(EmbeddingRow.space, func.count(), func.min(EmbeddingRow.dim))
            .group_by(EmbeddingRow.space)
            .order_by(func.min(EmbeddingRow.id))
        ).all()
    assert [(space.partition("-")[0], *rest) for space, *rest in spaces] == [
        ("efficientnet_lite0", 5, 1280),
        ("custom_cnn", 5, 512),
    ]


def test_without_packaged_weights_photos_are_classified_all_the_same(
    engine: sa.Engine, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    active = ModelCache(engine, settings.model_copy(update={"embedder": "resnet50"})).current()
    assert active.space is None
    assert "no embeddings: no package has weights of ResNet-50" in caplog.text
    silent = ModelCache(engine, settings.model_copy(update={"embedder": ""}))
    assert silent.current().space is None
    gone = ModelCache(engine, settings.model_copy(update={"embedder": "99"}))
    assert gone.current().space is None
    assert "no embeddings: no model version 99" in caplog.text


def test_a_damaged_photo_fails_alone_with_its_reason(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, photos: int, classify: Classify
) -> None:
    with reading(any_engine) as session:
        bad, gone = session.scalars(select(ImageRow.sha256).order_by(ImageRow.id).limit(2)).all()
    store = ImageStore(any_settings.images_dir, any_settings.cache_dir)
    store.path(bad).chmod(0o644)
    store.path(bad).write_bytes(b"no picture")
    store.path(gone).unlink()
    classify()
    progress = jobs.list_jobs(any_engine, actor=actor)[0]
    assert (progress.done, progress.failed) == (3, 2)
    with reading(any_engine) as session:
        unreadable = session.scalars(
            select(ImageRow).where(ImageRow.state == ImageState.UNREADABLE).order_by(ImageRow.id)
        ).all()
        assert [image.sha256 for image in unreadable] == [bad, gone]
        assert all(image.reason for image in unreadable)
        states = set(session.scalars(select(ListingRow.state)))
        assert states == {ListingState.NEEDS_REVIEW}


def test_a_job_that_is_stopped_halfway_writes_nothing(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, photos: int
) -> None:
    catalog.add_model(any_engine, any_settings, actor)
    (chunk_id, _), *_ = chunks.list_unfinished(any_engine, kind="classification")
    chunk = chunks.begin(any_engine, chunk_id=chunk_id)
    assert chunk

    def stop() -> None:
        raise JobCancelledError("enough")

    with pytest.raises(JobCancelledError):
        classification.classify_chunk(
            any_engine,
            any_settings,
            chunk=chunk,
            models=ModelCache(any_engine, any_settings),
            raise_if_stopped=stop,
        )
    assert count(any_engine, PredictionRow) == 0


def test_flags_are_renewed_but_not_those_that_somebody_called_wrong(
    any_engine: sa.Engine, actor: Actor, photos: int, classify: Classify
) -> None:
    classify()
    with transaction(any_engine) as session:
        flags = session.scalars(select(FlagRow).where(FlagRow.kind == "small")).all()
        flags[1].score = 0.987
        dismissed_id, photo_id, count_before = flags[0].id, flags[0].listing_image_id, len(flags)
    verdicts.judge(any_engine, actor=actor, listing_image_id=photo_id, kind="small", is_wrong=True)
    again(any_engine, actor, photos)
    classify()
    with reading(any_engine) as session:
        flags = session.scalars(select(FlagRow).where(FlagRow.kind == "small")).all()
        assert len(flags) == count_before
        assert session.get_one(FlagRow, dismissed_id).state == FlagState.DISMISSED
        assert 0.987 not in {flag.score for flag in flags}


def test_the_same_photo_in_another_batch_is_a_duplicate(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, tmp_path: Path, classify: Classify
) -> None:
    catalog.draw_photos(tmp_path / "one", count=1)
    catalog.draw_photos(tmp_path / "two", count=2)  # the first of them is the same
    for name in ("one", "two"):
        catalog.import_photos(any_engine, any_settings, actor, tmp_path / name, name=name)
    classify()
    with reading(any_engine) as session:
        flags = session.scalars(select(FlagRow).where(FlagRow.kind == "exact_duplicate")).all()
        assert len({flag.listing_id for flag in flags}) == 2


def test_a_listing_of_a_split_chunk_waits_for_all_its_photos(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, photos: int, classify: Classify
) -> None:
    with transaction(any_engine) as session:  # make the first two photos one listing
        first, second, *_ = session.scalars(select(ListingImageRow).order_by(ListingImageRow.id))
        second.listing_id, second.position = first.listing_id, 1
        listing_id = first.listing_id
    (chunk_id, _), *_ = chunks.list_unfinished(any_engine, kind="classification")
    chunk = chunks.begin(any_engine, chunk_id=chunk_id)
    assert chunk
    chunks.split(any_engine, chunk=chunk)
    states = []
    models = ModelCache(any_engine, any_settings)
    for single_id, _ in chunks.list_unfinished(any_engine, kind="classification")[1:3]:
        single = chunks.begin(any_engine, chunk_id=single_id)
        assert single
        classification.classify_chunk(
            any_engine,
            any_settings,
            chunk=single,
            models=models,
            raise_if_stopped=lambda: None,
        )
        with reading(any_engine) as session:
            states.append(session.get_one(ListingRow, listing_id).state)
    assert states == [ListingState.PROCESSING, ListingState.NEEDS_REVIEW]


def test_a_missing_model_file_is_named_and_the_others_go_on(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, photos: int, classify: Classify
) -> None:
    catalog.add_model(any_engine, any_settings, actor)
    vit = catalog.add_model(any_engine, any_settings, actor, arch="vit")
    (path,) = any_settings.models_dir.glob("vit-*")
    kept = path.read_bytes()
    path.unlink()
    classify()
    assert count(any_engine, PredictionRow) == 5
    with reading(any_engine) as session:
        assert path.name in (session.get_one(ModelVersionRow, vit.id).problem or "")
    path.write_bytes(kept)
    again(any_engine, actor, photos)
    classify()
    assert count(any_engine, PredictionRow) == 10


tops = st.lists(
    st.dictionaries(st.integers(1, 5), st.floats(0, 1), min_size=1, max_size=5), max_size=3
)


@given(tops)
def test_the_suggestion_is_the_category_with_the_highest_mean(
    tops: list[dict[int, float]],
) -> None:
    suggestion = suggest(tops)
    if not tops:
        assert suggestion is None
        return
    assert suggestion
    for category in range(1, 6):
        mean = sum(top.get(category, 0.0) for top in tops) / len(tops)
        assert suggestion.probability >= mean - 1e-9
    assert 0 <= suggestion.probability <= 1


def test_flags_are_raised_by_the_limit_that_holds(
    any_engine: sa.Engine,
    any_settings: Settings,
    actor: Actor,
    photos: int,
    classify: Classify,
) -> None:
    """Two models without any training are never sure, so the limit alone decides."""
    catalog.add_model(any_engine, any_settings, actor, labels=("Apple", "Pear", "Plum"))
    others = ("Milk", "Juice", "Cream")
    catalog.add_model(any_engine, any_settings, actor, arch="resnet50", labels=others)
    limits.set_limit(any_engine, actor=actor, key="models_disagree", value=0.99)
    classify()
    assert _count_flags(any_engine, "models_disagree") == 0

    limits.set_limit(any_engine, actor=actor, key="models_disagree", value=0.0)
    again(any_engine, actor, photos)
    classify()

    assert _count_flags(any_engine, "models_disagree") == 5
    view = limits.get_limit(any_engine, actor=actor, key="models_disagree", batch_id=photos)
    assert len(view.list_beyond(0.0)) == 5


def _count_flags(engine: sa.Engine, kind: str) -> int | None:
    with reading(engine) as session:
        return session.scalar(select(func.count()).where(FlagRow.kind == kind))
