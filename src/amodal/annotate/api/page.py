"""The built page: files under `annotate/web`, and its one HTML for every address that is not the API's."""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, PlainTextResponse, Response

if TYPE_CHECKING:
    from fastapi import FastAPI

WEB = Path(__file__).parent.parent / "web"
MISSING = "The page has not been built: run `npm ci && npm run build` in web/ of the source.\n"
UNCHANGING = "public, max-age=31536000, immutable"  # files whose name holds a hash of what is in them
# The system's own table may call scripts text/plain, and with nosniff browsers would refuse them.
KINDS = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}


def serve_page(app: FastAPI, folder: Path = WEB) -> None:
    """Add the page to an application that has its other routes already."""

    @app.get("/{path:path}", include_in_schema=False)
    def page(path: str) -> Response:
        if path == "api" or path.startswith("api/"):
            raise HTTPException(404)
        return page_file(path, folder)


def page_file(path: str, folder: Path = WEB) -> Response:
    """The file at a path, the page itself where there is none.

    Raises:
        HTTPException: 404, for scripts and styles that are not there.
    """
    root = folder.resolve()
    file = (root / path).resolve() if "\0" not in path else root
    if path and file.is_relative_to(root) and os.path.isfile(file):  # False too where no name can be so long
        kept = UNCHANGING if path.startswith("assets/") else "no-cache"
        kind = KINDS.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return FileResponse(file, media_type=kind, headers={"Cache-Control": kept})
    if path.startswith("assets/"):
        raise HTTPException(404)
    if not (root / "index.html").is_file():
        return PlainTextResponse(MISSING, 503)
    return FileResponse(root / "index.html", media_type="text/html", headers={"Cache-Control": "no-cache"})
