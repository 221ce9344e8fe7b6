"""The files of the dashboard as they are served. ESLint checks them (`npm run lint`)."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from embedded_host.dashboard.assets import FOLDER
from embedded_host.engine.status import FINISHED, UNFINISHED
from tests.dashboard.conftest import DashboardUnderTest

LIMIT = 75_000
"""Maximum bytes that a browser receives for all files together."""


async def test_all_files_together_stay_below_the_size_limit(dashboard: DashboardUnderTest) -> None:
    size = 0
    for file in FOLDER.iterdir():
        response = await dashboard.request(f"/{file.name}", Accept_Encoding="gzip, deflate, br")
        headers = dict(response.headers)
        assert headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(response.body) == file.read_bytes()
        size += len(response.body)
    assert size < LIMIT


async def test_the_compressed_file_has_its_own_etag(dashboard: DashboardUnderTest) -> None:
    plain = await dashboard.request("/app.js")
    compressed = await dashboard.request("/app.js", Accept_Encoding="gzip")
    tags = [dict(response.headers)["ETag"] for response in (plain, compressed)]
    assert tags[0] != tags[1]
    assert "Content-Encoding" not in dict(plain.headers)
    unchanged = await dashboard.request("/app.js", Accept_Encoding="gzip", If_None_Match=tags[1])
    assert (unchanged.status, unchanged.body) == (304, b"")


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
    dashboard: DashboardUnderTest, path: str, kind: str
) -> None:
    response = await dashboard.request(path)
    headers = dict(response.headers)
    assert (response.status, headers["Content-Type"], headers["Cache-Control"]) == (
        200,
        kind,
        "no-cache",
    )
    unchanged = await dashboard.request(path, If_None_Match=headers["ETag"])
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
    dashboard: DashboardUnderTest, path: str
) -> None:
    response = await dashboard.request(path)
    assert response.status == 404 or response.body == (FOLDER / "app.js").read_bytes()
    assert b"class Dashboard" not in response.body


async def test_the_module_of_runtime_statuses_has_those_of_the_engine(
    dashboard: DashboardUnderTest,
) -> None:
    response = await dashboard.request("/statuses.js")
    lines = dict(
        line.removeprefix("export const ").removesuffix(";").split(" = ")
        for line in response.body.decode().splitlines()
    )
    assert dict(response.headers)["Content-Type"] == "text/javascript; charset=utf-8"
    assert json.loads(lines["FINISHED"]) == list(FINISHED)
    assert json.loads(lines["UNFINISHED"]) == list(UNFINISHED)


def test_git_ignores_none_of_the_files() -> None:
    """Hatchling leaves ignored files out of the wheel."""
    root = Path(__file__).parents[3]
    ignored = (root / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert not [
        line
        for line in ignored
        if line.strip("/*") in ("static", "dashboard", ".js", ".css", ".html")
    ]
