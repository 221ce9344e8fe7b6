"""Tests of the wheel, built like a release."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.process


def test_the_wheel_contains_both_packages_with_their_data_and_nothing_else(tmp_path: Path) -> None:
    build = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "--target",
        "wheel",
        "--directory",
        str(tmp_path),
    ]
    subprocess.run(
        build, cwd=Path(__file__).parents[1], check=True, capture_output=True, timeout=100
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    packages = {"embedded_host", "embedded_worker"}
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {
        *packages,
        "azure_functions_embedded_host",
    }
    assert {name for name in names if name.endswith("py.typed")} == {
        f"{package}/py.typed" for package in packages
    }
    for kind in (".sql", ".html", ".css", ".js", ".md", "function.json"):
        assert any(name.startswith("embedded_host/") and name.endswith(kind) for name in names), (
            kind
        )
