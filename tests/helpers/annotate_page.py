"""The annotation page as somebody with a mouse and a keyboard uses it; places are in photo pixels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures" / "annotate"
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
MARGIN = 0.06  # as in web/src/model/viewport.ts


class Pages:
    """Pages, each of a profile of its own; a script error or a broken content policy in one is an error at the end."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._opened: list[tuple[BrowserContext, list[str]]] = []

    def open(self, **how: Any) -> Page:
        context = self._browser.new_context(viewport={"width": 1280, "height": 720}, **how)
        page = context.new_page()
        page.set_default_timeout(20_000)
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda said: troubles.append(said.text) if "Content Security" in said.text else None)
        self._opened.append((context, troubles))
        return page

    def __enter__(self) -> Pages:
        return self

    def __exit__(self, *_: object) -> None:
        for context, _ in self._opened:
            context.close()
        assert [troubles for _, troubles in self._opened if troubles] == []


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

    def log_in(self, name: str, password: str) -> None:
        self.page.locator("input[name=name]").fill(name)
        self.page.locator("input[name=password]").fill(password)
        self.page.get_by_role("button", name="Log in").click()

    def go(self, page: str) -> None:
        """To a page without a photo, asked from the server anew."""
        self.page.goto(f"{self.url}/#/{page}")
        self.page.reload()

    def open(self, page: str, photo: int, object: int | None = None) -> None:
        address = f"{self.url}/#/{page}/{photo}" + (f"/{object}" if object else "")
        if self.page.url == address:
            self.page.reload()
        else:
            self.page.goto(address)
        self.size_of(photo)

    def size_of(self, photo: int) -> None:
        """Wait for the photo that the page has opened."""
        self.page.get_by_test_id("stage").first.wait_for()
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
        self.drag_on_screen(*(self.at(*place) for place in places))

    def drag_on_screen(self, *places: tuple[float, float]) -> None:
        mouse = self.page.mouse
        mouse.move(*places[0])
        mouse.down()
        for place in places[1:]:
            mouse.move(*place, steps=4)
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

    def brush(self, places: Sequence[tuple[float, float]]) -> None:
        """One stroke that adds to the whole mask."""
        self.press("b")
        self.drag(*places)

    def choose(self, name: str) -> None:
        """An object, in the list beside the photo."""
        self.page.get_by_role("region", name="Objects").get_by_role("button", name=name).click()

    def add_people(self, roles: dict[str, str], password: str) -> None:
        """Accounts, on the manager's page."""
        people = self.page.get_by_role("region", name="People")
        for name, role in roles.items():
            people.get_by_label("Name").fill(name)
            people.locator("select[name=role]").select_option(role)
            people.locator("input[name=password]").fill(password)
            people.get_by_role("button", name="Add").click()
            people.get_by_role("rowheader", name=name).wait_for()

    def change_project(self, **fields: str) -> None:
        """The project's settings, by the words on the manager's page."""
        project = self.page.get_by_role("region", name="Project")
        for label, value in fields.items():
            project.get_by_label(label).fill(value)
        with self.page.expect_response(lambda answer: answer.request.method == "PATCH") as answer:
            project.get_by_role("button", name="Save").click()
        assert answer.value.ok, answer.value.text()

    def table(self, title: str) -> list[list[str]]:
        """The body of a table on the manager's page: its rows, each with the words of its cells."""
        body = self.page.get_by_role("region", name=title).locator("tbody tr")
        body.first.wait_for()
        return [[cell.strip() for cell in row.locator("th, td").all_inner_texts()] for row in body.all()]

    def upload(self, title: str, *files: Path) -> None:
        """Files into the form of that title."""
        form = self.page.locator("form").filter(has=self.page.get_by_role("heading", name=title))
        form.locator("input[type=file]").set_input_files(files)
        form.locator("button").click()

    def saved(self) -> None:
        self.page.locator("[data-testid=save][data-state=saved]").wait_for()

    def picture(self, name: str) -> None:
        """Keep a screenshot for the docs, where the environment asks for it."""
        if os.environ.get("AMODAL_PICTURES"):
            PICTURES.mkdir(parents=True, exist_ok=True)
            self.page.wait_for_timeout(300)
            taken = Image.open(BytesIO(self.page.screenshot())).convert("RGB")
            # A palette keeps the files small; without dithering skies and glass would show steps.
            palette = taken.quantize(256, method=Image.Quantize.MEDIANCUT)
            taken.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(
                PICTURES / f"{name}.png", optimize=True
            )

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
