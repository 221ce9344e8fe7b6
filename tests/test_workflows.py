"""Tests of .github/workflows against GitHub's schema."""

from __future__ import annotations

import os
import re
import shutil
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


def test_each_host_runs_apps_with_every_pair_of_sdk_versions() -> None:
    text = (ROOT / ".ci" / "matrix.py").read_text(encoding="utf-8")
    pairs = re.findall(r'^    \("(3\.\d+)", "[\d.b]+", "[\d.]+(?:rc\d+)?"\),$', text, re.MULTILINE)
    job = JOBS["sdk"]
    assert job["strategy"]["matrix"]["python"] == JOBS["tests"]["strategy"]["matrix"]["python"]
    (versions,) = (
        step["with"]["python-version"] for step in job["steps"] if "setup-python" in str(step)
    )
    interpreters = list(dict.fromkeys(pairs))
    assert versions.split()[: len(interpreters)] == interpreters
    assert commands(job)[-1] == f".venv-dev/bin/python .ci/matrix.py --require {len(pairs)}"


def test_the_wheel_is_tested_with_every_supported_python_before_it_is_published() -> None:
    jobs = read("release.yml")["jobs"]
    assert jobs["test"]["strategy"]["matrix"] == JOBS["tests"]["strategy"]["matrix"]
    order = [jobs[name].get("needs") for name in ("build", "test", "publish", "release")]
    assert order == [None, "build", "test", "publish"]
    assert ".ci/build dist" in commands(jobs["build"])
    assert ".ci/build" in commands(JOBS["package"])


def test_only_the_job_that_publishes_can_prove_its_identity_to_pypi() -> None:
    jobs = read("release.yml")["jobs"]
    permissions = {name: job["permissions"] for name, job in jobs.items() if "permissions" in job}
    assert permissions == {"publish": {"id-token": "write"}, "release": {"contents": "write"}}
    assert jobs["publish"]["environment"] == "pypi"
    actions = [step.get("uses", "") for step in jobs["publish"]["steps"]]
    assert actions[-1].startswith("pypa/gh-action-pypi-publish@")
    assert jobs["publish"]["if"] == "github.ref_type == 'tag'"


VERSION = 'Run apps."""\n\n__version__ = "1.2.0"\n'
RELEASED = (
    "# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-12-01\n\n- New.\n\n## [1.1.0] - 2026-\n"
)


@pytest.mark.skipif(shutil.which("bash") is None or os.name == "nt", reason="runs a step with bash")
@pytest.mark.parametrize(
    ("tag", "changelog", "notes"),
    [
        ("v1.2.0", RELEASED, "\n- New.\n\n"),
        ("v1.2.1", RELEASED, None),
        ("v1.2.0", RELEASED.replace("- New.", ""), None),
        ("v1.2.0", RELEASED.replace("## [1.2.0] - 2026-12-01", ""), None),
    ],
    ids=["released", "another version", "without a change", "not in the changelog"],
)
def test_the_tag_the_version_and_the_changelog_agree(
    tag: str, changelog: str, notes: str | None, tmp_path: Path
) -> None:
    host = tmp_path / "embedded-host"
    (host / "src" / "embedded_host").mkdir(parents=True)
    (host / "src" / "embedded_host" / "__init__.py").write_text(VERSION)
    (host / "CHANGELOG.md").write_text(changelog)
    step = read("release.yml")["jobs"]["build"]["steps"][2]
    done = subprocess.run(
        ["bash", "-e", "-c", step["run"]], cwd=tmp_path, env={**os.environ, "GITHUB_REF_NAME": tag}
    )
    assert (done.returncode == 0) == (notes is not None)
    if notes is not None:
        assert (tmp_path / "dist" / "notes.md").read_text() == notes


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
