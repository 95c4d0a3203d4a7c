"""The Label audit page without a browser."""

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from core.actors import Actor
from core.services import audits, jobs
from core.services.audits import FindingFilter
from core.settings import Settings
from tests.pages.drawing import draw, words
from tests.services.audited import BLUE, GREEN, RED, add_audit


@pytest.fixture
def audit_id(engine: sa.Engine, settings: Settings, tmp_path) -> int:
    return add_audit(engine, settings, tmp_path / "shelf")


def labels_of(engine: sa.Engine, settings: Settings, actor: Actor, audit_id: int):
    found = audits.list_findings(
        engine, settings, actor=actor, audit_id=audit_id, only=FindingFilter(), limit=9
    )
    return [finding.label for finding in found]


def press(app: AppTest, key: str) -> None:
    app.button(key=key).click().run()
    assert not app.exception


def test_without_an_audit_the_page_says_how_to_make_one() -> None:
    shown = words(draw("audits"))
    assert "No catalogue has been audited yet" in shown
    assert "catalens audit-labels --data" in shown


def test_an_audit_is_asked_for_and_shown_as_a_job(engine, actor, tmp_path) -> None:
    app = draw("audits")
    press(app, "audit-start")
    assert "Say where the photos are" in app.error[0].value
    app.text_input(key="audit-data").set_value(str(tmp_path)).run()
    press(app, "audit-start")
    (job,) = jobs.list_jobs(engine, actor=actor)
    assert (job.kind, job.params["data"], job.params["false_alarms"]) == (
        "audit",
        str(tmp_path),
        0.1,
    )
    [bar] = app.get("progress")
    assert "waiting for the worker" in bar.proto.text


def test_the_table_names_each_audit(audit_id) -> None:
    table = draw("audits").dataframe[0].value
    assert table["Catalogue"].tolist() == ["shelf"]
    assert table["Findings"].tolist() == [1]


def test_a_finding_is_shown_beside_photos_of_both_categories(audit_id) -> None:
    app = draw("audits", audit=str(audit_id))
    shown = words(app)
    assert "Of this 1 finding, expect at most 10% to be unfounded" in shown.replace("\\", "")
    assert "**Warm \\> Red** → **Cool \\> Blue** · 98.0% likely wrong" in shown
    pictures = "".join(part.proto.body for part in app.get("html"))
    for index in (5, 4, 0, 1):
        assert f"/api/audits/{audit_id}/photos/{index}?size=thumb" in pictures
    assert app.dataframe[0].value["Why"].tolist() == ["it is text"]


def test_a_suggestion_is_taken_and_taken_back(engine, settings, actor, audit_id) -> None:
    app = draw("audits", audit=str(audit_id))
    press(app, "accept-1")
    assert labels_of(engine, settings, actor, audit_id) == [BLUE, None]
    [bar] = app.get("progress")
    assert "1 of 1 settled** · 1 of them got another category" in bar.proto.text
    assert "Nothing is left here" in words(app)
    press(app, "audit-undo")
    assert labels_of(engine, settings, actor, audit_id) == [None, None]
    assert "accept-1" in [button.key for button in app.button]


def test_a_claim_is_kept_and_another_category_chosen(engine, settings, actor, audit_id) -> None:
    app = draw("audits", audit=str(audit_id), rate="50%")
    press(app, "keep-1")
    app.selectbox(key="other-2").set_value(BLUE).run()
    assert not app.exception
    assert labels_of(engine, settings, actor, audit_id) == [RED, BLUE]

    app = draw("audits", audit=str(audit_id), rate="50%", show="Settled")
    assert "(kept), says local" in words(app)
    press(app, "undo-2")
    assert labels_of(engine, settings, actor, audit_id) == [RED, None]


def test_the_address_says_which_findings_are_shown(audit_id) -> None:
    app = draw("audits", audit=str(audit_id), rate="50%", show="All", claimed=RED)
    assert {"accept-1", "accept-2"} <= {button.key for button in app.button}
    assert app.selectbox(key="claimed").value == RED
    assert GREEN in app.selectbox(key="other-1").options
    none_of_it = draw("audits", audit=str(audit_id), rate="5%", show="Settled")
    assert "Nothing is left here" in words(none_of_it)
