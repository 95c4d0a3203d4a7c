"""What people make of an audit's findings."""

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import ForbiddenError, InvalidInputError, NotFoundError
from core.services import audits, jobs
from core.services.audits import AuditRequest, FindingFilter
from db.engine import reading
from db.rows import AuditVerdictRow
from tests.services.audited import BLUE, GREEN, RED, add_audit

STAFF = Actor(id=9, name="Sam", role="staff")


@pytest.fixture
def audit_id(any_engine, any_settings, actor, tmp_path) -> int:
    return add_audit(any_engine, any_settings, tmp_path / "shelf")


def list_all(engine, settings, actor, audit_id, **only):
    return audits.list_findings(
        engine, settings, actor=actor, audit_id=audit_id, only=FindingFilter(**only), limit=50
    )


def settle(engine, settings, actor, finding, label) -> None:
    audits.settle(engine, settings, actor=actor, finding_id=finding.id, label=label)


def test_findings_come_with_their_nearest_photos(any_engine, any_settings, actor, audit_id):
    first, second = list_all(any_engine, any_settings, actor, audit_id)

    assert (first.claimed, first.suggested, first.label) == (RED, BLUE, None)
    assert first.path.endswith("/5.png")
    assert [each.index for each in first.alike_suggested] == [0, 1]
    assert first.alike_claimed[0].path.endswith("/4.png")
    assert second.rank == 2
    after = audits.list_findings(
        any_engine,
        any_settings,
        actor=actor,
        audit_id=audit_id,
        only=FindingFilter(),
        limit=1,
        after_rank=1,
    )
    assert after == (second,)


def test_a_settled_finding_is_counted_and_can_be_taken_back(
    any_engine, any_settings, actor, audit_id
):
    first, second = list_all(any_engine, any_settings, actor, audit_id)
    settle(any_engine, any_settings, actor, first, BLUE)
    settle(any_engine, any_settings, actor, second, RED)

    everything = FindingFilter()
    assert audits.tally(any_engine, actor=actor, audit_id=audit_id, only=everything) == (2, 2, 1)
    assert audits.get_audit(any_engine, actor=actor, audit_id=audit_id).settled == 1
    (found,) = list_all(any_engine, any_settings, actor, audit_id, rate=0.1, is_settled=True)
    assert (found.label, found.settled_by) == (BLUE, actor.name)

    audits.take_back(any_engine, actor=actor, finding_id=first.id)
    assert audits.tally(any_engine, actor=actor, audit_id=audit_id, only=everything) == (2, 1, 0)
    (found,) = list_all(any_engine, any_settings, actor, audit_id, is_settled=False)
    assert (found.id, found.settled_by) == (first.id, None)


def test_the_same_word_again_and_nothing_to_take_back_add_no_row(
    any_engine, any_settings, actor, audit_id
):
    first, second = list_all(any_engine, any_settings, actor, audit_id)
    for _ in range(2):
        settle(any_engine, any_settings, actor, first, GREEN)
    audits.take_back(any_engine, actor=actor, finding_id=second.id)

    with reading(any_engine) as session:
        assert session.scalars(sa.select(AuditVerdictRow.label)).all() == [GREEN]


def test_findings_are_narrowed_by_their_claimed_category(any_engine, any_settings, actor, audit_id):
    counted = audits.count_claimed(any_engine, actor=actor, audit_id=audit_id, rate=0.1)
    assert counted == ((RED, 1),)
    assert len(list_all(any_engine, any_settings, actor, audit_id, claimed=RED)) == 2
    assert list_all(any_engine, any_settings, actor, audit_id, claimed=BLUE) == ()


def test_the_promise_says_what_it_rests_on(any_engine, any_settings, actor, audit_id, tmp_path):
    guessed = audits.get_audit(any_engine, actor=actor, audit_id=audit_id)
    assert guessed.findings == 1  # at the 10 % that were asked for
    assert "expect at most 10% to be unfounded: an estimate" in guessed.promise(61, 0.1)
    other = add_audit(any_engine, any_settings, tmp_path / "other", trusted=500)
    measured = audits.get_audit(any_engine, actor=actor, audit_id=other)
    assert "measured on 500 photos" in measured.promise(61, 0.1)
    assert "Nothing can be flagged" in measured.promise(0, 0.05)
    assert audits.get_newest(any_engine, actor=actor).id == other


def test_a_category_that_the_catalogue_lacks_is_refused(any_engine, any_settings, actor, audit_id):
    first, _ = list_all(any_engine, any_settings, actor, audit_id)
    with pytest.raises(InvalidInputError, match="no category 'Garden'"):
        settle(any_engine, any_settings, actor, first, "Garden")


def test_what_is_not_there_is_named(any_engine, any_settings, actor, audit_id):
    with pytest.raises(NotFoundError, match="no audit 77"):
        list_all(any_engine, any_settings, actor, 77)
    with pytest.raises(NotFoundError, match="no finding 77"):
        audits.take_back(any_engine, actor=actor, finding_id=77)
    for path in any_settings.audits_dir.iterdir():
        path.unlink()
    with pytest.raises(NotFoundError, match="audit the data again"):
        list_all(any_engine, any_settings, actor, audit_id)


def test_who_may_not_review_sees_and_settles_nothing(any_engine, any_settings, audit_id):
    with pytest.raises(ForbiddenError):
        audits.list_audits(any_engine, actor=STAFF)
    with pytest.raises(ForbiddenError):
        list_all(any_engine, any_settings, STAFF, audit_id)
    with pytest.raises(ForbiddenError):
        audits.settle(any_engine, any_settings, actor=STAFF, finding_id=1, label=RED)
    with pytest.raises(ForbiddenError):
        audits.take_back(any_engine, actor=STAFF, finding_id=1)
    with pytest.raises(ForbiddenError):
        audits.tally(any_engine, actor=STAFF, audit_id=audit_id, only=FindingFilter())


def test_an_audit_is_asked_for_with_whole_paths(engine, actor, tmp_path, monkeypatch):
    (tmp_path / "shelf").mkdir()
    monkeypatch.chdir(tmp_path)
    job_id = audits.start_audit(engine, actor=actor, request=AuditRequest("shelf"))
    params = jobs.get_progress(engine, actor=actor, job_id=job_id).params
    assert params["data"] == str(tmp_path / "shelf")
    reviewer = Actor(id=actor.id, name="Rita", role="reviewer")
    with pytest.raises(ForbiddenError):
        audits.start_audit(engine, actor=reviewer, request=AuditRequest("shelf"))


@pytest.mark.parametrize(
    ("request_", "message"),
    [(AuditRequest(""), "say where"), (AuditRequest("x", false_alarms=1.0), "below 1")],
)
def test_what_cannot_be_audited_is_refused_before_any_work(engine, actor, request_, message):
    with pytest.raises(InvalidInputError, match=message):
        audits.start_audit(engine, actor=actor, request=request_)
