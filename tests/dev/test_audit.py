"""``.ci/audit``: what CI makes of pip-audit's answers; and that what the containers install is pinned with hashes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
FILES = ("requirements-container.txt", "requirements-embedded.txt", "requirements-dev.txt")


@pytest.mark.skipif(sys.platform != "linux", reason="CI's scripts are for Linux: macOS has no `timeout`")
@pytest.mark.parametrize(
    ("said", "status", "code", "shown"),
    [
        ("No known vulnerabilities found", 0, 0, "No known vulnerabilities found"),
        ("Found 2 known vulnerabilities in 1 package", 1, 1, "FAILED: Found 2 known vulnerabilities in 1 package"),
        ("Found 1 known vulnerability in 1 package", 1, 1, "FAILED: Found 1 known vulnerability in 1 package"),
        ("ERROR: the service cannot be reached", 1, 0, "DID NOT RUN: no advisories could be had: ERROR: the service"),
        ("", 139, 0, "DID NOT RUN"),
    ],
)
def test_what_ci_makes_of_an_audit(tmp_path: Path, said: str, status: int, code: int, shown: str) -> None:
    audit = tmp_path / "pip-audit"
    audit.write_text(f"#!/bin/sh\necho \"$@\" >> '{tmp_path}/asked'\necho '{said}' >&2\nexit {status}\n")
    audit.chmod(0o755)
    done = subprocess.run(
        ["bash", PROJECT / ".ci" / "audit"], capture_output=True, text=True, env={**os.environ, "PIP_AUDIT": str(audit)}
    )
    assert done.returncode == code, done
    for file in FILES:
        assert f"audit: {file}: {shown}" in done.stdout
    asked = (tmp_path / "asked").read_text()
    assert re.findall(r"--requirement (\S+)", asked) == list(FILES)


@pytest.mark.parametrize("name", FILES[:2])
def test_what_the_containers_install_has_hashes(name: str) -> None:
    text = (PROJECT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    pins = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert len(pins) > 5
    assert not [pin for pin in pins if not re.match(r"[\w.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", pin)]
