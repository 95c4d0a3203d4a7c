"""A batch under another version, without a browser."""

import sqlalchemy as sa

from core.actors import Actor
from core.services import jobs
from tests.pages.drawing import draw, words
from tests.services.evaluated import add_version
from tests.services.flagged import BOWL, MUG
from tests.services.test_replays import Past


def test_without_a_model_the_page_says_where_to_train_one(engine: sa.Engine, actor: Actor) -> None:
    batch_id = Past(engine, actor).batch_id
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM model_versions")
    assert "There is no model yet" in words(draw("batches", batch=str(batch_id), replay="newest"))


def test_what_was_not_seen_is_offered_and_asked_for(engine: sa.Engine, actor: Actor) -> None:
    past = Past(engine, actor)
    past.add("M-1", None)
    app = draw("batches", batch=str(past.batch_id), replay="newest")
    assert not app.metric
    next(button for button in app.button if button.label == "Replay 1 listing").click().run()
    assert not app.exception
    (job,) = jobs.list_jobs(engine, actor=actor)
    assert (job.kind, job.params) == ("replay", {"version_id": past.version_id})
    assert "Replay 1 listing" not in words(app)


def test_differences_stand_under_their_outcome(engine: sa.Engine, actor: Actor) -> None:
    past = Past(engine, actor)
    past.add("M-1", BOWL, decided=MUG)
    past.add("M-2", MUG, decided=MUG)
    newer = add_version(engine, "efficientnet_b0", state="candidate")
    app = draw("batches", batch=str(past.batch_id), replay=str(past.version_id))
    assert app.selectbox[0].value == past.version_id != newer
    counts = {metric.label: metric.value for metric in app.metric}
    assert counts["Wrong now, right before"] == counts["The same category"] == "1"
    assert [each.value for each in app.subheader] == ["Wrong now, right before"]
