"""The tables. Masks are COCO's run lengths in their photo's pixels; times are UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

MAX_INTEGER = 2**31 - 1  # of a column, in every database
NAME_LENGTH = 200
PHOTO_NAME_LENGTH = 1000
KEY_LENGTH = 64


def now() -> datetime:
    """The time that rows get."""
    return datetime.now(UTC)


def new_uid() -> str:
    """The random name that a project gets."""
    return uuid4().hex


class UtcTime(TypeDecorator[datetime]):
    """A time that knows its zone; SQLite forgets it on the way."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """As UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Constraints have names that say what they are, so that migrations can find them in both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcTime, dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012 - SQLAlchemy's own


class Project(Base):
    """The one project of a database; its id is 1."""

    __tablename__ = "project"

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(32), default=new_uid)  # ids of rows mean nothing beyond it
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    categories: Mapped[list[Any]]  # [{"name", "group"}]
    annotators_per_object: Mapped[int]
    agreement_threshold: Mapped[float]
    max_rounds: Mapped[int]
    stage: Mapped[int]
    version: Mapped[int]
    created: Mapped[datetime]


class Person(Base):
    """Who works here. A person of `every_role` works alone, without a password."""

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH), unique=True)
    role: Mapped[str] = mapped_column(String(20))  # expert, annotator, manager
    every_role: Mapped[bool]
    password_hash: Mapped[str | None] = mapped_column(Text)
    active: Mapped[bool]
    version: Mapped[int]
    created: Mapped[datetime]

    @property
    def roles(self) -> tuple[str, ...]:
        """What the person may act as."""
        return ROLES if self.every_role else (self.role,)


ROLES = ("expert", "annotator", "manager")


class Login(Base):
    """A session of the browser; its token is kept as a hash, so that a stolen file opens nothing."""

    __tablename__ = "logins"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime]
    expires: Mapped[datetime]

    person: Mapped[Person] = relationship()


class Photo(Base):
    """A picture file: below the folder of the photos, or uploaded into the project."""

    __tablename__ = "photos"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(PHOTO_NAME_LENGTH), unique=True)  # relative, with forward slashes
    width: Mapped[int]
    height: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    uploaded: Mapped[bool]
    added: Mapped[datetime]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    boxed_at: Mapped[datetime | None]  # when the expert called boxes and order done
    boxed_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    # What an imported file says of it beyond what we know. The database's own default is what migrations gave it.
    meta: Mapped[dict[str, Any]] = mapped_column(server_default="{}")


