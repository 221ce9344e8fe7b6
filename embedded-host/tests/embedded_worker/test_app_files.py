"""Recognition of the app's own files."""

from __future__ import annotations

from pathlib import Path

import pytest

import embedded_worker
from embedded_worker.app_files import is_app_file, relative_name

ROOT = Path("/apps/hello").absolute()


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("Hello/__init__.py", True),
        ("shared/site_packages.py", True),
        (".python_packages/lib/site-packages/requests/api.py", False),
        (".venv/bin/tool.py", False),
        ("venv/lib/x.py", False),
    ],
)
def test_files_below_the_root_belong_to_the_app_except_libraries(file: str, expected: bool) -> None:
    assert is_app_file(str(ROOT / file), ROOT) is expected


@pytest.mark.parametrize(
    "file", ["<string>", "<frozen importlib._bootstrap>", "/apps/hello2/x.py", "/apps/hello"]
)
def test_other_files_do_not_belong_to_the_app(file: str) -> None:
    assert not is_app_file(file, ROOT)


def test_the_embedded_host_below_the_root_does_not_belong_to_the_app() -> None:
    file = Path(embedded_worker.__file__)
    assert not is_app_file(str(file), file.parents[3])


def test_names_of_files_below_the_root_are_relative() -> None:
    assert relative_name(str(ROOT / "Hello" / "run.py"), ROOT) == "Hello/run.py"
    assert relative_name("/elsewhere/run.py", ROOT) == "/elsewhere/run.py"
