"""What models that agree look at, compared by the worker: no worker process."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
import torch
from sqlalchemy import select

from core.actors import Actor
from core.models import ARCHITECTURES, ModelCard, NetworkOptions, save
from core.services import chunks, classification, evidence_checks, jobs, limits, review
from core.services.active_models import ModelCache
from core.services.models import register_checkpoint
from core.settings import Settings
from db.engine import reading, transaction
from db.rows import FlagRow, FlagValueRow, JobRow, ListingImageRow, ListingRow
from db.states import JobState, ListingState
from tests.worker import catalog

KIND = evidence_checks.KIND
ARCHS = ("custom_cnn", "vit")
PHOTOS, SIZE_PX = 3, 64  # of smaller ones a map has but a few cells


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """As elsewhere, but heat maps are compared on a CPU too."""
    return settings.model_copy(update={"compare_maps": True, "device": "cpu"})


@pytest.fixture
def models(engine: sa.Engine, settings: Settings) -> ModelCache:
    return ModelCache(engine, settings)


def add_model(
    engine: sa.Engine, settings: Settings, actor: Actor, arch: str, *, says: int = 0, seed: int = 0
) -> None:
    """Register a network with random weights that always finds one label likeliest."""
    torch.manual_seed(seed)
    row = ARCHITECTURES[arch]
    network = row.build(len(catalog.LABELS), SIZE_PX, NetworkOptions())
    with torch.no_grad():
        network.get_classifier().bias[says] += 50  # type: ignore[operator, union-attr]
    card = ModelCard(arch, catalog.LABELS, row.preprocessing(SIZE_PX))
    path = settings.data_dir / f"{arch}-{seed}-{says}.safetensors"
    save(path, network=network, card=card)
    register_checkpoint(engine, settings, actor=actor, path=path)


def classify(
    engine: sa.Engine, settings: Settings, actor: Actor, models: ModelCache, folder: Path
) -> int:
    """Import some photos and classify them; return the batch."""
    catalog.draw_photos(folder, count=PHOTOS)
    batch_id, _ = catalog.import_photos(engine, settings, actor, folder)
    classify_waiting(engine, settings, models)
    return batch_id


def classify_waiting(engine: sa.Engine, settings: Settings, models: ModelCache) -> None:
    for chunk_id, _ in chunks.list_unfinished(engine, kind="classification"):
        chunk = chunks.begin(engine, chunk_id=chunk_id)
        assert chunk
        classification.classify_chunk(
            engine, settings, chunk=chunk, models=models, raise_if_stopped=lambda: None
        )


def compare(engine: sa.Engine, settings: Settings, models: ModelCache) -> int:
    """Do what is due, as the worker does; return how many chunks that were."""
    done = 0
    while due := evidence_checks.list_due(engine):
        [(chunk_id, _)] = due
        chunk = chunks.begin(engine, chunk_id=chunk_id)
        assert chunk
        evidence_checks.check_chunk(
            engine, settings, chunk=chunk, models=models, raise_if_stopped=lambda: None
        )
        done += 1
    return done


def read_values(engine: sa.Engine) -> dict[int, float | None]:
    """Return by listing what is kept."""
    query = (
        select(ListingImageRow.listing_id, FlagValueRow.value)
        .join(FlagValueRow, FlagValueRow.listing_image_id == ListingImageRow.id)
        .where(FlagValueRow.kind == KIND)
        .order_by(FlagValueRow.id)
    )
    with reading(engine) as session:
        return dict(session.execute(query).all())


def read_flagged(engine: sa.Engine) -> list[int]:
    with reading(engine) as session:
        query = select(FlagRow.listing_id).where(FlagRow.kind == KIND)
        return sorted(session.scalars(query))


def read_jobs(engine: sa.Engine) -> Sequence[str]:
    with reading(engine) as session:
        return session.scalars(select(JobRow.state).where(JobRow.kind == evidence_checks.JOB)).all()


@pytest.fixture
def batch_id(
    engine: sa.Engine, settings: Settings, actor: Actor, models: ModelCache, tmp_path: Path
) -> int:
    """A classified batch of which two models always say the same."""
    for arch in ARCHS:
        add_model(engine, settings, actor, arch)
    return classify(engine, settings, actor, models, tmp_path / "photos")


def test_the_agreement_is_kept_and_held_against_the_limit(
    engine: sa.Engine, settings: Settings, actor: Actor, models: ModelCache, batch_id: int
) -> None:
    assert compare(engine, settings, models) == 2  # one finds the photos, one compares them

    assert read_jobs(engine) == [JobState.DONE]
    kept = read_values(engine)
    assert len(kept) == PHOTOS
    values = {id_: value for id_, value in kept.items() if value is not None}
    assert values
    assert all(0 <= value <= 1 for value in values.values())
    view = limits.get_limit(engine, actor=actor, key=KIND, batch_id=batch_id)
    assert {photo.listing_id: photo.value for photo in view.photos} == values
    assert view.job == "flags"

    limits.set_limit(engine, actor=actor, key=KIND, value=1.0)  # no photo is opened for that
    for chunk_id, _ in chunks.list_unfinished(engine, kind="flags"):
        chunk = chunks.begin(engine, chunk_id=chunk_id)
        assert chunk
        limits.renew_flags(engine, chunk=chunk)
    below = sorted(id_ for id_, value in values.items() if value < 1)
    assert read_flagged(engine) == below
    shown = review.get_listing(engine, actor=actor, listing_id=below[0])
    (flag,) = (flag for flag in shown.flags if flag.kind == KIND)
    assert flag.severity == "hint"
    assert f"the same to {values[below[0]]:.0%}" in flag.reason


def test_the_first_of_the_queue_is_compared_first(
    engine: sa.Engine, settings: Settings, models: ModelCache, batch_id: int
) -> None:
    with transaction(engine) as session:
        ids = session.scalars(select(ListingRow.id).order_by(ListingRow.id)).all()
        for at, id_ in enumerate(ids):
            session.get_one(ListingRow, id_).expected_errors = float(at)
        session.get_one(ListingRow, ids[0]).state = ListingState.REJECTED
    [(chunk_id, _)] = evidence_checks.list_due(engine)
    chunk = chunks.begin(engine, chunk_id=chunk_id)
    assert chunk
    evidence_checks.check_chunk(
        engine, settings, chunk=chunk, models=models, raise_if_stopped=lambda: None
    )
    [(chunk_id, _)] = evidence_checks.list_due(engine)
    found = chunks.begin(engine, chunk_id=chunk_id)
    assert found
    with reading(engine) as session:
        order = [session.get_one(ListingImageRow, id_).listing_id for id_ in found.items]
    assert order == [ids[2], ids[1]]  # and what is decided is left out


def test_a_flag_outlives_another_classification_until_another_model_has_a_say(
    engine: sa.Engine, settings: Settings, actor: Actor, models: ModelCache, batch_id: int
) -> None:
    limits.set_limit(engine, actor=actor, key=KIND, value=1.0)
    compare(engine, settings, models)
    before, flagged = read_values(engine), read_flagged(engine)
    assert flagged

    jobs.classify_batch(engine, settings, actor=actor, batch_id=batch_id)
    classify_waiting(engine, settings, models)
    assert read_flagged(engine) == flagged
    assert compare(engine, settings, models) == 1  # nothing is left to compare
    assert read_values(engine) == before

    add_model(engine, settings, actor, "resnet50", says=1)
    jobs.classify_batch(engine, settings, actor=actor, batch_id=batch_id)
    classify_waiting(engine, settings, models)
    assert read_flagged(engine) == []
    assert compare(engine, settings, models) == 1  # the models no longer agree


def test_nothing_is_compared_while_a_photo_waits_to_be_classified(
    engine: sa.Engine, settings: Settings, actor: Actor, batch_id: int
) -> None:
    assert evidence_checks.list_due(engine)
    jobs.classify_batch(engine, settings, actor=actor, batch_id=batch_id)
    assert evidence_checks.list_due(engine) == ()


def test_a_photo_that_is_gone_has_nothing_to_compare(
    engine: sa.Engine, settings: Settings, models: ModelCache, batch_id: int
) -> None:
    for path in filter(Path.is_file, settings.images_dir.rglob("*")):
        path.unlink()
    compare(engine, settings, models)
    assert set(read_values(engine).values()) == {None}
    assert read_flagged(engine) == []


@pytest.mark.parametrize(("archs", "is_on"), [(ARCHS, False), (ARCHS, None), (ARCHS[:1], True)])
def test_it_can_be_switched_off_and_takes_two_models(
    engine: sa.Engine,
    settings: Settings,
    actor: Actor,
    tmp_path: Path,
    archs: Sequence[str],
    is_on: bool | None,
) -> None:
    settings = settings.model_copy(update={"compare_maps": is_on})
    for arch in archs:
        add_model(engine, settings, actor, arch)
    classify(engine, settings, actor, ModelCache(engine, settings), tmp_path / "photos")
    assert read_jobs(engine) == []


def test_models_that_name_different_categories_are_not_compared(
    engine: sa.Engine, settings: Settings, actor: Actor, models: ModelCache, tmp_path: Path
) -> None:
    for says, arch in enumerate(ARCHS):
        add_model(engine, settings, actor, arch, says=says)
    classify(engine, settings, actor, models, tmp_path / "photos")
    assert compare(engine, settings, models) == 1
    assert read_values(engine) == {}
