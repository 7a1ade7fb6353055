"""accounts, requests, rotations"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("notes", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("read", sa.DateTime(), nullable=True),
        sa.Column("password_confirmed", sa.DateTime(), nullable=True),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("modified", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account_id", "region"),
    )
    op.create_table(
        "account_request",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("from_account_id", sa.String(), nullable=False),
        sa.Column("from_region", sa.String(), nullable=False),
        sa.Column("full_name", sa.String(), nullable=False),
        sa.Column("job_title", sa.String(), nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("terms_accepted", sa.DateTime(), nullable=True),
        sa.Column("newsletter", sa.Boolean(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("notes", sa.String(), nullable=False),
        sa.Column("sent_by", sa.String(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("granted_account_id", sa.String(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("modified", sa.DateTime(), nullable=False),
        sa.Column("sent", sa.DateTime(), nullable=True),
        sa.Column("answered", sa.DateTime(), nullable=True),
        sa.Column("reminded", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "policy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("expires_soon_days", sa.Integer(), nullable=False),
        sa.Column("old_days", sa.Integer(), nullable=False),
        sa.Column("unused_days", sa.Integer(), nullable=False),
        sa.Column("grace_days", sa.Integer(), nullable=False),
        sa.Column("remind_days", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "rotation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("user_name", sa.String(), nullable=False),
        sa.Column("old_key", sa.String(), nullable=False),
        sa.Column("old_secret_sealed", sa.String(), nullable=True),
        sa.Column("old_expires", sa.DateTime(), nullable=True),
        sa.Column("new_key", sa.String(), nullable=True),
        sa.Column("new_secret_sealed", sa.String(), nullable=True),
        sa.Column("new_expires", sa.DateTime(), nullable=True),
        sa.Column("tag", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("worker_until", sa.DateTime(), nullable=True),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("checked", sa.JSON(), nullable=False),
        sa.Column("delete_after", sa.DateTime(), nullable=True),
        sa.Column("begun", sa.DateTime(), nullable=False),
        sa.Column("modified", sa.DateTime(), nullable=False),
        sa.Column("ended", sa.DateTime(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("rotation", schema=None) as batch_op:
        batch_op.create_index(
            "ix_rotation_under_way",
            ["old_key", "region"],
            unique=True,
            sqlite_where=sa.text("ended IS NULL"),
            postgresql_where=sa.text("ended IS NULL"),
        )

    op.create_table(
        "seen_key",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("access_key", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("user_name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=True),
        sa.Column("expires", sa.DateTime(), nullable=True),
        sa.Column("last_used", sa.DateTime(), nullable=True),
        sa.Column("quiet_since", sa.DateTime(), nullable=True),
        sa.Column("logs_read", sa.DateTime(), nullable=True),
        sa.Column("seen", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("access_key", "region"),
    )
    with op.batch_alter_table("seen_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_seen_key_account_id"), ["account_id"], unique=False)

    with op.batch_alter_table("key_intent", schema=None) as batch_op:
        for name, usual in (("kind", "access_key"), ("email", ""), ("name", "")):
            batch_op.add_column(sa.Column(name, sa.String(), nullable=False, server_default=usual))
        batch_op.add_column(sa.Column("before", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("rotation_id", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("secret_key_sealed", sa.String(), nullable=True))
        batch_op.create_index(batch_op.f("ix_key_intent_rotation_id"), ["rotation_id"], unique=False)
    # Before, the account's email stood in the place of its ID.
    op.execute("UPDATE key_intent SET email = account_id, account_id = ''")
    with op.batch_alter_table("key_intent", schema=None) as batch_op:
        for name in ("kind", "email", "name", "before"):
            batch_op.alter_column(name, server_default=None)
    # Accounts of stored credentials are known accounts.
    op.execute(
        """
        INSERT INTO account (id, account_id, region, email, company, owner, notes, source, data, created, modified)
        SELECT min(project.id), project.account_id, project.region, '', '', '', '', 'credentials', '{}',
               min(credentials.created), min(credentials.created)
        FROM project JOIN credentials ON credentials.id = project.credentials_id
        WHERE project.account_id <> '' GROUP BY project.account_id, project.region
        """
    )
