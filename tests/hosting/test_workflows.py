"""``.github/workflows/``: by the schema of GitHub's workflows, and what they must do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import check_jsonschema
import pytest

from tests.hosting.documents import ROOT, problems, read_yaml

SCHEMA: dict[str, Any] = json.loads(
    (Path(check_jsonschema.__file__).parent / "builtin_schemas/vendor/github-workflows.json").read_text(
        encoding="utf-8"
    )
)
WORKFLOWS = sorted(file.relative_to(ROOT).as_posix() for file in ROOT.glob(".github/workflows/*"))
TESTS: dict[str, Any] = read_yaml(".github/workflows/tests.yml")["jobs"]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_workflow_is_as_github_asks(name: str) -> None:
    workflow = read_yaml(name)
    assert not problems(workflow, SCHEMA)
    assert workflow["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_mistake_in_it_is_found(name: str) -> None:
    workflow = read_yaml(name)
    job = next(iter(workflow["jobs"].values()))
    assert problems({**workflow, "jobs": {"broken": {**job, "runs-onn": "x"}}}, SCHEMA)
    assert problems({**workflow, "onn": {}}, SCHEMA)


def _commands(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def test_the_tests_run_on_every_system_with_every_python() -> None:
    matrix = TESTS["tests"]["strategy"]["matrix"]
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    supported = re.findall(
        r"Programming Language :: Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    )
    assert matrix["python"] == supported == ["3.10", "3.11", "3.12", "3.13"]
    assert _commands(TESTS["tests"]) == ["python dev.py test", "python dev.py check"]


def test_the_real_container_is_tested() -> None:
    steps = [step for step in TESTS["container"]["steps"] if "tests/container" in step.get("run", "")]
    (step,) = steps
    assert step["env"] == {"CONTAINER_TESTS": "real"}


def test_every_locked_file_is_audited() -> None:
    audited = re.findall(r"--requirement (\S+)", "\n".join(_commands(TESTS["audit"])))
    locked = {file.name for file in ROOT.glob("requirements-*.txt")}
    assert set(audited) == locked


def test_the_release_builds_the_wheel_and_tries_it() -> None:
    release = read_yaml(".github/workflows/release.yml")
    assert release["on"]["push"]["tags"] == ["v*"]
    commands = "\n".join(_commands(release["jobs"]["wheel"]))
    assert "build" in commands
    assert '/pip" install dist/*.whl' in commands
    assert '/pytest" "$RUNNER_TEMP/app"' in commands  # the new app's own test, which runs an orchestration
    assert release["jobs"]["release"]["needs"] == "wheel"


def test_the_wheel_holds_the_package_and_nothing_else(tmp_path: Path) -> None:
    """As the release builds it, but without asking a registry for the builder, which is here."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=100)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {
        "embedded_host",
        "azure_functions_embedded_host",
    }
    for kind in ("py.typed", ".sql", ".html", ".css", ".js", "function.json"):
        assert any(name.endswith(kind) for name in names), kind
