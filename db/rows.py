"""One class a table. Rows never leave a service.

Constraints stand here, not only in code: the database refuses a state that does not
exist, a probability above one, a second prediction of one model for one photo. Triggers
(see the migrations) refuse a move outside ``listing_transitions``, publishing against an open
blocking flag, and any change to what a person decided or said.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, BigId, Identified, fraction, one_of, utc_now
from db.folding import searched_words
from db.indexes import group_indexes, queue_indexes
from db.states import (
    CheckKind,
    CheckSide,
    ChunkState,
    DecisionKind,
    EvidenceOutcome,
    ExplanationState,
    FlagSeverity,
    FlagState,
    FlagVerdict,
    ImageState,
    InteractionKind,
    JobState,
    ListingState,
    LookupState,
    MatchState,
    ModelState,
    ReferenceKind,
    Role,
    Split,
)


class UserRow(Identified):
    """A person. Without a password hash nobody signs in by name.

    ``issuer`` and ``subject`` are what an OpenID provider knows the person by.
    """

    __tablename__ = "users"
    __table_args__ = (
        one_of("role", Role),
        Index("uq_users_issuer_subject", "issuer", "subject", unique=True),
    )
    name: Mapped[str] = mapped_column(sa.String(120), unique=True)
    role: Mapped[str] = mapped_column(sa.String(20))
    password_hash: Mapped[str | None] = mapped_column(sa.String(255))
    must_change_password: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    is_disabled: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    issuer: Mapped[str | None] = mapped_column(sa.String(500))
    subject: Mapped[str | None] = mapped_column(sa.String(255))


class SessionRow(Identified):
    """A browser that is signed in. ``token_digest`` is the SHA-256 of what its cookie holds."""

    __tablename__ = "sessions"
    __table_args__ = (CheckConstraint("length(token_digest) = 64", name="token_digest"),)
    token_digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    seen_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]
    user_agent: Mapped[str] = mapped_column(sa.String(300), default="")
    address: Mapped[str] = mapped_column(sa.String(60), default="")


class SignInTriesRow(Base):
    """Tries to sign in that did not succeed, of one account or from one address.

    ``key`` is a SHA-256 of which, so that names that nobody has are kept apart too.
    """

    __tablename__ = "sign_in_tries"
    __table_args__ = (
        CheckConstraint("length(key) = 64", name="key"),
        CheckConstraint("tries >= 0", name="tries"),
    )
    key: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    tries: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)
    locked_until: Mapped[datetime | None]


class ProviderVisitRow(Base):
    """A browser that is away at the OpenID provider; used once when it comes back."""

    __tablename__ = "provider_visits"
    __table_args__ = (CheckConstraint("length(state_digest) = 64", name="state_digest"),)
    state_digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    nonce: Mapped[str] = mapped_column(sa.String(100))
    code_verifier: Mapped[str] = mapped_column(sa.String(200))
    next_path: Mapped[str] = mapped_column(sa.String(2000))
    expires_at: Mapped[datetime] = mapped_column(index=True)


def _first_words(context: Any) -> str:
    """A new category has neither code nor synonyms."""
    return searched_words(path=context.get_current_parameters()["path"])


class CategoryRow(Identified):
    """A node of the category tree; ``path`` is the names from the root, joined by `` > ``.

    ``code`` is what the shop's own systems call it. ``words`` is derived: what a search looks in,
    see ``db.folding.searched_words``.
    """

    __tablename__ = "categories"
    __table_args__ = (CheckConstraint("parent_id <> id", name="not_own_parent"),)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    path: Mapped[str] = mapped_column(sa.String(1000), unique=True)
    code: Mapped[str | None] = mapped_column(sa.String(100), unique=True, index=True)
    words: Mapped[str] = mapped_column(sa.Text(), default=_first_words, server_default="")


class CategorySynonymRow(Identified):
    """Another name of a category, which searches find it by."""

    __tablename__ = "category_synonyms"
    __table_args__ = (UniqueConstraint("category_id", "name"),)
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id"))
    name: Mapped[str] = mapped_column(sa.String(200))


class BatchRow(Identified):
    """One import. ``content_digest`` makes a second import of the same files a no-op.

    ``refusals`` lists the files that did not come in: ``{"name", "reason", "message"}``.
    """

    __tablename__ = "batches"
    name: Mapped[str] = mapped_column(sa.String(200), unique=True)
    content_digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    source: Mapped[str] = mapped_column(sa.String(1000), default="")
    refusals: Mapped[list[Any]] = mapped_column(default=list)
    created_by: Mapped[int] = mapped_column(ForeignKey("users.id"))


class ImageRow(Identified):
    """One content, however many listings show it. Size is after EXIF orientation."""

    __tablename__ = "images"
    __table_args__ = (
        one_of("state", ImageState),
        CheckConstraint("length(sha256) = 64", name="sha256"),
        CheckConstraint("width_px > 0 AND height_px > 0", name="size"),
        Index("ix_images_state", "state"),
    )
    sha256: Mapped[str] = mapped_column(sa.String(64), unique=True)
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    width_px: Mapped[int]
    height_px: Mapped[int]
    format: Mapped[str] = mapped_column(sa.String(20))
    state: Mapped[str] = mapped_column(sa.String(20), default=ImageState.READABLE)
    reason: Mapped[str | None] = mapped_column(sa.String(1000))


class ListingTransitionRow(Base):
    """The allowed moves of a listing; filled by the migration from ``LISTING_TRANSITIONS``."""

    __tablename__ = "listing_transitions"
    from_state: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    to_state: Mapped[str] = mapped_column(sa.String(20), primary_key=True)


class ListingRow(Identified):
    """What a seller offers. ``version`` counts up at every change of state.

    ``doubt`` is 1 - calibrated probability of the suggested category, averaged over the
    models; null until classified. ``expected_errors`` is ``doubt`` times the undecided listings
    that this one stands for, ``effort`` the key of the kind of work that deciding it is; the
    queue goes by them (see ``core.queue``). ``suggested_by_examples`` says that no model knows
    the suggested category, so that photos decided to be of it speak for it.
    """

    __tablename__ = "listings"
    __table_args__ = (
        UniqueConstraint("batch_id", "sku"),
        one_of("state", ListingState),
        CheckConstraint("price >= 0", name="price"),
        fraction("doubt"),
        Index("ix_listings_batch_id_state_doubt_id", "batch_id", "state", "doubt", "id"),
        *queue_indexes("listings", lead=("state",), key="id"),
    )
    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"))
    sku: Mapped[str] = mapped_column(sa.String(500))
    title: Mapped[str] = mapped_column(sa.String(1000), default="")
    seller: Mapped[str] = mapped_column(sa.String(200), default="")
    brand: Mapped[str] = mapped_column(sa.String(200), default="")
    price: Mapped[Decimal | None] = mapped_column(sa.Numeric(12, 2))
    claimed_category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))
    suggested_category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))
    suggested_by_examples: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    decided_category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))
    state: Mapped[str] = mapped_column(sa.String(20), default=ListingState.RECEIVED)
    doubt: Mapped[float | None]
    expected_errors: Mapped[float] = mapped_column(
        default=lambda context: context.get_current_parameters().get("doubt") or 0.0,
        server_default=sa.text("0"),
    )
    effort: Mapped[str] = mapped_column(
        sa.String(20), default="plain", server_default=sa.text("'plain'")
    )
    version: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


class ListingImageRow(Identified):
    """A photo of a listing; position 0 is the main one."""

    __tablename__ = "listing_images"
    __table_args__ = (
        UniqueConstraint("listing_id", "position"),
        UniqueConstraint("id", "listing_id"),  # target of the flags' composite key
        CheckConstraint("position >= 0", name="position"),
    )
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"))
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"), index=True)
    position: Mapped[int]
    file_name: Mapped[str] = mapped_column(sa.String(1000))


class ModelVersionRow(Identified):
    """A trained checkpoint. At most one version of an architecture is active.

    ``labels`` is a list of category paths in the order of the network's outputs;
    ``metrics`` the training and evaluation record. ``problem`` says why the file cannot
    be used (missing, damaged), null when it can.
    """

    __tablename__ = "model_versions"
    __table_args__ = (
        one_of("state", ModelState),
        Index(
            "uq_model_versions_active_arch",
            "arch",
            unique=True,
            sqlite_where=sa.text("state = 'active'"),
            postgresql_where=sa.text("state = 'active'"),
        ),
    )
    arch: Mapped[str] = mapped_column(sa.String(60))
    digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    file_name: Mapped[str] = mapped_column(sa.String(200))
    file_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    parameters: Mapped[int] = mapped_column(sa.BigInteger)
    labels: Mapped[list[Any]]
    metrics: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(sa.String(20), default=ModelState.CANDIDATE)
    problem: Mapped[str | None] = mapped_column(sa.String(1000))


class PredictionRow(Identified):
    """What one model version says of one photo.

    ``top`` is ``[{"category_id", "probability"}, ...]``, likeliest first; probabilities
    are calibrated.
    """

    __tablename__ = "predictions"
    __table_args__ = (
        UniqueConstraint("listing_image_id", "model_version_id"),
        fraction("probability"),
    )
    listing_image_id: Mapped[int] = mapped_column(ForeignKey("listing_images.id"))
    model_version_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"), index=True)
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id"))
    probability: Mapped[float]
    top: Mapped[list[Any]]


class ReplayRow(Identified):
    """What a model version would have said of a main photo; nobody was shown it.

    It stands apart from the predictions, which a replay must not add to.
    """

    __tablename__ = "replays"
    __table_args__ = (
        UniqueConstraint("listing_image_id", "model_version_id"),
        fraction("probability"),
    )
    listing_image_id: Mapped[int] = mapped_column(ForeignKey("listing_images.id"))
    model_version_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"))
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id"))
    probability: Mapped[float] = mapped_column(sa.Double())


class EvaluationRow(Identified):
    """How good a model version, or an ensemble of some, is on one split of one data set.

    ``subject`` is the checkpoint's SHA-256, or that of an ensemble's members; an ensemble
    has no model version, and ``members`` lists ``{"version_id", "weight"}``. ``data_digest``
    is the SHA-256 of the split's pictures and labels. ``metrics`` holds the figures, the
    Parquet file in the models' folder what was said of each picture.
    """

    __tablename__ = "evaluations"
    __table_args__ = (
        UniqueConstraint("subject", "data_digest", "split"),
        one_of("split", Split),
        CheckConstraint("pictures > 0", name="pictures"),
        CheckConstraint("length(subject) = 64", name="subject"),
        CheckConstraint("length(data_digest) = 64", name="data_digest"),
        Index("ix_evaluations_data_digest_split", "data_digest", "split"),
    )
    subject: Mapped[str] = mapped_column(sa.String(64))
    model_version_id: Mapped[int | None] = mapped_column(
        ForeignKey("model_versions.id"), index=True
    )
    members: Mapped[list[Any]] = mapped_column(default=list)
    data_name: Mapped[str] = mapped_column(sa.String(200))
    data_digest: Mapped[str] = mapped_column(sa.String(64))
    split: Mapped[str] = mapped_column(sa.String(20))
    pictures: Mapped[int]
    metrics: Mapped[dict[str, Any]]
    file_name: Mapped[str] = mapped_column(sa.String(200))


class RetrievalRow(Identified):
    """How well photos of a product are found by a network's features: test against train.

    ``subject`` is the checkpoint's SHA-256, or the name of the space of the embedder, which is
    no model version. ``data_digest`` is the SHA-256 of both splits' pictures and labels.
    """

    __tablename__ = "retrievals"
    __table_args__ = (
        UniqueConstraint("subject", "data_digest"),
        fraction("recall_at_1"),
        fraction("mean_precision"),
        CheckConstraint("queries > 0 AND pictures > 0 AND dimensions > 0", name="counters"),
        CheckConstraint("length(data_digest) = 64", name="data_digest"),
    )
    subject: Mapped[str] = mapped_column(sa.String(100))
    model_version_id: Mapped[int | None] = mapped_column(
        ForeignKey("model_versions.id"), index=True
    )
    data_name: Mapped[str] = mapped_column(sa.String(200))
    data_digest: Mapped[str] = mapped_column(sa.String(64))
    dimensions: Mapped[int]
    queries: Mapped[int]
    pictures: Mapped[int]
    recall_at_1: Mapped[float] = mapped_column(sa.Double())
    mean_precision: Mapped[float] = mapped_column(sa.Double())


class HeldOutReadRow(Identified):
    """A model version was shown a test split: one row each time, whatever came of it.

    A figure on a test split is honest only when the split was read once.
    """

    __tablename__ = "test_reads"
    model_version_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    data_name: Mapped[str] = mapped_column(sa.String(200))
    data_digest: Mapped[str] = mapped_column(sa.String(64))
    pictures: Mapped[int]


class EmbeddingRow(Identified):
    """A unit vector, ``dim`` little-endian float16, in a named space; spaces are never mixed."""

    __tablename__ = "embeddings"
    __table_args__ = (
        UniqueConstraint("image_id", "space"),
        CheckConstraint("length(vector) = 2 * dim", name="vector"),
    )
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"))
    space: Mapped[str] = mapped_column(sa.String(100), index=True)
    dim: Mapped[int]
    vector: Mapped[bytes]


class MeasuresRow(Identified):
    """What the quality checks go by: ``record`` is ``ImageMeasures.as_record`` of the picture."""

    __tablename__ = "measures"
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"), unique=True)
    record: Mapped[dict[str, Any]]


class FingerprintRow(Identified):
    """What an image's copies are found by: ``core.similarity.Fingerprint`` of its pixels.

    ``hashes`` are little-endian 64-bit numbers, those of the parts and then of the variants.
    ``compared_at`` is null until the worker has sought copies of it, ``tries`` how often it began.
    """

    __tablename__ = "fingerprints"
    __table_args__ = (
        CheckConstraint("length(pixels_sha256) = 64", name="pixels_sha256"),
        CheckConstraint("tries >= 0", name="tries"),
        Index("ix_fingerprints_compared_at_id", "compared_at", "id"),
    )
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"), unique=True)
    version: Mapped[int]
    pixels_sha256: Mapped[str] = mapped_column(sa.String(64))
    hashes: Mapped[bytes]
    compared_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)


class MatchRow(Identified):
    """Two images that show the same, or one that several listings show (``same_bytes``).

    ``evidence`` says how the second lies on the first (``core.services.copies``). A pair stands
    once, so one that somebody called no duplicate is never asked about again.
    """

    __tablename__ = "matches"
    __table_args__ = (
        UniqueConstraint("first_image_id", "second_image_id"),
        one_of("state", MatchState),
        fraction("score"),
        CheckConstraint("first_image_id <= second_image_id", name="order"),
        CheckConstraint("(kind = 'same_bytes') = (first_image_id = second_image_id)", name="kind"),
        CheckConstraint("(state = 'open') = (settled_by IS NULL)", name="settled"),
        Index("ix_matches_state_id", "state", "id"),
        Index("ix_matches_second_image_id", "second_image_id"),
    )
    first_image_id: Mapped[int] = mapped_column(ForeignKey("images.id"))
    second_image_id: Mapped[int] = mapped_column(ForeignKey("images.id"))
    kind: Mapped[str] = mapped_column(sa.String(40))
    score: Mapped[float] = mapped_column(sa.Double())
    evidence: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(sa.String(20), default=MatchState.OPEN)
    settled_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    settled_at: Mapped[datetime | None]


class BrandRow(Identified):
    """A brand whose goods are protected. ``sellers`` is a list of who may sell them."""

    __tablename__ = "brands"
    __table_args__ = (
        CheckConstraint("lowest >= 0 AND highest >= 0 AND lowest <= highest", name="price_range"),
    )
    name: Mapped[str] = mapped_column(sa.String(200), unique=True)
    sellers: Mapped[list[Any]] = mapped_column(default=list)
    lowest: Mapped[Decimal | None] = mapped_column(sa.Numeric(12, 2))
    highest: Mapped[Decimal | None] = mapped_column(sa.Numeric(12, 2))
    is_watched: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    created_by: Mapped[int] = mapped_column(ForeignKey("users.id"))


class BrandReferenceRow(Identified):
    """A photo or logo as a brand's owner has it; the file lies among the photos.

    One that was taken out of the register stays, for the evidence that rests on it.
    """

    __tablename__ = "brand_references"
    __table_args__ = (
        UniqueConstraint("brand_id", "kind", "sha256"),
        one_of("kind", ReferenceKind),
        CheckConstraint("length(sha256) = 64", name="sha256"),
    )
    brand_id: Mapped[int] = mapped_column(ForeignKey("brands.id"))
    kind: Mapped[str] = mapped_column(sa.String(20))
    sha256: Mapped[str] = mapped_column(sa.String(64))
    file_name: Mapped[str] = mapped_column(sa.String(1000))
    removed_at: Mapped[datetime | None]
    created_by: Mapped[int] = mapped_column(ForeignKey("users.id"))


class BrandEvidenceRow(Identified):
    """What speaks for a listing being a copy of a brand's goods, once a kind (``core.brands``).

    ``detail`` holds what was said when it was judged: seller, price, range, where the reference
    lies on the photo and what is changed. What no longer holds is withdrawn, never deleted.
    """

    __tablename__ = "brand_evidence"
    __table_args__ = (
        UniqueConstraint("listing_id", "brand_id", "kind"),
        fraction("score"),
        CheckConstraint("(reference_id IS NULL) = (image_id IS NULL)", name="reference"),
        Index("ix_brand_evidence_withdrawn_at_id", "withdrawn_at", "id"),
        Index("ix_brand_evidence_brand_id", "brand_id"),
    )
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"))
    brand_id: Mapped[int] = mapped_column(ForeignKey("brands.id"))
    kind: Mapped[str] = mapped_column(sa.String(40))
    reference_id: Mapped[int | None] = mapped_column(ForeignKey("brand_references.id"))
    image_id: Mapped[int | None] = mapped_column(ForeignKey("images.id"))
    score: Mapped[float] = mapped_column(sa.Double())
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    judged_at: Mapped[datetime] = mapped_column(default=utc_now)
    withdrawn_at: Mapped[datetime | None]


class BrandOutcomeRow(Identified):
    """What somebody made of a piece of evidence; append-only, the latest holds.

    ``outcome`` null takes the one before back.
    """

    __tablename__ = "brand_outcomes"
    __table_args__ = (
        one_of("outcome", EvidenceOutcome),
        Index("ix_brand_outcomes_evidence_id_id", "evidence_id", "id"),
    )
    evidence_id: Mapped[int] = mapped_column(ForeignKey("brand_evidence.id"))
    outcome: Mapped[str | None] = mapped_column(sa.String(20))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))


class MergedPhotoRow(Identified):
    """A photo that a listing took over from one that a decision rejected as its duplicate.

    It goes when the decision is taken back. ``source_id`` is the photo of the rejected listing.
    """

    __tablename__ = "merged_photos"
    listing_image_id: Mapped[int] = mapped_column(ForeignKey("listing_images.id"), unique=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("listing_images.id"), index=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decisions.id"), index=True)


class LookupRow(Identified):
    """A photo from outside that somebody searches by; the worker embeds it, nothing else is kept.

    ``vector`` is as in ``EmbeddingRow``, null until the state is ``done``.
    """

    __tablename__ = "lookups"
    __table_args__ = (
        UniqueConstraint("user_id", "sha256"),
        one_of("state", LookupState),
        CheckConstraint("length(sha256) = 64", name="sha256"),
        CheckConstraint("(state = 'done') = (vector IS NOT NULL)", name="vector"),
        Index("ix_lookups_state_id", "state", "id"),
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    sha256: Mapped[str] = mapped_column(sa.String(64))
    state: Mapped[str] = mapped_column(sa.String(20), default=LookupState.PENDING)
    error: Mapped[str | None] = mapped_column(sa.String(1000))
    space: Mapped[str | None] = mapped_column(sa.String(100))
    vector: Mapped[bytes | None]


class InteractionRow(Identified):
    """Something that a shopper of the shop did with a listing; sent again, it is the same row.

    ``shopper`` is what the shop calls them. Nothing else is kept of them, and all of it is
    deleted together.
    """

    __tablename__ = "interactions"
    __table_args__ = (
        UniqueConstraint("shopper", "listing_id", "kind", "at"),
        one_of("kind", InteractionKind),
        CheckConstraint("length(shopper) > 0", name="shopper"),
        Index("ix_interactions_shopper_at", "shopper", "at"),
        Index("ix_interactions_at", "at"),
    )
    shopper: Mapped[str] = mapped_column(sa.String(200))
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"))
    kind: Mapped[str] = mapped_column(sa.String(20))
    at: Mapped[datetime]


class PopularListingRow(Identified):
    """What all shoppers together liked and viewed of late, summed up by the worker now and then.

    Only the most popular of each category are kept. ``created_at`` is when they were counted, all
    at once; nothing says who the shoppers were.
    """

    __tablename__ = "popular_listings"
    __table_args__ = (
        UniqueConstraint("listing_id"),
        CheckConstraint("worth > 0", name="worth"),
        Index("ix_popular_listings_worth", "worth", "listing_id"),
    )
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"))
    worth: Mapped[float] = mapped_column(sa.Double())


class LimitRow(Identified):
    """A limit of a flag as somebody set it; append-only, the newest one holds.

    ``kind`` is a key of ``core.flags.FLAG_LIMITS``; ``category_id`` is the top of the branch that
    it is for, null for all; ``value`` null goes back to the wider branch's limit, and in the end
    to the flag's own.
    """

    __tablename__ = "limits"
    __table_args__ = (Index("ix_limits_kind_id", "kind", "id"),)
    kind: Mapped[str] = mapped_column(sa.String(60))
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))
    value: Mapped[float | None]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))


class ExplanationRow(Identified):
    """A Grad-CAM picture that was asked for; the file lies in the cache of the data directory."""

    __tablename__ = "explanations"
    __table_args__ = (
        UniqueConstraint("prediction_id", "category_id"),
        one_of("state", ExplanationState),
        Index("ix_explanations_state_id", "state", "id"),
    )
    prediction_id: Mapped[int] = mapped_column(ForeignKey("predictions.id"))
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id"))
    state: Mapped[str] = mapped_column(sa.String(20), default=ExplanationState.PENDING)
    error: Mapped[str | None] = mapped_column(sa.String(1000))


class FlagRow(Identified):
    """Something a reviewer should look at. ``detail`` holds what the reason is drawn from."""

    __tablename__ = "flags"
    __table_args__ = (
        UniqueConstraint("listing_image_id", "kind"),
        ForeignKeyConstraint(
            ["listing_image_id", "listing_id"], ["listing_images.id", "listing_images.listing_id"]
        ),
        one_of("severity", FlagSeverity),
        one_of("state", FlagState),
        Index("ix_flags_listing_id_state", "listing_id", "state"),
        Index("ix_flags_kind_state", "kind", "state"),
    )
    listing_id: Mapped[int] = mapped_column(BigId)
    listing_image_id: Mapped[int] = mapped_column(BigId)
    kind: Mapped[str] = mapped_column(sa.String(60))
    severity: Mapped[str] = mapped_column(sa.String(20))
    score: Mapped[float]
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(sa.String(20), default=FlagState.OPEN)


class FlagValueRow(Identified):
    """What was held against a limit on a photo, where only judging the photo anew would tell.

    ``kind`` is a key of ``core.flags.FLAG_LIMITS``. Each judging replaces it; ``value`` is null
    where it found nothing to compare.
    """

    __tablename__ = "flag_values"
    __table_args__ = (UniqueConstraint("listing_image_id", "kind"),)
    listing_image_id: Mapped[int] = mapped_column(ForeignKey("listing_images.id"))
    kind: Mapped[str] = mapped_column(sa.String(60))
    value: Mapped[float | None] = mapped_column(sa.Double())


class FlaggedListingRow(Base):
    """A listing with an open flag of a kind, once, however many of its photos have it.

    Triggers keep it beside ``flags`` and ``listings``, so that the queue of a flag is a range
    of one index, too.
    """

    __tablename__ = "flagged_listings"
    __table_args__ = (
        *queue_indexes("flagged_listings", lead=("kind", "state"), key="listing_id"),
        *group_indexes("flagged_listings", group="kind", key="listing_id"),
    )
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    state: Mapped[str] = mapped_column(sa.String(20))
    batch_id: Mapped[int] = mapped_column(BigId)
    suggested_category_id: Mapped[int | None] = mapped_column(BigId)
    seller: Mapped[str] = mapped_column(sa.String(200))
    doubt: Mapped[float | None]
    expected_errors: Mapped[float]
    effort: Mapped[str] = mapped_column(sa.String(20))


class LeaseRow(Base):
    """A listing that a reviewer has before them; nobody else is given it until ``until``."""

    __tablename__ = "leases"
    __table_args__ = (Index("ix_leases_until", "until"),)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    until: Mapped[datetime]


class SavedViewRow(Identified):
    """A view of the queue under a name; ``query`` is what stands in the page's address."""

    __tablename__ = "saved_views"
    __table_args__ = (UniqueConstraint("user_id", "name"),)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(sa.String(100))
    query: Mapped[str] = mapped_column(sa.String(1000))


