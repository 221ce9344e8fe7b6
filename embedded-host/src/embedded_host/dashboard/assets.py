"""The page's own files."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from embedded_host.web.request import Request
from embedded_host.web.response import Response

FOLDER = Path(__file__).with_name("static")
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@lru_cache(maxsize=64)
def _read(name: str) -> tuple[bytes, str, str] | None:
    """The bytes, their type and their ETag."""
    if (
        name not in {file.name for file in FOLDER.iterdir()}
        or (kind := _TYPES.get(Path(name).suffix)) is None
    ):
        return None
    body = (FOLDER / name).read_bytes()
    return body, kind, f'"{hashlib.sha256(body).hexdigest()[:16]}"'


def asset(request: Request, name: str) -> Response | None:
    """None if there is no such file."""
    found = _read(name)
    if found is None:
        return None
    body, kind, tag = found
    # Asked after each time, so that another version of the host never meets the files of this one.
    headers = [("Content-Type", kind), ("ETag", tag), ("Cache-Control", "no-cache")]
    if request.headers.get("if-none-match") == tag:
        return Response(304, b"", headers)
    return Response(200, body, headers)
