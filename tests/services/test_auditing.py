"""A catalogue gone through, with the packaged network."""

import csv
from pathlib import Path

import pytest

from core.actors import Actor
from core.errors import ForbiddenError, InvalidInputError, JobCancelledError, NotFoundError
from core.services import auditing, audits, jobs
from core.services.audits import AuditRequest, FindingFilter
from tests.training.trees import COLOURS, draw, make_tree

BLUE, GREEN, RED = COLOURS


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Three categories; a blue photo stands among the red ones, a text too, and a lone one."""
    root = make_tree(tmp_path / "tree", each=8)
    draw(root / "Warm" / "Red" / "blue.png", COLOURS[BLUE], seed=77)
    (root / "Warm" / "Red" / "text.png").write_text("no picture")
    draw(root / "Lone" / "one.png", (9, 9, 9), seed=5)
    return root


def audit(engine, settings, actor, on_progress=lambda stage, done, total: None, **request):
    asked = AuditRequest(**{key: str(value) for key, value in request.items()})
    return auditing.audit_labels(
        engine, settings, actor=actor, request=asked, on_progress=on_progress
    )


def list_all(engine, settings, actor, audit_id):
    return audits.list_findings(
        engine, settings, actor=actor, audit_id=audit_id, only=FindingFilter(0.1), limit=50
    )


def test_a_wrong_label_is_found_and_the_rest_is_told(engine, settings, actor, tree):
    stages: list[str] = []
    found = audit(engine, settings, actor, lambda stage, *_: stages.append(stage), data=tree)

    (finding,) = list_all(engine, settings, actor, found.id)
    assert finding.path == str(tree / "Warm" / "Red" / "blue.png")
    assert (finding.claimed, finding.suggested) == (RED, BLUE)
    assert finding.wrong > 0.9
    assert all("/Blue/" in each.path for each in finding.alike_suggested)
    assert all("/Red/" in each.path for each in finding.alike_claimed)
    assert len(finding.alike_claimed) == len(finding.alike_suggested) == 3
    assert (found.photos, found.categories, found.trusted) == (25, 3, 0)
    reasons = {Path(each.path).name: each.reason for each in found.skipped}
    assert reasons.keys() == {"one.png", "text.png"}
    assert "only photo of its category" in reasons["one.png"]
    assert list(dict.fromkeys(stages)) == [auditing.READING, auditing.JUDGING]


def test_only_a_branch_is_audited_where_one_is_named(engine, settings, actor, tree):
    found = audit(engine, settings, actor, data=tree, branch="Cool")
    assert (found.photos, found.categories, found.findings) == (16, 2, 0)
    with pytest.raises(InvalidInputError, match="no category 'Coo'"):
        audit(engine, settings, actor, data=tree, branch="Coo")


def test_confirmed_photos_carry_the_promise(engine, settings, actor, tree, tmp_path):
    confirmed = tree.parent / "confirmed.csv"
    paths = [*tree.glob("Cool/*/[0-5].png"), *tree.glob("Warm/Red/[0-5].png")]
    with confirmed.open("w", newline="") as file:
        rows = (
            [path.relative_to(tree.parent), " > ".join(path.parent.relative_to(tree).parts)]
            for path in paths
        )
        csv.writer(file).writerows([("path", "label"), *rows])

    found = audit(engine, settings, actor, data=tree, trusted=confirmed)

    assert found.trusted == 18
    assert found.findings == 0  # 1 in 19, times 7 others: so few cannot promise 10 %


def test_confirmed_photos_must_be_among_the_audited(engine, settings, actor, tree, tmp_path):
    other = tmp_path / "other"
    for seed in (101, 102):
        draw(other / "Cool" / "Blue" / f"{seed}.png", COLOURS[BLUE], seed=seed)
    with pytest.raises(InvalidInputError, match="must be among those"):
        audit(engine, settings, actor, data=tree, trusted=other)


def test_fewer_than_two_categories_cannot_be_compared(engine, settings, actor, tmp_path):
    tree = make_tree(tmp_path / "tree", each=3, categories=[RED])
    draw(tree / "Lone" / "one.png", (9, 9, 9), seed=5)
    with pytest.raises(InvalidInputError, match=r"1 categories .*'Warm > Red'.* at least 2"):
        audit(engine, settings, actor, data=tree)


def test_more_than_the_memory_holds_is_refused_with_a_way_out(
    engine, settings, actor, tree, monkeypatch
):
    monkeypatch.setattr(auditing, "_memory_bytes", lambda: 100_000)
    with pytest.raises(InvalidInputError, match="--branch"):
        audit(engine, settings, actor, data=tree)


def test_a_job_audits_shows_how_far_it_is_and_is_done_once(engine, settings, actor, tree):
    job_id = audits.start_audit(engine, actor=actor, request=AuditRequest(str(tree)))
    for _ in range(2):  # its worker may die after the last step
        auditing.run_audit_job(engine, settings, job_id)
    (found,) = audits.list_audits(engine, actor=actor)
    assert found.findings == 1
    progress = jobs.get_progress(engine, actor=actor, job_id=job_id).detail
    assert progress["step"] == auditing.JUDGING
    assert 0.7 <= progress["fraction"] <= 1


def test_a_cancelled_job_keeps_no_audit(engine, settings, actor, tree):
    job_id = audits.start_audit(engine, actor=actor, request=AuditRequest(str(tree)))
    jobs.cancel(engine, actor=actor, job_id=job_id)
    with pytest.raises(JobCancelledError):
        auditing.run_audit_job(engine, settings, job_id)
    assert audits.list_audits(engine, actor=actor) == ()
    with pytest.raises(NotFoundError, match="no job 99"):
        auditing.run_audit_job(engine, settings, 99)


def test_a_reviewer_may_not_read_the_servers_files(engine, settings, tree):
    reviewer = Actor(id=2, name="Rita", role="reviewer")
    with pytest.raises(ForbiddenError):
        audit(engine, settings, reviewer, data=tree)