class FlagVerdictRow(Identified):
    """What a reviewer said of the flag of a photo and kind; append-only, the latest holds."""

    __tablename__ = "flag_verdicts"
    __table_args__ = (
        one_of("verdict", FlagVerdict),
        Index("ix_flag_verdicts_listing_image_id_kind_id", "listing_image_id", "kind", "id"),
    )
    listing_image_id: Mapped[int] = mapped_column(ForeignKey("listing_images.id"))
    kind: Mapped[str] = mapped_column(sa.String(60))
    verdict: Mapped[str] = mapped_column(sa.String(20))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))


class DecisionRow(Identified):
    """One act of a reviewer; append-only. ``key`` is drawn by the client, so a resend is one row.

    ``shown`` is what the reviewer saw: ``{"suggestions": [...], "model_versions": [...],
    "flags": [...], "policy": key}``; ``"check": "hidden"`` says that the suggestion was left out,
    ``"settles": id`` which check's two answers it settles. ``listing_version`` is the version it
    was made on. ``effort`` is the listing's, where ``active_ms`` says how long a decision of its
    category took, else null. ``digest`` chains it to the decision before (``core.ledger``).
    """

    __tablename__ = "decisions"
    __table_args__ = (
        one_of("kind", DecisionKind),
        CheckConstraint(
            "(kind IN ('accept', 'correct')) = (category_id IS NOT NULL)", name="category"
        ),
        CheckConstraint("(kind = 'undo') = (undoes_id IS NOT NULL)", name="undo"),
        CheckConstraint("active_ms >= 0", name="active_ms"),
        Index("ix_decisions_listing_id_id", "listing_id", "id"),
        Index("ix_decisions_user_id_id", "user_id", "id"),
        Index("ix_decisions_effort_id", "effort", "id"),
    )
    key: Mapped[str] = mapped_column(sa.String(36), unique=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"))
    listing_version: Mapped[int]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str] = mapped_column(sa.String(20))
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"), unique=True)
    shown: Mapped[dict[str, Any]] = mapped_column(default=dict)
    active_ms: Mapped[int] = mapped_column(default=0)
    effort: Mapped[str | None] = mapped_column(sa.String(20))
    digest: Mapped[str] = mapped_column(sa.String(64), default="", server_default=sa.text("''"))