class Object(Base):
    """A whole object of pass 1: class and box."""

    __tablename__ = "objects"
    __table_args__ = (Index("ix_objects_photo_id_client_key", "photo_id", "client_key", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id"), index=True)
    label: Mapped[str] = mapped_column(String(NAME_LENGTH))
    x0: Mapped[float]
    y0: Mapped[float]
    x1: Mapped[float]
    y1: Mapped[float]
    version: Mapped[int]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    time: Mapped[datetime]
    deleted: Mapped[bool]
    meta: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    client_key: Mapped[str | None] = mapped_column(String(KEY_LENGTH))  # what the page called it before it had an id

    photo: Mapped[Photo] = relationship()

    @property
    def box(self) -> tuple[float, float, float, float]:
        """XYXY."""
        return self.x0, self.y0, self.x1, self.y1


class Order(Base):
    """Who is in front of whom in a photo. Edges of deleted objects stay, and count for nothing."""

    __tablename__ = "orders"

    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id"), primary_key=True)
    edges: Mapped[list[Any]]  # [[front, behind]]
    version: Mapped[int]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    time: Mapped[datetime]


class BoxTime(Base):
    """How long somebody has worked on the boxes and the order of a photo."""

    __tablename__ = "box_times"

    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True, index=True)
    seconds: Mapped[float]


class Mask(Base):
    """What one annotator drew of an object in one round; `inmodal` only where the derived one was corrected."""

    __tablename__ = "masks"
    __table_args__ = (UniqueConstraint("object_id", "annotator_id", "stage", "round"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    object_id: Mapped[int] = mapped_column(ForeignKey("objects.id"))
    annotator_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    stage: Mapped[int]
    round: Mapped[int]
    state: Mapped[str] = mapped_column(String(20))  # draft, done
    source: Mapped[str] = mapped_column(String(20))  # drawn, proposal, edited, imported
    seconds: Mapped[float]
    polygons: Mapped[list[Any]]  # [[x, y, x, y, …]] as drawn; none where it was painted
    amodal: Mapped[str] = mapped_column(Text)
    inmodal: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int]
    time: Mapped[datetime]

    object: Mapped[Object] = relationship()
    annotator: Mapped[Person] = relationship()


class Assignment(Base):
    """One of the places for annotators that an object has in a stage, and who took it."""

    __tablename__ = "assignments"
    __table_args__ = (UniqueConstraint("object_id", "stage", "annotator_id"),)

    object_id: Mapped[int] = mapped_column(ForeignKey("objects.id"), primary_key=True)
    stage: Mapped[int] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)  # 1, 2, … so that two people cannot take the last one
    annotator_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    time: Mapped[datetime]


class Sample(Base):
    """An object that a later stage draws anew."""

    __tablename__ = "samples"

    stage: Mapped[int] = mapped_column(primary_key=True)
    object_id: Mapped[int] = mapped_column(ForeignKey("objects.id"), primary_key=True)


class Consensus(Base):
    """Where an object stands between its annotators in a stage, and its mask once that is settled."""

    __tablename__ = "consensus"
    __table_args__ = (UniqueConstraint("object_id", "stage"), Index("ix_consensus_stage_state", "stage", "state"))

    id: Mapped[int] = mapped_column(primary_key=True)
    object_id: Mapped[int] = mapped_column(ForeignKey("objects.id"))
    stage: Mapped[int]
    round: Mapped[int]
    state: Mapped[str] = mapped_column(String(20))  # open, disputed, agreed, settled
    agreement: Mapped[float | None]  # of the last round that all have drawn
    amodal: Mapped[str | None] = mapped_column(Text)
    inmodal: Mapped[str | None] = mapped_column(Text)
    occlusion: Mapped[float | None]
    choice: Mapped[str | None] = mapped_column(String(20))  # vote, mask, drawn
    mask_id: Mapped[int | None] = mapped_column(ForeignKey("masks.id"))
    version: Mapped[int]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))  # None where the vote decided
    time: Mapped[datetime]

    object: Mapped[Object] = relationship()


class Proposal(Base):
    """What a method thinks of an object, or of one that nobody has drawn a box of."""

    __tablename__ = "proposals"

    id: Mapped[int] = mapped_column(primary_key=True)
    photo_id: Mapped[int] = mapped_column(ForeignKey("photos.id"), index=True)
    object_id: Mapped[int | None] = mapped_column(ForeignKey("objects.id"), index=True)
    method: Mapped[str] = mapped_column(String(NAME_LENGTH))
    label: Mapped[str] = mapped_column(String(NAME_LENGTH))
    box: Mapped[list[Any]]
    score: Mapped[float]
    amodal: Mapped[str] = mapped_column(Text)
    inmodal: Mapped[str] = mapped_column(Text)
    edges: Mapped[list[Any]]  # [[front, behind, probability]]: objects; of a find without box, proposals
    author_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    time: Mapped[datetime]

    photo: Mapped[Photo] = relationship()


class Verdict(Base):
    """What one person made of a proposal; others are not told, annotators being blind."""

    __tablename__ = "verdicts"
    __table_args__ = (UniqueConstraint("proposal_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposals.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    verdict: Mapped[str] = mapped_column(String(20))  # accepted, edited, refused
    version: Mapped[int]
    time: Mapped[datetime]


class Revision(Base):
    """Something as it was after a write, or as somebody wanted it who came second (`refused`)."""

    __tablename__ = "revisions"
    __table_args__ = (Index("ix_revisions_kind_subject", "kind", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    subject: Mapped[int]
    version: Mapped[int]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    time: Mapped[datetime]
    refused: Mapped[bool]
    payload: Mapped[dict[str, Any]]


class Audit(Base):
    """Who did what that is not drawing: log-ins, roles, exports, settling, backups."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    time: Mapped[datetime] = mapped_column(index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    action: Mapped[str] = mapped_column(String(NAME_LENGTH))
    subject: Mapped[str] = mapped_column(String(PHOTO_NAME_LENGTH))
    detail: Mapped[dict[str, Any]]
