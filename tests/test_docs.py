"""README and docs: what they show is measured, drawn, credited, and works when typed."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from amodal.cli.main import COMMANDS, MENU, main

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [*ROOT.glob("*.md"), *DOCS.glob("**/*.md")]
README = (ROOT / "README.md").read_text("utf-8")


def tables() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tables", DOCS / "tables.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def code(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def commands() -> list[list[str]]:
    return [shlex.split(line)[1:] for block in code("sh") for line in block.splitlines() if line.startswith("amodal ")]


def test_tables_are_what_the_measured_files_say() -> None:
    module = tables()
    for page in module.PAGES:
        text = page.read_text("utf-8")
        assert module.rendered(text) == text, f"{page.name} is behind: run python docs/tables.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_exist(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    missing = [t for t in targets if "://" not in t and not (page.parent / t).exists()]
    assert not missing


def test_links_to_headings_lead_to_headings() -> None:
    def anchors(page: Path) -> set[str]:
        headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

    for page in PAGES:
        for target, anchor in re.findall(r"\]\(([^)#\s]*)#([^)]+)\)", page.read_text("utf-8")):
            if "://" not in target:
                assert anchor in anchors(page.parent / target if target else page), f"{page.name}: #{anchor}"


def test_pictures_are_small_and_credited() -> None:
    credits = (DOCS / "pictures" / "CREDITS.md").read_text("utf-8")
    pictures = [path for path in (DOCS / "pictures").iterdir() if path.suffix in {".jpg", ".png"}]
    assert pictures
    for picture in pictures:
        assert picture.stat().st_size < 400_000, picture.name
        assert f"`{picture.name}`" in credits, picture.name


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_commands_of_the_readme_are_understood(arguments: list[str]) -> None:
    assert arguments[0] in COMMANDS
    if "--help" not in arguments:
        MENU.parsed(arguments)


def test_recipes_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pycocotools")
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "src" / "amodal" / "demo" / "photos" / "coco_000000423617.jpg", "street.jpg")
    Path("boxes.json").write_text(code("json")[0], encoding="utf-8")
    assert main(commands()[0]) == 0
    assert (tmp_path / "out" / "index.html").is_file()
    for recipe in code("python"):
        exec(compile(recipe, "README.md", "exec"), {})
    annotations = json.loads((tmp_path / "out" / "scenes.json").read_text("utf-8"))["annotations"]
    fields = {"id", "image_id", "iscrowd", *re.findall(r"`(\w+)`", README[README.index("| field of") :])}
    assert set().union(*annotations) <= fields | {"exact_box"}