class CheckSharesRow(Identified):
    """How many listings are checks, each a fraction; append-only, the newest holds."""

    __tablename__ = "check_shares"
    __table_args__ = (fraction("second"), fraction("hidden"), fraction("planted"))
    second: Mapped[float] = mapped_column(sa.Double())
    hidden: Mapped[float] = mapped_column(sa.Double())
    planted: Mapped[float] = mapped_column(sa.Double())
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class CheckRow(Identified):
    """A listing that a reviewer was given as a check; append-only.

    ``second`` and ``planted`` are on a listing that somebody else decided by ``decision_id``; the
    reviewer sees it as undecided, and the answer stands in ``check_answers``. ``hidden`` is on an
    undecided one, whose decision is the answer. ``category_id`` is the suggestion: the one
    shown, for ``planted`` the wrong one, for ``hidden`` the one left out.
    """

    __tablename__ = "checks"
    __table_args__ = (
        UniqueConstraint("listing_id", "user_id", "kind"),
        one_of("kind", CheckKind),
        CheckConstraint("(kind = 'hidden') = (decision_id IS NULL)", name="decision"),
        CheckConstraint("kind = 'second' OR category_id IS NOT NULL", name="category"),
        Index("ix_checks_user_id_id", "user_id", "id"),
    )
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str] = mapped_column(sa.String(20))
    decision_id: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"))
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))


