"""tours on the sandbox"""

import sqlalchemy as sa
from alembic import op

revision = "0009_walkthrough"
down_revision = "0008_local_password"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "walkthrough",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("access_key", sa.String(), nullable=False),
        sa.Column("credentials_id", sa.String(), nullable=False),
        sa.Column("bills_id", sa.String(), nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("actor"),
    )
