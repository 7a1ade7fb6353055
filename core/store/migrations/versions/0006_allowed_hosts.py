"""hosts that may be connected to"""

import sqlalchemy as sa
from alembic import op

revision = "0006_allowed_hosts"
down_revision = "0005_vault"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "allowed_host",
        sa.Column("entry", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("added", sa.DateTime(), nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("entry"),
    )
