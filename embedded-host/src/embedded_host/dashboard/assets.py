"""The files of the dashboard's page."""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path

from embedded_host.engine.json_codec import compact
from embedded_host.engine.status import FINISHED, UNFINISHED
from embedded_host.web.request import Request
from embedded_host.web.response import Response

FOLDER = Path(__file__).with_name("static")
STATUSES_MODULE = "statuses.js"
"""A JavaScript module with the runtime statuses, generated from ``engine/status.py``."""
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def asset(request: Request, name: str) -> Response | None:
    """Return the response with a file, or None if there is no such file.

    The file is compressed if the browser accepts gzip. The browser revalidates each file before
    each use (``no-cache``), so that a page never mixes files of two versions of the host.
    """
    file = _read(name)
    if file is None:
        return None
    body, compressed, content_type, digest = file
    headers = [("Content-Type", content_type), ("Cache-Control", "no-cache")]
    headers.append(("Vary", "Accept-Encoding"))
    tag = f'"{digest}"'
    if "gzip" in request.headers.get("accept-encoding", ""):
        body, tag = compressed, f'"{digest}-gzip"'
        headers.append(("Content-Encoding", "gzip"))
    headers.append(("ETag", tag))
    if request.headers.get("if-none-match") == tag:
        return Response(304, b"", headers)
    return Response(200, body, headers)


@lru_cache(maxsize=64)
def _read(name: str) -> tuple[bytes, bytes, str, str] | None:
    """Return a file, its compressed content, content type and digest, or None if there is none."""
    content_type = _TYPES.get(Path(name).suffix)
    if name == STATUSES_MODULE and content_type:
        body = _statuses_module().encode()
    elif content_type and name in {file.name for file in FOLDER.iterdir()}:
        body = (FOLDER / name).read_bytes()
    else:
        return None
    return body, gzip.compress(body, mtime=0), content_type, hashlib.sha256(body).hexdigest()[:16]


def _statuses_module() -> str:
    return (
        f"export const FINISHED = {compact(FINISHED)};\n"
        f"export const UNFINISHED = {compact(UNFINISHED)};\n"
    )
