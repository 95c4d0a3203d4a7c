"""One row of every kind, wired together."""

from datetime import UTC, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.engine import transaction
from db.queries.categories import ensure_paths
from db.rows import (
    AuditFindingRow,
    AuditRow,
    AuditVerdictRow,
    BatchRow,
    BrandEvidenceRow,
    BrandOutcomeRow,
    BrandReferenceRow,
    BrandRow,
    CategoryRow,
    CategorySynonymRow,
    CheckAnswerRow,
    CheckRow,
    CheckSharesRow,
    CheckVerdictRow,
    DecisionRow,
    EmbeddingRow,
    EvaluationRow,
    ExplanationRow,
    FingerprintRow,
    FlagRow,
    FlagValueRow,
    FlagVerdictRow,
    HeldOutReadRow,
    ImageRow,
    InteractionRow,
    JobChunkRow,
    JobRow,
    LeaseRow,
    LimitRow,
    ListingImageRow,
    ListingRow,
    LookupRow,
    MatchRow,
    MeasuresRow,
    MergedPhotoRow,
    ModelVersionRow,
    PopularListingRow,
    PredictionRow,
    ProviderVisitRow,
    PublicationRow,
    ReplayRow,
    RetrievalRow,
    SavedViewRow,
    SessionRow,
    SignInTriesRow,
    UserRow,
    WorkerRow,
)
from db.states import DecisionKind, FlagSeverity, FlagVerdict, ListingState


def add_listing(session: Session) -> ListingRow:
    """Add a user, a batch and a listing that needs review."""
    user = UserRow(name="rita", role="reviewer")
    session.add(user)
    session.flush()
    batch = BatchRow(name="spring", content_digest="d" * 64, created_by=user.id)
    session.add(batch)
    session.flush()
    listing = ListingRow(
        batch_id=batch.id, sku="A-1", price=Decimal("9.90"), state=ListingState.NEEDS_REVIEW
    )
    session.add(listing)
    session.flush()
    return listing


def add_photo(session: Session, listing: ListingRow) -> ListingImageRow:
    image = ImageRow(sha256="a" * 64, size_bytes=10, width_px=4, height_px=3, format="JPEG")
    session.add(image)
    session.flush()
    photo = ListingImageRow(listing_id=listing.id, image_id=image.id, position=0, file_name="a.jpg")
    session.add(photo)
    session.flush()
    return photo


def add_prediction(session: Session, photo: ListingImageRow, category_id: int) -> PredictionRow:
    version = ModelVersionRow(
        arch="custom_cnn",
        digest="b" * 64,
        file_name="custom_cnn.safetensors",
        file_bytes=1,
        parameters=1,
        labels=["Home > Mug"],
        metrics={},
    )
    session.add(version)
    session.flush()
    prediction = PredictionRow(
        listing_image_id=photo.id,
        model_version_id=version.id,
        category_id=category_id,
        probability=0.5,
        top=[{"category_id": category_id, "probability": 0.5}],
    )
    session.add(prediction)
    session.flush()
    return prediction


def make_decision(listing: ListingRow, user_id: int, **changed: object) -> DecisionRow:
    values = {
        "key": "6f1c0b56-0000-4000-8000-000000000001",
        "listing_id": listing.id,
        "listing_version": listing.version,
        "user_id": user_id,
        "kind": DecisionKind.REJECT,
    }
    return DecisionRow(**(values | changed))


def make_evaluation(version_id: int | None, **changed: object) -> EvaluationRow:
    values = {
        "subject": "b" * 64,
        "model_version_id": version_id,
        "data_name": "labelled",
        "data_digest": "e" * 64,
        "split": "test",
        "pictures": 3,
        "metrics": {},
        "file_name": "b.parquet",
    }
    return EvaluationRow(**(values | changed))


def add_audit(session: Session, user_id: int) -> None:
    """Add an audit with one finding that somebody has settled."""
    audit = AuditRow(
        user_id=user_id,
        data_name="shelf",
        data="/data/shelf",
        photos=3,
        categories=2,
        false_alarms=0.1,
        trusted=0,
        skipped_photos=0,
        file_name="shelf.parquet",
    )
    session.add(audit)
    session.flush()
    finding = AuditFindingRow(
        audit_id=audit.id, rank=1, photo=0, claimed="A", suggested="B", wrong=0.9, rate=0.1
    )
    session.add(finding)
    session.flush()
    session.add(AuditVerdictRow(finding_id=finding.id, label="B", user_id=user_id))


def add_check(session: Session, decision: DecisionRow, category_id: int) -> None:
    """Add a check that was answered and settled."""
    check = CheckRow(
        listing_id=decision.listing_id,
        user_id=decision.user_id,
        kind="second",
        decision_id=decision.id,
        category_id=category_id,
    )
    session.add(check)
    session.flush()
    answer = CheckAnswerRow(check_id=check.id, key="k" * 36, kind="accept", category_id=category_id)
    verdict = CheckVerdictRow(check_id=check.id, kept="first", user_id=decision.user_id)
    session.add_all([answer, verdict])


