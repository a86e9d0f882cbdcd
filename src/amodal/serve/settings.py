"""What a server allows itself and its clients."""

from __future__ import annotations

from dataclasses import dataclass, fields

from amodal.errors import InputError


@dataclass(frozen=True)
class Settings:
    """Limits; each is there so that no request, and no number of them, takes the server down.

    Attributes:
        batch_photos: photos that the model is given at once.
        batch_objects: objects of one batch; a photo with more of them is a batch by itself.
        wait_ms: how long a batch waits for requests that are on their way; a single client never waits.
        queue_photos: photos that may wait or be at work; who comes then is told when to come again.
        queue_megapixels: megapixels of decoded photos that may wait; one photo always may.
        timeout_seconds: for an answer, from the moment the request is here whole.
        body_seconds: for a request to come whole.
        grace_seconds: for what is under way, when the server is told to stop.
        max_mb: megabytes of a request.
        max_megapixels: of a photo, judged before it is decoded.
        max_boxes: in one photo.
        max_object_megapixels: of all boxes of a photo together, inside the photo: each object has maps of its box.
        decoders: threads that decode photos and write answers while the model works.
        connections: open at once.
    """

    batch_photos: int = 4
    batch_objects: int = 64
    wait_ms: float = 5.0
    queue_photos: int = 32
    queue_megapixels: float = 200.0
    timeout_seconds: float = 60.0
    body_seconds: float = 20.0
    grace_seconds: float = 30.0
    max_mb: float = 20.0
    max_megapixels: float = 24.0
    max_boxes: int = 200
    max_object_megapixels: float = 64.0
    decoders: int = 2
    connections: int = 512

    def __post_init__(self) -> None:
        for one in fields(self):
            value, least = getattr(self, one.name), 0 if one.name == "wait_ms" else 1e-9
            if not least <= value < float("inf"):
                raise InputError("serve", one.name, f"found {value:g}", "expected a number above 0")
