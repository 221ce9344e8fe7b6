"""Tests of .github/workflows against GitHub's schema."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip(
    "check_jsonschema", reason="needs the package check-jsonschema, which validates the workflows"
)
yaml = pytest.importorskip("ruamel.yaml")
ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(file.name for file in FOLDER.glob("*"))


def read(name: str) -> dict[str, Any]:
    """Parse YAML 1.2, in which ``on`` is a string."""
    document: dict[str, Any] = yaml.YAML(typ="safe", pure=True).load(
        (FOLDER / name).read_text(encoding="utf-8")
    )
    return document


JOBS: dict[str, Any] = read("tests.yml")["jobs"]


def check_schema(*files: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.github-workflows",
        *map(str, files),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_workflows_follow_the_schema() -> None:
    assert check_schema(*(FOLDER / name for name in WORKFLOWS)).returncode == 0


def test_the_schema_finds_a_misspelled_key(tmp_path: Path) -> None:
    wrong = tmp_path / "tests.yml"
    wrong.write_text(
        (FOLDER / "tests.yml").read_text(encoding="utf-8").replace("runs-on:", "runs-onn:"),
        encoding="utf-8",
    )
    assert check_schema(wrong).returncode != 0


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_job_may_only_read_and_has_a_time_limit(name: str) -> None:
    assert read(name)["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in read(name)["jobs"].values())


def commands(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def test_the_tests_run_on_every_system_with_every_supported_python() -> None:
    matrix = JOBS["tests"]["strategy"]["matrix"]
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    pyproject = (ROOT / "embedded-host" / "pyproject.toml").read_text(encoding="utf-8")
    assert matrix["python"] == re.findall(r"Programming Language :: Python :: (3\.\d+)", pyproject)
    assert commands(JOBS["tests"])[-2:] == ["python dev.py test", "python dev.py check"]


def test_every_lock_file_is_audited() -> None:
    audited = re.findall(r"--requirement (\S+)", "\n".join(commands(JOBS["audit"])))
    locks = [
        *ROOT.glob("deploy/requirements-*.txt"),
        *ROOT.glob("embedded-host/requirements-*.txt"),
    ]
    assert set(audited) == {file.relative_to(ROOT).as_posix() for file in locks}


def test_the_paths_in_the_workflows_and_in_ci_exist() -> None:
    texts = [file.read_text(encoding="utf-8") for file in [*FOLDER.glob("*"), *ROOT.glob(".ci/*")]]
    paths = set(
        re.findall(
            r"(?<![\w/$}.-])((?:deploy|embedded-host|tests|\.ci)/[\w./-]+)", "\n".join(texts)
        )
    )
    assert "deploy/requirements-container.txt" in paths
    assert not [
        path
        for path in paths
        if not (ROOT / path).exists() and not (ROOT / "embedded-host" / path).exists()
    ]