def add_brand(session: Session, user_id: int, photo: ListingImageRow) -> None:
    """Add a brand with a logo, what speaks against a listing, and what somebody said of it."""
    brand = BrandRow(name="Orbano", created_by=user_id)
    session.add(brand)
    session.flush()
    logo = BrandReferenceRow(
        brand_id=brand.id, kind="logo", sha256="5" * 64, file_name="logo.png", created_by=user_id
    )
    session.add(logo)
    session.flush()
    evidence = BrandEvidenceRow(
        listing_id=photo.listing_id,
        brand_id=brand.id,
        kind="changed_logo",
        reference_id=logo.id,
        image_id=photo.image_id,
        score=0.7,
    )
    session.add(evidence)
    session.flush()
    session.add(BrandOutcomeRow(evidence_id=evidence.id, outcome="confirmed", user_id=user_id))


def add_everything(engine: sa.Engine) -> None:
    """Fill every table."""
    with transaction(engine) as session:
        listing = add_listing(session)
        photo = add_photo(session, listing)
        category_id = ensure_paths(session, ["Home > Mug"])["Home > Mug"]
        session.get_one(CategoryRow, category_id).code = "K-100"
        session.add(CategorySynonymRow(category_id=category_id, name="cup"))
        prediction = add_prediction(session, photo, category_id)
        user_id = session.scalars(sa.select(UserRow.id)).first()
        assert user_id is not None
        job = JobRow(kind="classification", batch_id=listing.batch_id, total=1, created_by=user_id)
        session.add(job)
        session.flush()
        add_audit(session, user_id)
        decision = make_decision(listing, user_id)
        session.add(decision)
        session.flush()
        add_check(session, decision, category_id)
        add_brand(session, user_id, photo)
        session.add_all(
            [
                CheckSharesRow(second=0.03, hidden=0.02, planted=0.01, user_id=user_id),
                EmbeddingRow(image_id=photo.image_id, space="test", dim=2, vector=b"1234"),
                ExplanationRow(prediction_id=prediction.id, category_id=category_id),
                FingerprintRow(
                    image_id=photo.image_id, version=1, pixels_sha256="8" * 64, hashes=b"12345678"
                ),
                LookupRow(user_id=user_id, sha256="7" * 64),
                MergedPhotoRow(
                    listing_image_id=photo.id, source_id=photo.id, decision_id=decision.id
                ),
                MatchRow(
                    first_image_id=photo.image_id,
                    second_image_id=photo.image_id,
                    kind="same_bytes",
                    score=1.0,
                ),
                FlagRow(
                    listing_id=listing.id,
                    listing_image_id=photo.id,
                    kind="dark",
                    severity=FlagSeverity.WARN,
                    score=0.1,
                ),
                FlagValueRow(listing_image_id=photo.id, kind="unknown_product", value=0.4),
                FlagVerdictRow(
                    listing_image_id=photo.id,
                    kind="blurry",
                    verdict=FlagVerdict.WRONG,
                    user_id=user_id,
                ),
                PublicationRow(listing_id=listing.id, listing_version=2, user_id=user_id),
                ReplayRow(
                    listing_image_id=photo.id,
                    model_version_id=prediction.model_version_id,
                    category_id=category_id,
                    probability=0.5,
                ),
                make_evaluation(prediction.model_version_id),
                HeldOutReadRow(
                    model_version_id=prediction.model_version_id,
                    user_id=user_id,
                    data_name="labelled",
                    data_digest="e" * 64,
                    pictures=3,
                ),
                InteractionRow(
                    shopper="s-1", listing_id=listing.id, kind="liked", at=datetime.now(UTC)
                ),
                PopularListingRow(listing_id=listing.id, worth=1.2),
                RetrievalRow(
                    subject="b" * 64,
                    model_version_id=prediction.model_version_id,
                    data_name="labelled",
                    data_digest="e" * 64,
                    dimensions=8,
                    queries=3,
                    pictures=5,
                    recall_at_1=0.5,
                    mean_precision=0.4,
                ),
                JobChunkRow(job_id=job.id, position=0, items=[photo.id]),
                LeaseRow(listing_id=listing.id, user_id=user_id, until=datetime.now(UTC)),
                LimitRow(kind="dark", category_id=category_id, value=0.3, user_id=user_id),
                MeasuresRow(image_id=photo.image_id, record={"brightness": 0.2}),
                ProviderVisitRow(
                    state_digest="f" * 64,
                    nonce="n",
                    code_verifier="v",
                    next_path="/",
                    expires_at=datetime.now(UTC),
                ),
                SavedViewRow(user_id=user_id, name="mine", query="policy=doubt"),
                SessionRow(token_digest="c" * 64, user_id=user_id, expires_at=datetime.now(UTC)),
                SignInTriesRow(key="9" * 64, tries=1),
                WorkerRow(executor_id="w1"),
            ]
        )
