"""events are chained: where from, how it ended, place in the chain; the chain's key and head

The events that are there already get their place when the program is opened: only then is there a key to sign with."""

import sqlalchemy as sa
from alembic import op

revision = "0004_audit"
down_revision = "0003"
branch_labels = None
depends_on = None

_TEXTS = ("address", "outcome", "previous", "mac")


def upgrade() -> None:
    with op.batch_alter_table("event") as batch:
        for name in _TEXTS:
            default = "done" if name == "outcome" else ""
            batch.add_column(sa.Column(name, sa.String(), nullable=False, server_default=default))
        batch.add_column(sa.Column("number", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("event") as batch:
        for name in _TEXTS:
            batch.alter_column(name, server_default=None)
        batch.alter_column("number", server_default=None)
    op.create_index("ix_event_action", "event", ["action"])
    op.create_table(
        "audit_key",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("key_sealed", sa.String(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("mac", sa.String(), nullable=False),
        sa.Column("seal", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
