"""Pages without a browser: what each draws from what is stored."""

import subprocess
import sys
from datetime import UTC, datetime
from importlib import import_module

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from core.actors import PERMISSIONS, Actor
from core.services import verdicts
from db.engine import transaction
from db.rows import BatchRow, JobRow, ListingRow
from db.states import JobState, ListingState
from pages.registry import PAGES
from pages.ui import text
from tests.pages.drawing import draw, words
from tests.services.flagged import add_batch, add_flagged, decide


@pytest.fixture
def batch_id(engine: sa.Engine, actor: Actor) -> int:
    """A batch: one listing to review, one being classified, a refused file."""
    with transaction(engine) as session:
        refusal = {"name": "a.txt", "reason": "not_an_image", "message": "it is text"}
        batch = BatchRow(
            name="Spring *sale*", content_digest="d" * 64, created_by=actor.id, refusals=[refusal]
        )
        session.add(batch)
        session.flush()
        states = (ListingState.NEEDS_REVIEW, ListingState.PROCESSING)
        session.add_all(
            ListingRow(batch_id=batch.id, sku=state, state=state, doubt=1.0) for state in states
        )
        return batch.id


def add_job(engine: sa.Engine, actor: Actor, batch_id: int | None, **values: object) -> None:
    with transaction(engine) as session:
        session.add(
            JobRow(
                kind="classification",
                batch_id=batch_id,
                total=10,
                created_by=actor.id,
                started_at=datetime.now(UTC),
                **values,
            )
        )


def test_every_page_stands_for_a_module_that_draws_nothing_at_import() -> None:
    assert len({spec.key for spec in PAGES}) == len(PAGES)
    assert len({spec.url_path for spec in PAGES}) == len(PAGES)
    for spec in PAGES:
        assert callable(spec.load())
        assert spec.permission is None or spec.permission in PERMISSIONS["admin"]
    script = "\n".join(f"import pages.{spec.key}" for spec in PAGES)
    app = AppTest.from_string(script, default_timeout=60).run()
    assert len(app.main) == 0


def test_the_web_process_never_loads_torch() -> None:
    modules = ["app", *(f"pages.{spec.key}" for spec in PAGES)]
    code = f"import sys, {', '.join(modules)}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=False).returncode == 0


def test_the_first_page_offers_three_ways_in() -> None:
    shown = words(draw("home"))
    assert "Welcome to Catalens" in shown
    assert {"Start with the sample catalog", "Upload photos"} <= set(shown.split("\n"))
    assert "Use Products-10K" in shown


def test_the_overview_counts_what_stands_where(batch_id: int) -> None:
    app = draw("home")
    assert {metric.label: metric.value for metric in app.metric} == {
        "To review": "1",
        "Being classified": "1",
        "Accepted": "0",
        "Corrected": "0",
        "Rejected": "0",
    }
    assert "Review 1 listing" in words(app)


def test_a_batch_shows_its_listings_and_refused_files(batch_id: int) -> None:
    app = draw("batches", batch=str(batch_id))
    assert app.title[0].value == r"Spring \*sale\*"
    assert {metric.label: metric.value for metric in app.metric} == {
        "Being classified": "1",
        "To review": "1",
    }
    assert app.dataframe[0].value["Why"].tolist() == ["it is text"]


def test_the_table_of_batches_names_each(batch_id: int) -> None:
    assert draw("batches").dataframe[0].value["Batch"].tolist() == ["Spring *sale*"]


def test_a_job_at_work_shows_progress_and_can_be_cancelled(
    engine: sa.Engine, actor: Actor, batch_id: int
) -> None:
    add_job(engine, actor, batch_id, state=JobState.RUNNING, done=4, failed=1)
    app = draw("batches", batch=str(batch_id))
    [bar] = app.get("progress")
    assert bar.proto.value == 50
    assert "5 of 10, 1 failed" in bar.proto.text
    app.button(key="cancel-1").click().run()
    assert not app.exception
    assert not app.get("progress")


def test_a_batch_can_be_classified_again_unless_a_job_is_at_work(
    engine: sa.Engine, actor: Actor, batch_id: int
) -> None:
    assert "Classify again" in words(draw("batches", batch=str(batch_id)))
    add_job(engine, actor, batch_id, state=JobState.RUNNING)
    assert "Classify again" not in words(draw("batches", batch=str(batch_id)))


def test_a_batch_publishes_what_no_flag_blocks_and_says_what_stays(
    engine: sa.Engine, actor: Actor
) -> None:
    batch_id = add_batch(engine, actor)
    for sku, kinds in (("M-1", ["blurry"]), ("M-2", ["truncated"])):
        decide(engine, actor, add_flagged(engine, batch_id, sku, kinds), shown=kinds)
    app = draw("batches", batch=str(batch_id))
    assert "1 decided listing stays behind" in words(app)
    assert "Truncated file (1)" in words(app)
    assert "cannot be undone" in words(app)
    (confirm,) = [button for button in app.button if button.label == "Yes, publish 1 listing"]
    confirm.click().run()
    assert not app.exception
    assert {metric.label: metric.value for metric in app.metric} == {
        "Accepted": "1",
        "Published": "1",
    }
    (publish,) = [button for button in app.button if button.label == "Publish 0 listings"]
    assert publish.disabled


def test_a_flag_shows_how_often_it_was_right_once_somebody_looked(
    engine: sa.Engine, actor: Actor
) -> None:
    batch_id = add_batch(engine, actor)
    flagged = [add_flagged(engine, batch_id, f"M-{n}", ["blurry", "dark"]) for n in range(4)]
    assert " · right" not in words(draw("batches", batch=str(batch_id)))
    for each in flagged[:2]:
        decide(engine, actor, each, shown=["blurry"])
    verdicts.judge(
        engine, actor=actor, listing_image_id=flagged[0].photo_id, kind="blurry", is_wrong=True
    )
    shown = words(draw("batches", batch=str(batch_id))).split("\n")
    assert "**Blurry** · 3 listings · right 1 of 2, 50%, 9 to 91%" in shown
    assert "**Too dark** · 4 listings" in shown
    limit = words(draw("batches", batch=str(batch_id), check="blurry"))
    assert "So far right 1 of 2, 50%, 9 to 91%" in limit


def test_a_job_that_failed_says_why(engine: sa.Engine, actor: Actor, batch_id: int) -> None:
    add_job(engine, actor, batch_id, state=JobState.FAILED, error="the disk is full")
    assert "the disk is full" in draw("batches", batch=str(batch_id)).error[0].value


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0 s"), (59.6, "1 min 0 s"), (95, "1 min 35 s"), (7300, "2 h 1 min")]
)
def test_durations_read_well(seconds: float, shown: str) -> None:
    assert text.duration(seconds) == shown


@pytest.mark.parametrize(
    ("size_bytes", "shown"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2.4e9, "2.4 GB")]
)
def test_sizes_read_well(size_bytes: float, shown: str) -> None:
    assert text.size(size_bytes) == shown


def test_render_is_all_that_a_page_offers() -> None:
    for spec in PAGES:
        module = import_module(f"pages.{spec.key}")
        defined = [name for name, value in vars(module).items() if callable(value)]
        own = [
            name
            for name in defined
            if getattr(vars(module)[name], "__module__", "") == module.__name__
        ]
        assert [name for name in own if not name.startswith("_")] == ["render"]
