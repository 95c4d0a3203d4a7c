import shutil
import threading

import pytest

from core.actors import Actor
from core.errors import ConflictError, ForbiddenError, JobCancelledError, NotFoundError
from core.models.architectures import MAIN_ARCHITECTURES
from core.services import jobs, sample, training
from core.services.models import ModelVersion
from core.services.sample import STEPS, run_sample_job, start_sample
from core.training import quick_request
from db.engine import reading, transaction
from db.queries import jobs as queries
from db.rows import JobRow, ModelVersionRow
from db.states import JobState


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A catalog of four photos a category, to copy."""
    return sample.render_catalog(tmp_path_factory.mktemp("drawn"), per_category=4).root


@pytest.fixture
def small(monkeypatch, drawn):
    """Copy a small catalog instead of drawing one, and note trainings instead of doing them."""
    trained = []

    def note(engine, settings, *, actor, request, on_progress, should_stop, resume=False):
        trained.append(request)
        row = ModelVersionRow(
            arch=request.arch,
            digest=f"{len(trained)}".zfill(64),
            file_name="none",
            file_bytes=1,
            parameters=1,
            labels=[],
            metrics={},
        )
        with transaction(engine) as session:
            session.add(row)
            session.flush()
            values = {"id": row.id, "arch": row.arch, "digest": row.digest}
            return ModelVersion(
                **values,
                state="active",
                problem=None,
                created_at=row.created_at,
                metrics={},
                label_count=0,
                parameters=1,
                file_bytes=1,
            )

    monkeypatch.setattr(
        sample,
        "render_catalog",
        lambda folder, *, on_progress: shutil.copytree(drawn, folder, dirs_exist_ok=True),
    )
    monkeypatch.setattr(training, "train_and_register", note)
    return trained


def job(engine, job_id):
    with reading(engine) as session:
        return session.get(JobRow, job_id)


def finish(engine, job_id, state):
    with transaction(engine) as session:
        session.get(JobRow, job_id).state = state


def classifications(engine):
    with reading(engine) as session:
        return queries.list_jobs(session, kind="classification", limit=100)


def test_the_sample_is_prepared_once(any_engine, actor):
    job_id = start_sample(any_engine, actor=actor)

    with pytest.raises(ConflictError, match="being prepared"):
        start_sample(any_engine, actor=actor)
    finish(any_engine, job_id, JobState.DONE)
    with pytest.raises(ConflictError, match="there already"):
        start_sample(any_engine, actor=actor)


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
def test_after_a_failure_it_can_be_started_again(engine, actor, state):
    finish(engine, start_sample(engine, actor=actor), state)

    assert job(engine, start_sample(engine, actor=actor)).state == JobState.QUEUED


def test_two_clicks_at_once_start_one_job(any_engine, actor):
    barrier = threading.Barrier(2)
    refused = []

    def click():
        barrier.wait()
        try:
            start_sample(any_engine, actor=actor)
        except ConflictError as error:
            refused.append(error)

    threads = [threading.Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 1


def test_who_may_not_train_may_not_start_it(engine):
    with pytest.raises(ForbiddenError):
        start_sample(engine, actor=Actor(id=1, name="Rita", role="reviewer"))


def test_the_steps_cover_every_architecture_and_all_the_time():
    assert [step.do.keywords["arch"] for step in STEPS[2:]] == list(MAIN_ARCHITECTURES)
    assert sum(step.share for step in STEPS) == pytest.approx(1.0)


def test_the_whole_job(any_engine, any_settings, actor, small):
    job_id = start_sample(any_engine, actor=actor)

    run_sample_job(any_engine, any_settings, job_id)

    assert [request.arch for request in small] == list(MAIN_ARCHITECTURES)
    assert small[0].data == str(any_settings.data_dir / "sample" / "train")
    (batch_id,) = {each.batch_id for each in classifications(any_engine)}
    assert job(any_engine, job_id).params == {"batch_id": batch_id}
    assert len(classifications(any_engine)) == 1 + len(MAIN_ARCHITECTURES)
    progress = job(any_engine, job_id).progress
    assert progress["step"] == STEPS[-1].label
    assert 0 < progress["fraction"] < 1


def test_a_second_run_after_a_kill_repeats_nothing(engine, settings, actor, small):
    job_id = start_sample(engine, actor=actor)
    run_sample_job(engine, settings, job_id)
    trained, added = len(small), len(classifications(engine))

    run_sample_job(engine, settings, job_id)

    assert len(small) == trained
    assert len(classifications(engine)) == added


def test_a_run_goes_on_where_the_one_before_was_killed(engine, settings, actor, small, monkeypatch):
    job_id = start_sample(engine, actor=actor)
    note = training.train_and_register

    def die_in_the_second(engine, settings, **values):
        if len(small) == 1:
            raise KeyboardInterrupt
        return note(engine, settings, **values)

    monkeypatch.setattr(training, "train_and_register", die_in_the_second)
    with pytest.raises(KeyboardInterrupt):
        run_sample_job(engine, settings, job_id)
    monkeypatch.setattr(training, "train_and_register", note)
    run_sample_job(engine, settings, job_id)

    assert [request.arch for request in small] == list(MAIN_ARCHITECTURES)
    assert len(classifications(engine)) == 1 + len(MAIN_ARCHITECTURES)


def test_models_trained_before_the_job_are_not_taken_for_its_own(engine, settings, actor, small):
    training.train_and_register(
        engine,
        settings,
        actor=actor,
        request=quick_request("vit", settings.data_dir),
        on_progress=None,
        should_stop=None,
    )

    run_sample_job(engine, settings, start_sample(engine, actor=actor))

    assert [request.arch for request in small] == ["vit", *MAIN_ARCHITECTURES]


def test_a_cancelled_job_stops_before_its_next_step(engine, settings, actor, small):
    job_id = start_sample(engine, actor=actor)
    jobs.cancel(engine, actor=actor, job_id=job_id)

    with pytest.raises(JobCancelledError):
        run_sample_job(engine, settings, job_id)

    assert small == []


def test_an_unknown_job_is_named(engine, settings):
    with pytest.raises(NotFoundError, match="no job 77"):
        run_sample_job(engine, settings, 77)
