"""Tests of the reports and exit codes of ``.ci/audit``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
FILES = (
    "deploy/requirements-container.txt",
    "deploy/requirements-embedded.txt",
    "embedded-host/requirements-dev.txt",
    "embedded-host/requirements-docs.txt",
)


@pytest.mark.skipif(
    sys.platform != "linux", reason="CI's scripts are for Linux: macOS has no `timeout`"
)
@pytest.mark.parametrize(
    ("expected", "status", "code", "shown"),
    [
        ("No known vulnerabilities found", 0, 0, "No known vulnerabilities found"),
        (
            "Found 2 known vulnerabilities in 1 package",
            1,
            1,
            "FAILED: Found 2 known vulnerabilities in 1 package",
        ),
        (
            "Found 1 known vulnerability in 1 package",
            1,
            1,
            "FAILED: Found 1 known vulnerability in 1 package",
        ),
        (
            "ERROR: the service cannot be reached",
            1,
            0,
            "DID NOT RUN: pip-audit could not check the packages: ERROR: the service",
        ),
        ("", 139, 0, "DID NOT RUN"),
    ],
)
def test_only_a_known_vulnerability_is_a_failure(
    tmp_path: Path, expected: str, status: int, code: int, shown: str
) -> None:
    audit = tmp_path / "pip-audit"
    audit.write_text(
        f"#!/bin/sh\necho \"$@\" >> '{tmp_path}/requested'\necho '{expected}' >&2\nexit {status}\n"
    )
    audit.chmod(0o755)
    done = subprocess.run(
        ["bash", PROJECT / ".ci" / "audit"],
        capture_output=True,
        text=True,
        env={**os.environ, "PIP_AUDIT": str(audit)},
    )
    assert done.returncode == code, done
    for file in FILES:
        assert f"audit: {file}: {shown}" in done.stdout
    requested = (tmp_path / "requested").read_text()
    assert re.findall(r"--requirement (\S+)", requested) == list(FILES)
