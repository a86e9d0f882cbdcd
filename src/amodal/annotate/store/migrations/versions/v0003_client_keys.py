"""The page's own name for an object that it makes, so that a request sent twice makes one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Objects of before have none."""
    op.add_column("objects", sa.Column("client_key", sa.String(length=64), nullable=True))
    op.create_index("ix_objects_photo_id_client_key", "objects", ["photo_id", "client_key"], unique=True)
