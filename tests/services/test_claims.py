"""Claims beside reviewed ones, from stored embeddings and predictions to flags and a promise."""

from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import ForbiddenError, NotFoundError
from core.mislabel import FALSE_ALARMS, MIN_CONFIRMED
from core.services import chunks, claims, limits, renewals
from core.services.claims import ClaimPromise
from core.training.data.seen import SeenPictures
from db.engine import reading, transaction
from db.queries.categories import ensure_paths
from db.queries.jobs import insert_job
from db.rows import (
    CategoryRow,
    FlagRow,
    ImageRow,
    JobRow,
    ListingImageRow,
    ListingRow,
    ModelVersionRow,
    PredictionRow,
    UserRow,
)
from db.states import FlagState, JobState, ListingState, ModelState
from tests.services.embedded import add_listings, near
from tests.services.flagged import add_batch

MUG, LAMP, CHAIR = PATHS = ("Home > Mug", "Home > Lamp", "Home > Chair")
EACH = MIN_CONFIRMED // 3 + 1


@pytest.fixture
def reviewed(any_engine: sa.Engine, actor: Actor) -> int:
    """A batch of which just enough claims were confirmed."""
    return add_reviewed(any_engine, actor, EACH)


@pytest.fixture
def batch_id(any_engine: sa.Engine, actor: Actor) -> int:
    return add_batch(any_engine, actor, "open")


def add_reviewed(engine: sa.Engine, actor: Actor, each: int) -> int:
    batch_id = add_batch(engine, actor, "reviewed")
    for axis, path in enumerate(PATHS):
        add_listings(
            engine, batch_id, path[-4:], near(axis, each, seed=7), category=path, claimed=path
        )
    return batch_id


def add_open(engine: sa.Engine, batch_id: int) -> Sequence[int]:
    """Add twenty rightly claimed mugs and four lamps that are claimed to be mugs."""
    add_listings(engine, batch_id, "right", near(0, 20, seed=8), claimed=MUG)
    return add_listings(engine, batch_id, "wrong", near(1, 4, seed=8), claimed=MUG)


def add_model(
    engine: sa.Engine,
    says: dict[int, str],
    *,
    seen: Sequence[int] | None = (),
    sure: float = 0.98,
    arch: str = "resnet50",
) -> int:
    """Add an active version that says this of listings, trained on the photos of some."""
    with transaction(engine) as session:
        ids = ensure_paths(session, list(PATHS))
        main = {
            listing_id: (photo_id, sha256)
            for listing_id, photo_id, sha256 in session.execute(
                sa.select(ListingImageRow.listing_id, ListingImageRow.id, ImageRow.sha256).join(
                    ImageRow, ImageRow.id == ListingImageRow.image_id
                )
            )
        }
        record = seen is not None and {
            "seen": SeenPictures.of(main[each][1] for each in seen).pack()
        }
        version = ModelVersionRow(
            arch=arch,
            digest=arch.ljust(64, "0"),
            file_name="a",
            file_bytes=1,
            parameters=1,
            labels=list(PATHS),
            metrics={"training": {"data": record}} if record else {},
            state=ModelState.ACTIVE,
        )
        session.add(version)
        session.flush()
        for listing_id, path in says.items():
            top = [{"category_id": ids[path], "probability": sure}]
            session.add(
                PredictionRow(
                    listing_image_id=main[listing_id][0],
                    model_version_id=version.id,
                    top=top,
                    **top[0],
                )
            )
        return version.id


def all_listings(engine: sa.Engine) -> list[int]:
    with reading(engine) as session:
        return list(session.scalars(sa.select(ListingRow.id).order_by(ListingRow.id)))


def decided_as(engine: sa.Engine) -> dict[int, str]:
    """What is decided of each listing; a mug, where nothing is."""
    with reading(engine) as session:
        rows = session.execute(sa.select(ListingRow.id, ListingRow.decided_category_id))
        names = {row.id: row.path for row in session.scalars(sa.select(CategoryRow))}
        return {listing_id: names.get(category, MUG) for listing_id, category in rows}


def work(engine: sa.Engine) -> None:
    """Do what the worker does."""
    for chunk_id, _ in chunks.list_unfinished(engine, kind=claims.JOB):
        chunk = chunks.begin(engine, chunk_id=chunk_id)
        assert chunk
        claims.renew_batch(engine, chunk=chunk)


def check(engine: sa.Engine, actor: Actor, batch_id: int) -> list[FlagRow]:
    claims.ask_check(engine, actor=actor, batch_id=batch_id)
    work(engine)
    with reading(engine) as session:
        flags = session.scalars(
            sa.select(FlagRow)
            .where(FlagRow.kind == claims.KIND, FlagRow.state == FlagState.OPEN)
            .order_by(FlagRow.listing_id)
        ).all()
        session.expunge_all()
        return list(flags)


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


def see(engine: sa.Engine, actor: Actor, batch_id: int, **asked: str) -> limits.LimitView:
    return limits.get_limit(
        engine, actor=actor, batch_id=batch_id, **({"key": claims.KIND} | asked)
    )


