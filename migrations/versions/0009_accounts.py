"""accounts, sessions, tries to sign in, and visits to an OpenID provider

Revision: 0009, after 0008
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | Sequence[str] | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    # Column by column: a batch migration would write `users` anew, which every table points at.
    op.add_column("users", sa.Column("password_hash", sa.String(255), nullable=True))
    for name in ("must_change_password", "is_disabled"):
        op.add_column(
            "users", sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False)
        )
    op.add_column("users", sa.Column("issuer", sa.String(500), nullable=True))
    op.add_column("users", sa.Column("subject", sa.String(255), nullable=True))
    op.create_index("uq_users_issuer_subject", "users", ["issuer", "subject"], unique=True)
    op.create_table(
        "sessions",
        sa.Column("token_digest", sa.String(64), nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("seen_at", UTC, nullable=False),
        sa.Column("expires_at", UTC, nullable=False),
        sa.Column("user_agent", sa.String(300), nullable=False),
        sa.Column("address", sa.String(60), nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint("length(token_digest) = 64", name=op.f("ck_sessions_token_digest")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_sessions_token_digest")),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"])
    op.create_table(
        "sign_in_tries",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_at", UTC, nullable=False),
        sa.Column("locked_until", UTC, nullable=True),
        sa.CheckConstraint("length(key) = 64", name=op.f("ck_sign_in_tries_key")),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_sign_in_tries_tries")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_tries")),
    )
    op.create_index(op.f("ix_sign_in_tries_last_at"), "sign_in_tries", ["last_at"])
    op.create_table(
        "provider_visits",
        sa.Column("state_digest", sa.String(64), nullable=False),
        sa.Column("nonce", sa.String(100), nullable=False),
        sa.Column("code_verifier", sa.String(200), nullable=False),
        sa.Column("next_path", sa.String(2000), nullable=False),
        sa.Column("expires_at", UTC, nullable=False),
        sa.CheckConstraint(
            "length(state_digest) = 64", name=op.f("ck_provider_visits_state_digest")
        ),
        sa.PrimaryKeyConstraint("state_digest", name=op.f("pk_provider_visits")),
    )
    op.create_index(op.f("ix_provider_visits_expires_at"), "provider_visits", ["expires_at"])


def downgrade() -> None:
    op.drop_table("provider_visits")
    op.drop_table("sign_in_tries")
    op.drop_table("sessions")
    op.drop_index("uq_users_issuer_subject", "users")
    for name in ("subject", "issuer", "is_disabled", "must_change_password", "password_hash"):
        op.drop_column("users", name)
