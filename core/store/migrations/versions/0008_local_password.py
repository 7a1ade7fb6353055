"""the local operator's password"""

import sqlalchemy as sa
from alembic import op

revision = "0008_local_password"
down_revision = "0007_people"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "local_password",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("cost", sa.Integer(), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("wait_until", sa.DateTime(), nullable=True),
        sa.Column("modified", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
