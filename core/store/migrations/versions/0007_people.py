"""people and their sign-ins"""

import sqlalchemy as sa
from alembic import op

revision = "0007_people"
down_revision = "0006_allowed_hosts"
branch_labels = None
depends_on = None

ROLE = sa.Enum("ADMINISTRATOR", "OPERATOR", "FINANCE", "PRESENTER", "AUDITOR", name="role")


def upgrade() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("role", ROLE, nullable=True),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("seen", sa.DateTime(), nullable=False),
        sa.Column("signed_out_before", sa.DateTime(), nullable=True),
        sa.Column("blocked", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("issuer", "subject"),
    )
    op.create_table(
        "sign_in",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("role", ROLE, nullable=True),
        sa.Column("recheck", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("begun", sa.DateTime(), nullable=False),
        sa.Column("asked", sa.DateTime(), nullable=False),
        sa.Column("confirmed", sa.DateTime(), nullable=False),
        sa.Column("seen", sa.DateTime(), nullable=False),
        sa.Column("ended", sa.DateTime(), nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_sign_in_person_id", "sign_in", ["person_id"])