def move(engine: sa.Engine, actor: Actor, value: float | None, **asked: str) -> list[int]:
    """Move a limit and do what follows; return the listings that are flagged then."""
    limits.set_limit(engine, actor=actor, value=value, **({"key": claims.KIND} | asked))
    work(engine)
    with reading(engine) as session:
        query = sa.select(FlagRow.listing_id).where(FlagRow.state == FlagState.OPEN)
        return sorted(session.scalars(query))


def test_a_moved_rate_is_what_the_flags_promise(any_engine, actor, reviewed, batch_id):
    wrong = add_open(any_engine, batch_id)
    check(any_engine, actor, batch_id)
    view = see(any_engine, actor, batch_id)
    assert (view.limit, view.listings, view.job) == (FALSE_ALARMS, 24, "claims")
    assert [photo.listing_id for photo in view.list_beyond(FALSE_ALARMS)] == list(wrong)
    least = view.photos[0].value
    assert view.list_beyond(least * 0.9) == ()

    assert move(any_engine, actor, least * 0.9) == []
    assert move(any_engine, actor, 0.3) == sorted(
        photo.listing_id for photo in view.list_beyond(0.3)
    )

    outlook = claims.get_outlook(any_engine, actor=actor, batch_id=batch_id)
    assert [(each.branch, each.share) for each in outlook.promises] == [(None, 0.3)]


def test_a_branch_with_a_rate_of_its_own_is_judged_by_itself(any_engine, actor, reviewed, batch_id):
    """Else it would borrow from the flags of others, and the promise would not hold for it."""
    mugs = add_open(any_engine, batch_id)
    add_listings(any_engine, batch_id, "lamp", near(1, 20, seed=9), claimed=LAMP)
    lamps = add_listings(any_engine, batch_id, "no-lamp", near(2, 4, seed=9), claimed=LAMP)
    together = {photo.sku: photo.value for photo in check_and_see(any_engine, actor, batch_id)}

    flagged = move(any_engine, actor, 0.2, branch=LAMP)

    others, own = (see(any_engine, actor, batch_id, **asked) for asked in ({}, {"branch": LAMP}))
    caught = sorted(photo.listing_id for photo in own.list_beyond(0.2))
    assert flagged == [*mugs, *caught]
    assert set(lamps) <= set(caught)
    outlook = claims.get_outlook(any_engine, actor=actor, batch_id=batch_id)
    assert outlook.promises == (
        ClaimPromise(None, FALSE_ALARMS, together=4, remaining=4),
        ClaimPromise(LAMP, 0.2, together=len(caught), remaining=len(caught)),
    )
    assert (others.listings, others.elsewhere, others.limit) == (24, 24, FALSE_ALARMS)
    assert (own.listings, own.elsewhere, own.limit) == (24, 0, 0.2)
    alone = {photo.sku: photo.value for photo in (*others.photos, *own.photos)}
    assert alone.keys() == together.keys()
    assert alone != together
    with reading(any_engine) as session:
        details = list(session.scalars(sa.select(FlagRow.detail)))
    kept = {detail["p_value"]: detail["share"] for detail in details}
    assert {photo.value for photo in own.list_beyond(0.2)} <= set(kept.values())


def check_and_see(engine: sa.Engine, actor: Actor, batch_id: int) -> Sequence[limits.MeasuredPhoto]:
    check(engine, actor, batch_id)
    return see(engine, actor, batch_id).photos


def test_a_moved_margin_counts_while_no_rate_can_be_promised(any_engine, actor, batch_id):
    wrong = add_open(any_engine, batch_id)
    add_model(any_engine, {wrong[0]: LAMP}, sure=0.9)
    add_model(any_engine, {wrong[1]: LAMP}, sure=0.4, arch="vit")
    margin = {"key": "claimed_mismatch_margin"}

    view = see(any_engine, actor, batch_id, **margin)
    assert [(photo.listing_id, photo.value) for photo in view.photos] == [
        (wrong[0], pytest.approx(0.9)),
        (wrong[1], pytest.approx(0.4)),
    ]
    assert see(any_engine, actor, batch_id).photos == ()

    assert move(any_engine, actor, 0.3, **margin) == list(wrong[:2])
    assert move(any_engine, actor, 0.95, **margin) == []
    assert move(any_engine, actor, None, **margin) == [wrong[0]]


def test_a_claim_that_is_judged_by_a_rate_has_no_margin(any_engine, actor, reviewed, batch_id):
    wrong = add_open(any_engine, batch_id)
    add_model(any_engine, {wrong[0]: LAMP}, sure=0.9)
    check(any_engine, actor, batch_id)
    assert see(any_engine, actor, batch_id, key="claimed_mismatch_margin").photos == ()


def test_rates_that_can_no_longer_be_promised_are_not_kept(any_engine, actor, reviewed, batch_id):
    add_open(any_engine, batch_id)
    assert check_and_see(any_engine, actor, batch_id)
    with transaction(any_engine) as session:
        session.execute(
            sa.update(ListingRow)
            .where(ListingRow.batch_id == reviewed)
            .values(state=ListingState.NEEDS_REVIEW)
        )
    assert check_and_see(any_engine, actor, batch_id) == ()
