"""The dashboard's own files: how they are served, and how large they are. ESLint checks the JavaScript (`npm run lint`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_host.dashboard.assets import FOLDER
from tests.dashboard.conftest import DashboardUnderTest

LIMIT = 120_000
"""Bytes of all files together, uncompressed as they are served. They have 114,400 bytes."""


def test_all_files_together_stay_below_the_size_limit() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < LIMIT


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("", "text/html; charset=utf-8"),
        ("/", "text/html; charset=utf-8"),
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
    ],
)
async def test_a_file_is_served_with_its_type_and_revalidated_by_etag(
    looked: DashboardUnderTest, path: str, kind: str
) -> None:
    response = await looked.ask(path)
    headers = dict(response.headers)
    assert (response.status, headers["Content-Type"], headers["Cache-Control"]) == (
        200,
        kind,
        "no-cache",
    )
    unchanged = await looked.ask(path, If_None_Match=headers["ETag"])
    assert (unchanged.status, unchanged.body) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/none.js",
        "/../dashboard.py",
        "/%2e%2e/dashboard.py",
        "/static/app.js",
        "/.",
        "/app.js/",
        "/APP.JS",
    ],
)
async def test_a_path_outside_the_static_folder_is_not_served(
    looked: DashboardUnderTest, path: str
) -> None:
    response = await looked.ask(path)
    assert response.status == 404 or response.body == (FOLDER / "app.js").read_bytes()
    assert b"class Dashboard" not in response.body


def test_git_ignores_none_of_the_files() -> None:
    """Hatchling leaves ignored files out of the wheel."""
    root = Path(__file__).parents[3]
    ignored = (root / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert not [
        line
        for line in ignored
        if line.strip("/*") in ("static", "dashboard", ".js", ".css", ".html")
    ]
