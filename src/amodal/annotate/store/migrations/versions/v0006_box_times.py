"""How long each person has worked on the boxes and the order of a photo; of before nothing was measured."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """A row for each photo and person."""
    op.create_table(
        "box_times",
        sa.Column("photo_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["photo_id"], ["photos.id"], name=op.f("fk_box_times_photo_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_box_times_person_id")),
        sa.PrimaryKeyConstraint("photo_id", "person_id", name=op.f("pk_box_times")),
    )
    op.create_index(op.f("ix_box_times_person_id"), "box_times", ["person_id"])
