"""A team at its pages: who is logged in, what each draws, and all that the server ever sent to each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from amodal.masks import CropMask
from helpers.annotate_drawn import DEMO, ORDER, RIDER, STREET, Drawn, drawn
from helpers.annotate_page import Desk, Pages
from helpers.annotate_server import served

PASSWORD = "correct horse"
ANNOTATORS = ("anna", "ben", "cleo")
WHEEL = [(65, 385), (88, 330), (112, 285), (145, 285), (150, 320), (120, 372), (95, 396), (72, 397)]


@contextmanager
def team_place(folder: Path, **people: str) -> Iterator[str]:
    """The server of a team with two photos and maria, its manager; and of others (expert="erna"). Its address."""
    from amodal.annotate.api.app import create_app
    from amodal.annotate.api.opening import open_place
    from amodal.annotate.api.taking_in import Register
    from amodal.annotate.store.people import add_person

    images = folder / "photos"
    images.mkdir(parents=True)
    for name in (STREET, RIDER):
        shutil.copy(DEMO / name, images)
    place = open_place(folder / "project", images=images, team=True)
    Register(place).run()
    with place.database.write() as session:
        manager = add_person(session, None, name="maria", role="manager", password=PASSWORD)
        for role, name in people.items():
            add_person(session, manager, name=name, role=role, password=PASSWORD)
    with served(create_app(place)) as url:
        yield url


class Team:
    """People at one server, each in a browser profile of its own."""

    def __init__(self, url: str, pages: Pages) -> None:
        self.url, self._pages = url, pages
        self._desks: dict[str, Desk] = {}
        self._heard: dict[str, list[str]] = {}

    def desk(self, name: str) -> Desk:
        """The page of somebody, logged in by name and password."""
        if name not in self._desks:
            page = self._pages.open()
            heard = self._heard.setdefault(name, [])
            page.on("response", lambda answer: heard.append(answer.text()) if _is_document(answer) else None)
            desk = Desk(page, self.url)
            desk.log_in(name, PASSWORD)
            page.get_by_role("heading", name="Photos", exact=True).wait_for()
            self._desks[name] = desk
        return self._desks[name]

    def heard(self, name: str) -> str:
        """All documents that the page of somebody was ever sent."""
        self.desk(name).page.wait_for_timeout(50)  # answers are read as the page's events come in
        return "\n".join(self._heard[name])

    def photo(self, name: str) -> int:
        return 1 if name == STREET else 2

    def objects(self, photo: str) -> list[Drawn]:
        return drawn(photo)

    def document(self, name: str, photo: str) -> Any:
        return self.desk(name).get(f"/photos/{self.photo(photo)}")

    def object(self, name: str, photo: str, place: int) -> Any:
        return self.document(name, photo)["objects"][place]

    def draw_boxes(self, name: str, photo: str) -> None:
        """Boxes, each with its category, and who is in front."""
        desk = self.desk(name)
        desk.open("boxes", self.photo(photo))
        draw_boxes(desk, photo)
        with desk.page.expect_response(lambda answer: answer.request.method == "PATCH") as answer:
            desk.press("Enter")  # boxes and order of this photo are done
        assert answer.value.ok, answer.value.text()

    def draw_masks(
        self, name: str, photo: str, *, shift: int, wheel_only: bool = False, only: int | None = None
    ) -> None:
        """The whole mask of every object, or of `only` one, by a hand that is `shift` pixels off."""
        desk = self.desk(name)
        desk.open("masks", self.photo(photo))
        ids = [one["id"] for one in self.document(name, photo)["objects"]]
        for place, one in enumerate(drawn(photo)):
            if only not in (None, place):
                continue
            desk.choose(f"{one.label} {place + 1}")
            if desk.get(f"/photos/{self.photo(photo)}")["objects"][place]["mask"]:
                desk.press("Delete")
            corners = WHEEL if wheel_only and one.label == "motorcycle" else one.outline
            step = 2 if shift and len(corners) > 12 else 1  # another hand, and a coarser one
            desk.outline([(x + shift, y) for x, y in corners[::step]])
            if shift == 1 and one.label == "car":
                desk.brush(one.outline[:2])
            desk.press("Enter")
        desk.saved()
        assert len(ids) == len(drawn(photo))

    def own_counts(self, name: str, photo: str, place: int) -> list[str]:
        """What somebody drew of an object, in every version, as the server writes it."""
        id = self.object(name, photo, place)["id"]
        kept = self.desk(name).get(f"/objects/{id}/history")["revisions"]
        masks = [one["payload"]["amodal"] for one in kept if one["kind"] == "mask"]
        return [mask["counts"] for mask in masks if CropMask.from_coco_rle(mask).area]

    def download(self, name: str, format: str, folder: Path) -> Path:
        """An export by the page's button, as the browser saved it."""
        desk = self.desk(name)
        desk.go("photos")
        desk.page.get_by_label("Format").select_option(format)
        with desk.page.expect_download() as coming:
            desk.page.get_by_role("button", name="Download").click()
        file = folder / coming.value.suggested_filename
        coming.value.save_as(file)
        return file


def tell(desk: Desk, method: str, path: str, body: Any = None, *, status: int | None = None, **more: Any) -> Any:
    """Write by the API as the person of this page."""
    token = desk.get("/session")["csrf"]
    how = {"headers": {"X-CSRF-Token": token}, **({"data": body} if body is not None else {}), **more}
    answer = getattr(desk.page.request, method)(f"{desk.url}/api{path}", **how)
    assert answer.status == status if status else answer.ok, answer.text()
    return answer.json()


def draw_boxes(desk: Desk, photo: str) -> None:
    """Boxes of a photo that is open, each with its category, and who is in front."""
    objects = drawn(photo)
    for one in objects:
        desk.draw_box(*one.box)
        desk.page.get_by_label("Category").select_option(one.label)
    desk.press("o")
    for front, behind in ORDER[photo]:
        for place in (front, behind):
            desk.click(*_own_part(objects, place))
    desk.saved()


def _own_part(objects: list[Drawn], place: int) -> tuple[float, float]:
    """A point in the box of one and of no other, inside the photo."""
    x0, y0, x1, y1 = objects[place].box
    others = [one.box for other, one in enumerate(objects) if other != place]
    for y in range(int(max(y0, 0)) + 6, int(y1) - 5, 6):
        for x in range(int(max(x0, 0)) + 6, int(x1) - 5, 6):
            if not any(a < x < c and b < y < d for a, b, c, d in others):
                return x, y
    raise AssertionError(f"object {place} has no part of its own")


def _is_document(answer: Any) -> bool:
    if answer.url.endswith("/seconds"):
        return False  # told as the page is left: the browser keeps no body, and it is only a number
    return "/api/" in answer.url and "json" in (answer.headers.get("content-type") or "")
