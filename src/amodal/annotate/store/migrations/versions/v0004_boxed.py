"""When the expert called the boxes and the order of a photo done, and who."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Of before, photos of one object and those whose order was said are taken for done, by who drew last."""
    with op.batch_alter_table("photos") as photos:
        photos.add_column(sa.Column("boxed_at", sa.DateTime(timezone=True), nullable=True))
        photos.add_column(sa.Column("boxed_by_id", sa.Integer(), nullable=True))
        photos.create_foreign_key(op.f("fk_photos_boxed_by_id"), "people", ["boxed_by_id"], ["id"])
    there = "SELECT {} FROM objects WHERE objects.photo_id = photos.id AND NOT objects.deleted"
    last = there.format("objects.{}") + " ORDER BY objects.time DESC, objects.id DESC LIMIT 1"
    ordered = "EXISTS (SELECT 1 FROM orders WHERE orders.photo_id = photos.id)"
    op.execute(
        f"UPDATE photos SET boxed_at = ({last.format('time')}), boxed_by_id = ({last.format('author_id')}) "  # noqa: S608
        f"WHERE ({there.format('COUNT(*)')}) = 1 OR {ordered}"
    )
