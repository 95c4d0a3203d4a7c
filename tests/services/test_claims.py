"""Claims beside reviewed ones, from stored embeddings and predictions to flags and a promise."""

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import ForbiddenError, NotFoundError
from core.mislabel import FALSE_ALARMS, MIN_CONFIRMED
from core.services import chunks, claims, renewals
from core.services.claims import ClaimPromise
from db.engine import reading, transaction
from db.queries.jobs import insert_job
from db.rows import (
    CategoryRow,
    FlagRow,
    JobRow,
    ListingImageRow,
    ListingRow,
    UserRow,
)
from db.states import FlagState, JobState, ListingState
from tests.services.claimed import EACH, LAMP, MUG, add_model, add_open, add_reviewed, check, work
from tests.services.embedded import add_listings, near
from tests.services.flagged import add_batch


@pytest.fixture
def reviewed(any_engine: sa.Engine, actor: Actor) -> int:
    """A batch of which just enough claims were confirmed."""
    return add_reviewed(any_engine, actor, EACH)


@pytest.fixture
def batch_id(any_engine: sa.Engine, actor: Actor) -> int:
    return add_batch(any_engine, actor, "open")


def all_listings(engine: sa.Engine) -> list[int]:
    with reading(engine) as session:
        return list(session.scalars(sa.select(ListingRow.id).order_by(ListingRow.id)))


def decided_as(engine: sa.Engine) -> dict[int, str]:
    """What is decided of each listing; a mug, where nothing is."""
    with reading(engine) as session:
        rows = session.execute(sa.select(ListingRow.id, ListingRow.decided_category_id))
        names = {row.id: row.path for row in session.scalars(sa.select(CategoryRow))}
        return {listing_id: names.get(category, MUG) for listing_id, category in rows}


def test_wrong_claims_are_flagged_with_the_promise(any_engine, actor, reviewed, batch_id):
    wrong = add_open(any_engine, batch_id)

    flags = check(any_engine, actor, batch_id)

    assert [flag.listing_id for flag in flags] == list(wrong)
    detail = flags[0].detail
    assert (detail["claimed"], detail["likeliest"]) == (MUG, LAMP)
    assert 0 < detail["p_value"] <= detail["share"] <= FALSE_ALARMS == detail["promised"]
    assert detail["flags"] == len(wrong)
    assert detail["confirmed"] >= MIN_CONFIRMED
    assert flags[0].severity == "block"
    outlook = claims.get_outlook(any_engine, actor=actor, batch_id=batch_id)
    assert outlook.promises == (ClaimPromise(None, FALSE_ALARMS, together=4, remaining=4),)
    assert (outlook.unrated, outlook.missing) == (0, 0)


def test_too_few_reviewed_claims_leave_the_margin_and_say_how_many_are_missing(
    any_engine, actor, batch_id
):
    add_reviewed(any_engine, actor, 10)
    wrong = add_open(any_engine, batch_id)
    add_model(any_engine, {wrong[0]: LAMP})

    (flag,) = check(any_engine, actor, batch_id)

    assert flag.listing_id == wrong[0]
    assert flag.detail["likeliest_probability"] == pytest.approx(0.98)
    outlook = claims.get_outlook(any_engine, actor=actor, batch_id=batch_id)
    assert (outlook.unrated, outlook.promises) == (1, ())
    assert (outlook.confirmed, outlook.missing) == (30, MIN_CONFIRMED - 30)


def test_a_model_that_knows_better_is_heard(any_engine, actor, reviewed, batch_id):
    """They look like mugs, and only the model says that they are lamps."""
    add_listings(any_engine, batch_id, "right", near(0, 20, seed=8), claimed=MUG)
    wrong = add_listings(any_engine, batch_id, "wrong", near(0, 4, seed=9), claimed=MUG)
    assert check(any_engine, actor, batch_id) == []

    add_model(any_engine, decided_as(any_engine) | dict.fromkeys(wrong, LAMP))

    assert [flag.listing_id for flag in check(any_engine, actor, batch_id)] == list(wrong)


@pytest.mark.parametrize("seen", ["reviewed", "open", "unknown"])
def test_a_model_is_not_heard_on_what_it_was_trained_on(
    any_engine, actor, reviewed, batch_id, seen
):
    before = all_listings(any_engine)
    add_listings(any_engine, batch_id, "right", near(0, 20, seed=8), claimed=MUG)
    wrong = add_listings(any_engine, batch_id, "wrong", near(0, 4, seed=9), claimed=MUG)
    says = decided_as(any_engine) | dict.fromkeys(wrong, LAMP)

    add_model(any_engine, says, seen={"reviewed": before, "open": wrong, "unknown": None}[seen])

    assert check(any_engine, actor, batch_id) == []


