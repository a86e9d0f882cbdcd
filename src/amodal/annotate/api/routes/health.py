"""Whether the server is there."""

from __future__ import annotations

from sqlalchemy import text

from amodal import __version__
from amodal.annotate.api import schemas
from amodal.annotate.api.asking import Here
from amodal.annotate.api.parameters import topic

router = topic("health")


@router.get("/health")
def health(here: Here) -> schemas.Health:
    """Whether the server and its database answer."""
    with here.database.read() as session:
        session.execute(text("SELECT 1"))
    return schemas.Health(status="ok", version=__version__)
