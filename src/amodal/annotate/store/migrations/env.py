"""What Alembic runs: the steps, on the connection and in the transaction of who asks for them."""

from __future__ import annotations

from alembic import context

from amodal.annotate.store.tables import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
context.run_migrations()
