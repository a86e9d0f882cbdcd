"""Models at work for the page: one photo at a time, loaded once, and nobody waits in a long queue."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from amodal.annotate.api.problems import TooMany
from amodal.annotate.help.propose import Given, Helper, load_helper
from amodal.scene import Scene
from amodal.threads import ModelThread

MOST_WAITING = 4


@dataclass
class Proposer:
    """Methods by name, loaded when first asked for. Requests come in threads; the models take turns."""

    model: str = "default"
    method: str | None = None
    detector: str = "default"
    _helpers: dict[str, Helper] = field(default_factory=dict)
    _thread: ModelThread = field(default_factory=ModelThread)
    _places: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(MOST_WAITING))

    def propose(self, method: str | None, photo: Path, objects: Sequence[Given]) -> tuple[str, Scene]:
        """The name of the method, and the scene it sees: the objects by their ids, or what a detector finds.

        Raises:
            TooMany: others wait already.
            InputError: no such method, or one that cannot do this photo.
        """
        if not self._places.acquire(blocking=False):
            raise TooMany("the model has much to do; try again in a few seconds", 5)
        try:
            return self._thread.submit(self._proposed, method or self.method or "", photo, objects).result()
        finally:
            self._places.release()

    def _proposed(self, asked: str, photo: Path, objects: Sequence[Given]) -> tuple[str, Scene]:
        if asked not in self._helpers:
            self._helpers[asked] = load_helper(self.model, asked or None, self.detector)
        helper = self._helpers[asked]
        return helper.name, helper.scene_of(photo, objects)
