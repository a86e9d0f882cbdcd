"""Every person's own verdict on a proposal, samples for later stages, and what imported files say beyond our fields."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Verdicts move out of the proposals, of which each had one."""
    op.create_table(
        "samples",
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("object_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["object_id"], ["objects.id"], name=op.f("fk_samples_object_id")),
        sa.PrimaryKeyConstraint("stage", "object_id", name=op.f("pk_samples")),
    )
    op.create_table(
        "verdicts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proposal_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_verdicts_person_id")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.id"], name=op.f("fk_verdicts_proposal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdicts")),
        sa.UniqueConstraint("proposal_id", "person_id", name=op.f("uq_verdicts_proposal_id_person_id")),
    )
    op.execute(
        "INSERT INTO verdicts (proposal_id, person_id, verdict, version, time) "
        "SELECT id, verdict_by, verdict, 1, verdict_time FROM proposals WHERE verdict_by IS NOT NULL"
    )
    with op.batch_alter_table("proposals") as proposals:
        proposals.drop_constraint(op.f("fk_proposals_verdict_by"), type_="foreignkey")
        for name in ("verdict", "verdict_by", "verdict_time"):
            proposals.drop_column(name)
    for table in ("photos", "objects"):
        op.add_column(table, sa.Column("meta", sa.JSON(), nullable=False, server_default="{}"))
