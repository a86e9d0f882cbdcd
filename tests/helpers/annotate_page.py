"""The annotation page as somebody with a mouse and a keyboard uses it; places are in photo pixels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures" / "annotate"
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
MARGIN = 0.06  # as in web/src/model/viewport.ts


class Desk:
    """One page, and the photo that is open in it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.page.goto(url)

    def get(self, path: str) -> Any:
        """A document of the API, asked with the page's cookies."""
        answer = self.page.request.get(f"{self.url}/api{path}")
        assert answer.ok, answer.text()
        return answer.json()

    def open(self, page: str, photo: int) -> None:
        self.page.goto(f"{self.url}/#/{page}/{photo}")
        self.page.get_by_test_id("stage").wait_for()
        item = self.get(f"/photos/{photo}")["photo"]
        self.size = (item["width"], item["height"])

    def reload(self) -> None:
        self.page.reload()
        self.page.get_by_test_id("stage").wait_for()

    def at(self, x: float, y: float) -> tuple[float, float]:
        box = self.page.get_by_test_id("stage").bounding_box()
        assert box is not None
        width, height = self.size
        scale = min(box["width"] / width, box["height"] / height) * (1 - 2 * MARGIN)
        left = box["x"] + (box["width"] - width * scale) / 2
        top = box["y"] + (box["height"] - height * scale) / 2
        return left + x * scale, top + y * scale

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def click(self, x: float, y: float) -> None:
        self.page.mouse.click(*self.at(x, y))

    def drag(self, *places: tuple[float, float]) -> None:
        mouse = self.page.mouse
        mouse.move(*self.at(*places[0]))
        mouse.down()
        for place in places[1:]:
            mouse.move(*self.at(*place), steps=4)
        mouse.up()

    def draw_box(self, x0: float, y0: float, x1: float, y1: float) -> None:
        self.press("b")
        self.drag((x0, y0), (x1, y1))

    def outline(self, corners: Sequence[tuple[float, float]], *, close: bool = True) -> None:
        self.press("g")
        for corner in corners:
            self.click(*corner)
        if close:
            self.press("Enter")

    def saved(self) -> None:
        self.page.locator("[data-testid=save][data-state=saved]").wait_for()

    def picture(self, name: str) -> None:
        """Keep a screenshot for the docs, where the environment asks for it."""
        if os.environ.get("AMODAL_PICTURES"):
            PICTURES.mkdir(parents=True, exist_ok=True)
            self.page.wait_for_timeout(300)
            self.page.screenshot(path=PICTURES / f"{name}.jpg", type="jpeg", quality=82)

    def findings(self) -> list[str]:
        """What axe calls serious or critical."""
        # As a text to evaluate: the content policy would keep out a script element.
        self.page.evaluate(AXE.read_text("utf-8"))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {node['html'][:120]}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]
