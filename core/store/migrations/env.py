"""Runs migrations on the connection that the store hands over, inside its transaction."""

from alembic import context
from sqlmodel import SQLModel

from core.store import tables  # noqa: F401 - declares them

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    transactional_ddl=False,
)
context.run_migrations()