def test_a_model_that_cannot_name_the_claim_says_nothing_of_it(
    any_engine, actor, reviewed, batch_id
):
    stool = "Home > Stool"
    ids = add_listings(any_engine, batch_id, "stool", near(5, 3), claimed=stool)
    version_id = add_model(any_engine, decided_as(any_engine) | dict.fromkeys(ids, LAMP))
    with reading(any_engine) as session:
        learnt = claims.learn(any_engine)
        assert learnt
        photos = claims.queries.list_open(
            session, batch_id=batch_id, space=learnt.space, states=claims.UNDECIDED, limit=10
        )
        heard = learnt.witness(session, photos).heard

    assert [witness.version_id for witness in learnt.witnesses] == [version_id]
    assert not heard.any()
    assert learnt.confirmed.heard.all()


def test_a_second_photo_has_no_flag_of_its_own(any_engine, actor, reviewed, batch_id):
    wrong = add_open(any_engine, batch_id)
    with transaction(any_engine) as session:
        photo = session.scalars(
            sa.select(ListingImageRow).where(ListingImageRow.listing_id == wrong[0])
        ).one()
        session.add(
            ListingImageRow(listing_id=wrong[0], image_id=photo.image_id, position=1, file_name="b")
        )
        main = photo.id

    flags = [flag for flag in check(any_engine, actor, batch_id) if flag.listing_id == wrong[0]]

    assert [flag.listing_image_id for flag in flags] == [main]


def test_checking_again_follows_what_was_decided_and_keeps_what_was_judged(
    any_engine, actor, reviewed, batch_id
):
    wrong = add_open(any_engine, batch_id)
    check(any_engine, actor, batch_id)
    with transaction(any_engine) as session:
        flag = session.scalars(sa.select(FlagRow).where(FlagRow.listing_id == wrong[0])).one()
        flag.state = FlagState.DISMISSED
        listing = session.get_one(ListingRow, wrong[1])
        listing.state = ListingState.CORRECTED

    flags = check(any_engine, actor, batch_id)

    assert [flag.listing_id for flag in flags if flag.listing_id in wrong[2:]] == list(wrong[2:])
    assert wrong[0] not in [flag.listing_id for flag in flags]
    outlook = claims.get_outlook(any_engine, actor=actor, batch_id=batch_id)
    (promise,) = outlook.promises
    assert promise.remaining == len(flags)


def test_the_job_of_known_products_checks_claims_too(any_engine, actor, reviewed, batch_id):
    wrong = add_open(any_engine, batch_id)

    renewals.ask_renewal(any_engine, actor=actor)
    work(any_engine)

    with reading(any_engine) as session:
        flagged = session.scalars(sa.select(FlagRow.listing_id).order_by(FlagRow.listing_id)).all()
    assert list(flagged) == list(wrong)


def classified(engine: sa.Engine, actor: Actor, batch_id: int, state: JobState) -> list[str]:
    """End, or not, a classification of the batch; return what is asked for then."""
    with transaction(engine) as session:
        job_id = insert_job(
            session,
            kind="classification",
            created_by=actor.id,
            params={},
            batch_id=batch_id,
            total=1,
            chunks=((),),
        )
        session.get_one(JobRow, job_id).state = state
        session.flush()
        chunk = chunks.Chunk(0, job_id, batch_id, (), 0)
        claims.follow_classification(session, chunk=chunk)
        return list(session.scalars(sa.select(JobRow.kind).where(JobRow.id > job_id)))


def test_the_last_photo_of_a_batch_has_its_claims_checked(any_engine, actor, reviewed, batch_id):
    add_open(any_engine, batch_id)

    assert classified(any_engine, actor, batch_id, JobState.RUNNING) == []
    assert classified(any_engine, actor, batch_id, JobState.DONE) == ["claims"]
    assert classified(any_engine, actor, batch_id, JobState.DONE) == []  # one waits


def test_nothing_is_asked_for_where_nothing_can_be_promised(any_engine, actor, batch_id):
    add_open(any_engine, batch_id)

    assert classified(any_engine, actor, batch_id, JobState.DONE) == []


def test_claims_of_another_are_not_seen(any_engine, actor, batch_id):
    with transaction(any_engine) as session:
        user = UserRow(name="sam", role="staff")
        session.add(user)
        session.flush()
        staff = Actor(user.id, "sam", "staff")
    with pytest.raises(NotFoundError):
        claims.get_outlook(any_engine, actor=staff, batch_id=batch_id)
    with pytest.raises(ForbiddenError, match="may not review"):
        claims.ask_check(any_engine, actor=staff, batch_id=batch_id)
    with pytest.raises(NotFoundError):
        claims.ask_check(any_engine, actor=actor, batch_id=batch_id + 99)
