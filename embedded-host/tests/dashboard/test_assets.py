"""The page's own files: complete, small, and nobody else's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from embedded_host.dashboard.assets import FOLDER
from tests.dashboard.conftest import Looked

FILES = sorted(file.name for file in FOLDER.iterdir())
LIMIT = 100_000
"""Bytes, of everything together."""


def text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def test_all_of_it_is_under_100_kb() -> None:
    assert sum((FOLDER / name).stat().st_size for name in FILES) < LIMIT


@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith(".svg")])
def test_it_works_offline(name: str) -> None:
    found = re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"'`]*", text(name))
    assert [url for url in found if not url.startswith("http://www.w3.org/")] == []


@pytest.mark.parametrize("name", FILES)
def test_text_never_becomes_html(name: str) -> None:
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "DOMParser"):
        assert way not in text(name)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".js")])
def test_what_a_module_imports_is_there(name: str) -> None:
    source = text(name)
    for names, module in re.findall(r"import \{([^}]*)\} from \"\./([\w.]+)\"", source):
        exported = re.findall(r"export (?:async )?(?:function|const|class) (\w+)", text(module))
        assert {n.strip() for n in names.split(",")} <= set(exported), (name, module)


def test_every_view_is_there() -> None:
    views = re.findall(r'"(\w+)"', re.findall(r"const VIEWS = \[(.*)\]", text("app.js"))[0])
    assert views == ["instances", "instance", "functions", "entities"]
    for view in views:
        assert "export async function show(body, {" in text(f"{view}.js")


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".js")])
def test_a_module_uses_what_it_imports(name: str) -> None:
    source = text(name)
    body = re.sub(r"^import .*$", "", source, flags=re.MULTILINE)
    for names in re.findall(r"import \{([^}]*)\}", source):
        assert [n.strip() for n in names.split(",") if not re.search(rf"\b{n.strip()}\b", body)] == []


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
async def test_files_are_served(looked: Looked, path: str, kind: str) -> None:
    answer = await looked.ask(path)
    headers = dict(answer.headers)
    assert (answer.status, headers["Content-Type"], headers["Cache-Control"]) == (200, kind, "no-cache")
    again = await looked.ask(path, If_None_Match=headers["ETag"])
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/none.js", "/../dashboard.py", "/%2e%2e/dashboard.py", "/static/app.js", "/.", "/app.js/", "/APP.JS"]
)
async def test_nothing_else_is(looked: Looked, path: str) -> None:
    answer = await looked.ask(path)
    assert answer.status == 404 or answer.body == (FOLDER / "app.js").read_bytes()
    assert b"class Dashboard" not in answer.body


def test_the_wheel_has_them() -> None:
    """Hatchling takes what stands in the package; what git ignores it would leave out."""
    root = Path(__file__).parents[3]
    ignored = (root / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert not [line for line in ignored if line.strip("/*") in ("static", "dashboard", ".js", ".css", ".html")]
