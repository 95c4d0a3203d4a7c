"""first tables

Revision: 0001, after None
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "categories",
        sa.Column("parent_id", BIG_ID, nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("path", sa.String(length=1000), nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint("parent_id <> id", name=op.f("ck_categories_not_own_parent")),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["categories.id"], name=op.f("fk_categories_parent_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_categories")),
        sa.UniqueConstraint("path", name=op.f("uq_categories_path")),
    )
    op.create_index(op.f("ix_categories_parent_id"), "categories", ["parent_id"], unique=False)

    op.create_table(
        "images",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("format", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=True),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint("state IN ('readable', 'unreadable')", name=op.f("ck_images_state")),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_images_sha256")),
        sa.CheckConstraint("width_px > 0 AND height_px > 0", name=op.f("ck_images_size")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_images")),
        sa.UniqueConstraint("sha256", name=op.f("uq_images_sha256")),
    )
    op.create_table(
        "listing_transitions",
        sa.Column("from_state", sa.String(length=20), nullable=False),
        sa.Column("to_state", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("from_state", "to_state", name=op.f("pk_listing_transitions")),
    )
    op.create_table(
        "model_versions",
        sa.Column("arch", sa.String(length=60), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("file_bytes", sa.BigInteger(), nullable=False),
        sa.Column("parameters", sa.BigInteger(), nullable=False),
        sa.Column("labels", JSON, nullable=False),
        sa.Column("metrics", JSON, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("problem", sa.String(length=1000), nullable=True),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint(
            "state IN ('candidate', 'active', 'retired')", name=op.f("ck_model_versions_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_versions")),
        sa.UniqueConstraint("digest", name=op.f("uq_model_versions_digest")),
    )
    op.create_index(
        "uq_model_versions_active_arch",
        "model_versions",
        ["arch"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )

    op.create_table(
        "users",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint(
            "role IN ('staff', 'reviewer', 'manager', 'admin')", name=op.f("ck_users_role")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
    )
    op.create_table(
        "workers",
        sa.Column("executor_id", sa.String(length=200), nullable=False),
        sa.Column("heartbeat_at", UTC, nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
        sa.UniqueConstraint("executor_id", name=op.f("uq_workers_executor_id")),
    )
    op.create_table(
        "batches",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("content_digest", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=1000), nullable=False),
        sa.Column("refusals", JSON, nullable=False),
        sa.Column("created_by", BIG_ID, nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_batches_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
        sa.UniqueConstraint("content_digest", name=op.f("uq_batches_content_digest")),
        sa.UniqueConstraint("name", name=op.f("uq_batches_name")),
    )
    op.create_table(
        "embeddings",
        sa.Column("image_id", BIG_ID, nullable=False),
        sa.Column("space", sa.String(length=100), nullable=False),
        sa.Column("dim", sa.Integer(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint("length(vector) = 2 * dim", name=op.f("ck_embeddings_vector")),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name=op.f("fk_embeddings_image_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_embeddings")),
        sa.UniqueConstraint("image_id", "space", name=op.f("uq_embeddings_image_id_space")),
    )
    op.create_index(op.f("ix_embeddings_space"), "embeddings", ["space"], unique=False)

    op.create_table(
        "jobs",
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("batch_id", BIG_ID, nullable=True),
        sa.Column("params", JSON, nullable=False),
        sa.Column("progress", JSON, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=4000), nullable=True),
        sa.Column("created_by", BIG_ID, nullable=False),
        sa.Column("started_at", UTC, nullable=True),
        sa.Column("finished_at", UTC, nullable=True),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed', 'cancelled')",
            name=op.f("ck_jobs_state"),
        ),
        sa.CheckConstraint(
            "done >= 0 AND failed >= 0 AND total >= 0 AND done + failed <= total",
            name=op.f("ck_jobs_counters"),
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_jobs_batch_id")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_jobs_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index(op.f("ix_jobs_batch_id"), "jobs", ["batch_id"], unique=False)
    op.create_index("ix_jobs_state_id", "jobs", ["state", "id"], unique=False)

    op.create_table(
        "listings",
        sa.Column("batch_id", BIG_ID, nullable=False),
        sa.Column("sku", sa.String(length=500), nullable=False),
        sa.Column("title", sa.String(length=1000), nullable=False),
        sa.Column("seller", sa.String(length=200), nullable=False),
        sa.Column("brand", sa.String(length=200), nullable=False),
        sa.Column("price", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("claimed_category_id", BIG_ID, nullable=True),
        sa.Column("suggested_category_id", BIG_ID, nullable=True),
        sa.Column("decided_category_id", BIG_ID, nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("doubt", sa.Double(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", UTC, nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint(
            "state IN ('received', 'processing', 'needs_review', 'auto_accepted', 'accepted', 'corrected', 'rejected', 'published')",
            name=op.f("ck_listings_state"),
        ),
        sa.CheckConstraint("doubt >= 0 AND doubt <= 1", name=op.f("ck_listings_doubt")),
        sa.CheckConstraint("price >= 0", name=op.f("ck_listings_price")),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_listings_batch_id")),
        sa.ForeignKeyConstraint(
            ["claimed_category_id"], ["categories.id"], name=op.f("fk_listings_claimed_category_id")
        ),
        sa.ForeignKeyConstraint(
            ["decided_category_id"], ["categories.id"], name=op.f("fk_listings_decided_category_id")
        ),
        sa.ForeignKeyConstraint(
            ["suggested_category_id"],
            ["categories.id"],
            name=op.f("fk_listings_suggested_category_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listings")),
        sa.UniqueConstraint("batch_id", "sku", name=op.f("uq_listings_batch_id_sku")),
    )
    op.create_index(
        "ix_listings_batch_id_state_doubt_id",
        "listings",
        ["batch_id", "state", "doubt", "id"],
        unique=False,
    )
    op.create_index(
        "ix_listings_state_doubt_id", "listings", ["state", "doubt", "id"], unique=False
    )

    op.create_table(
        "decisions",
        sa.Column("key", sa.String(length=36), nullable=False),
        sa.Column("listing_id", BIG_ID, nullable=False),
        sa.Column("listing_version", sa.Integer(), nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("category_id", BIG_ID, nullable=True),
        sa.Column("undoes_id", BIG_ID, nullable=True),
        sa.Column("shown", JSON, nullable=False),
        sa.Column("active_ms", sa.Integer(), nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint(
            "(kind = 'undo') = (undoes_id IS NOT NULL)", name=op.f("ck_decisions_undo")
        ),
        sa.CheckConstraint(
            "(kind IN ('accept', 'correct')) = (category_id IS NOT NULL)",
            name=op.f("ck_decisions_category"),
        ),
        sa.CheckConstraint(
            "kind IN ('accept', 'correct', 'reject', 'skip', 'undo')",
            name=op.f("ck_decisions_kind"),
        ),
        sa.CheckConstraint("active_ms >= 0", name=op.f("ck_decisions_active_ms")),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name=op.f("fk_decisions_category_id")
        ),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listings.id"], name=op.f("fk_decisions_listing_id")
        ),
        sa.ForeignKeyConstraint(
            ["undoes_id"], ["decisions.id"], name=op.f("fk_decisions_undoes_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_decisions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sa.UniqueConstraint("key", name=op.f("uq_decisions_key")),
        sa.UniqueConstraint("undoes_id", name=op.f("uq_decisions_undoes_id")),
    )
    op.create_index("ix_decisions_listing_id_id", "decisions", ["listing_id", "id"], unique=False)
    op.create_index("ix_decisions_user_id_id", "decisions", ["user_id", "id"], unique=False)

    op.create_table(
        "job_chunks",
        sa.Column("job_id", BIG_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("items", JSON, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'running', 'done', 'split')", name=op.f("ck_job_chunks_state")
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_job_chunks_attempts")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_chunks_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_chunks")),
        sa.UniqueConstraint("job_id", "position", name=op.f("uq_job_chunks_job_id_position")),
    )
    op.create_table(
        "listing_images",
        sa.Column("listing_id", BIG_ID, nullable=False),
        sa.Column("image_id", BIG_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.String(length=1000), nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint("position >= 0", name=op.f("ck_listing_images_position")),
        sa.ForeignKeyConstraint(
            ["image_id"], ["images.id"], name=op.f("fk_listing_images_image_id")
        ),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listings.id"], name=op.f("fk_listing_images_listing_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing_images")),
        sa.UniqueConstraint("id", "listing_id", name=op.f("uq_listing_images_id_listing_id")),
        sa.UniqueConstraint(
            "listing_id", "position", name=op.f("uq_listing_images_listing_id_position")
        ),
    )
    op.create_index(
        op.f("ix_listing_images_image_id"), "listing_images", ["image_id"], unique=False
    )

    op.create_table(
        "flags",
        sa.Column("listing_id", BIG_ID, nullable=False),
        sa.Column("listing_image_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("severity", sa.String(length=20), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint("severity IN ('warn', 'block')", name=op.f("ck_flags_severity")),
        sa.CheckConstraint(
            "state IN ('open', 'confirmed', 'dismissed')", name=op.f("ck_flags_state")
        ),
        sa.ForeignKeyConstraint(
            ["listing_image_id", "listing_id"],
            ["listing_images.id", "listing_images.listing_id"],
            name=op.f("fk_flags_listing_image_id_listing_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flags")),
        sa.UniqueConstraint(
            "listing_image_id", "kind", name=op.f("uq_flags_listing_image_id_kind")
        ),
    )
    op.create_index("ix_flags_kind_state", "flags", ["kind", "state"], unique=False)
    op.create_index("ix_flags_listing_id_state", "flags", ["listing_id", "state"], unique=False)

    op.create_table(
        "predictions",
        sa.Column("listing_image_id", BIG_ID, nullable=False),
        sa.Column("model_version_id", BIG_ID, nullable=False),
        sa.Column("category_id", BIG_ID, nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("top", JSON, nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint(
            "probability >= 0 AND probability <= 1", name=op.f("ck_predictions_probability")
        ),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name=op.f("fk_predictions_category_id")
        ),
        sa.ForeignKeyConstraint(
            ["listing_image_id"],
            ["listing_images.id"],
            name=op.f("fk_predictions_listing_image_id"),
        ),
        sa.ForeignKeyConstraint(
            ["model_version_id"],
            ["model_versions.id"],
            name=op.f("fk_predictions_model_version_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_predictions")),
        sa.UniqueConstraint(
            "listing_image_id",
            "model_version_id",
            name=op.f("uq_predictions_listing_image_id_model_version_id"),
        ),
    )
    op.create_index(
        op.f("ix_predictions_model_version_id"), "predictions", ["model_version_id"], unique=False
    )

    op.create_table(
        "explanations",
        sa.Column("prediction_id", BIG_ID, nullable=False),
        sa.Column("category_id", BIG_ID, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("error", sa.String(length=1000), nullable=True),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'done', 'failed')", name=op.f("ck_explanations_state")
        ),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name=op.f("fk_explanations_category_id")
        ),
        sa.ForeignKeyConstraint(
            ["prediction_id"], ["predictions.id"], name=op.f("fk_explanations_prediction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_explanations")),
        sa.UniqueConstraint(
            "prediction_id", "category_id", name=op.f("uq_explanations_prediction_id_category_id")
        ),
    )
    op.create_index("ix_explanations_state_id", "explanations", ["state", "id"], unique=False)


def downgrade() -> None:
    for table in (
        "explanations",
        "predictions",
        "flags",
        "listing_images",
        "job_chunks",
        "decisions",
        "listings",
        "jobs",
        "embeddings",
        "batches",
        "workers",
        "users",
        "model_versions",
        "listing_transitions",
        "images",
        "categories",
    ):
        op.drop_table(table)