class CheckAnswerRow(Identified):
    """What a reviewer did with a check; append-only, as a decision, and never one."""

    __tablename__ = "check_answers"
    __table_args__ = (
        one_of("kind", DecisionKind),
        CheckConstraint(
            "(kind IN ('accept', 'correct')) = (category_id IS NOT NULL)", name="category"
        ),
        CheckConstraint("(kind = 'undo') = (undoes_id IS NOT NULL)", name="undo"),
        CheckConstraint("active_ms >= 0", name="active_ms"),
        Index("ix_check_answers_check_id_id", "check_id", "id"),
    )
    check_id: Mapped[int] = mapped_column(ForeignKey("checks.id"))
    key: Mapped[str] = mapped_column(sa.String(36), unique=True)
    kind: Mapped[str] = mapped_column(sa.String(20))
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("check_answers.id"), unique=True)
    active_ms: Mapped[int] = mapped_column(default=0)


class CheckVerdictRow(Identified):
    """Whose word was kept where two disagree; append-only, the latest holds.

    ``kept`` null takes the one before back.
    """

    __tablename__ = "check_verdicts"
    __table_args__ = (
        one_of("kept", CheckSide),
        Index("ix_check_verdicts_check_id_id", "check_id", "id"),
    )
    check_id: Mapped[int] = mapped_column(ForeignKey("checks.id"))
    kept: Mapped[str | None] = mapped_column(sa.String(20))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))


