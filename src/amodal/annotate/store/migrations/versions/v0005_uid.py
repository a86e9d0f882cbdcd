"""A project's own random name, so that a browser never takes what it kept of one project for another's."""

from __future__ import annotations

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """One is made for the project that is there; what a method found without boxes becomes one call's."""
    op.add_column("project", sa.Column("uid", sa.String(length=32), nullable=True))
    op.execute(sa.text("UPDATE project SET uid = :uid").bindparams(uid=uuid4().hex))
    with op.batch_alter_table("project") as project:
        project.alter_column("uid", existing_type=sa.String(length=32), nullable=False)
    # Rows of one call have one time from now on. Of before nobody knows the calls: a method's finds in a photo are one.
    op.execute(
        "UPDATE proposals SET time = (SELECT MAX(other.time) FROM proposals AS other WHERE other.object_id IS NULL "
        "AND other.photo_id = proposals.photo_id AND other.method = proposals.method) WHERE object_id IS NULL"
    )