class PublicationRow(Identified):
    """A listing that went live: who published it, and in which version; append-only."""

    __tablename__ = "publications"
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id"), unique=True)
    listing_version: Mapped[int]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))


class JobRow(Identified):
    """Work for the worker. Pages read ``done``/``failed``/``total`` and nothing else.

    ``params`` is what the kind needs, ``progress`` what it shows beside the counters.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        one_of("state", JobState),
        CheckConstraint(
            "done >= 0 AND failed >= 0 AND total >= 0 AND done + failed <= total", name="counters"
        ),
        Index("ix_jobs_state_id", "state", "id"),
    )
    kind: Mapped[str] = mapped_column(sa.String(40))
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batches.id"), index=True)
    params: Mapped[dict[str, Any]] = mapped_column(default=dict)
    progress: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(sa.String(20), default=JobState.QUEUED)
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(sa.String(4000))
    created_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class JobChunkRow(Identified):
    """A part of a job that one workflow does. ``items`` are ids (listing images)."""

    __tablename__ = "job_chunks"
    __table_args__ = (
        UniqueConstraint("job_id", "position"),
        one_of("state", ChunkState),
        CheckConstraint("attempts >= 0", name="attempts"),
    )
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"))
    position: Mapped[int]
    items: Mapped[list[Any]]
    state: Mapped[str] = mapped_column(sa.String(20), default=ChunkState.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)


class WorkerRow(Identified):
    """A worker process and when it was last heard of."""

    __tablename__ = "workers"
    executor_id: Mapped[str] = mapped_column(sa.String(200), unique=True)
    heartbeat_at: Mapped[datetime] = mapped_column(default=utc_now)
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


class AuditRow(Identified):
    """A labelled catalogue that was gone through for wrong labels.

    ``data`` is the path it was read from; the Parquet file in the audits' folder holds the photos.
    ``false_alarms`` is the share of unfounded findings that was asked for, ``trusted`` the number
    of photos that it rests on (0: on the scores alone). ``skipped`` lists the first photos
    that were not judged: ``{"path", "reason"}``.
    """

    __tablename__ = "audits"
    __table_args__ = (
        fraction("false_alarms"),
        CheckConstraint("photos > 0", name="photos"),
        CheckConstraint("trusted >= 0 AND skipped_photos >= 0", name="counters"),
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    data_name: Mapped[str] = mapped_column(sa.String(200))
    data: Mapped[str] = mapped_column(sa.String(4000))
    photos: Mapped[int]
    categories: Mapped[int]
    false_alarms: Mapped[float] = mapped_column(sa.Double())
    trusted: Mapped[int]
    skipped_photos: Mapped[int]
    skipped: Mapped[list[Any]] = mapped_column(default=list)
    file_name: Mapped[str] = mapped_column(sa.String(200), unique=True)


class AuditFindingRow(Identified):
    """A photo whose claimed category is likely wrong; ``photo`` is its row of the audit's file.

    ``rate`` is the share to expect to be unfounded of all findings down to this one. ``alike``
    names the nearest photos: ``{"claimed": [row, ...], "suggested": [row, ...]}``.
    """

    __tablename__ = "audit_findings"
    __table_args__ = (
        UniqueConstraint("audit_id", "rank"),
        UniqueConstraint("audit_id", "photo"),
        CheckConstraint("rank > 0 AND photo >= 0", name="places"),
        fraction("wrong"),
        fraction("rate"),
    )
    audit_id: Mapped[int] = mapped_column(ForeignKey("audits.id"))
    rank: Mapped[int]
    photo: Mapped[int]
    claimed: Mapped[str] = mapped_column(sa.String(1000))
    suggested: Mapped[str] = mapped_column(sa.String(1000))
    wrong: Mapped[float] = mapped_column(sa.Double())
    rate: Mapped[float] = mapped_column(sa.Double())
    alike: Mapped[dict[str, Any]] = mapped_column(default=dict)


class AuditVerdictRow(Identified):
    """The category that somebody gave a finding's photo; append-only, the latest holds.

    ``label`` null takes the one before back.
    """

    __tablename__ = "audit_verdicts"
    __table_args__ = (Index("ix_audit_verdicts_finding_id_id", "finding_id", "id"),)
    finding_id: Mapped[int] = mapped_column(ForeignKey("audit_findings.id"))
    label: Mapped[str | None] = mapped_column(sa.String(1000))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
