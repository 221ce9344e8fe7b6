"""The command ``doctor``: its output and its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from embedded_host.cli import doctor
from embedded_host.doctor import examination
from embedded_host.doctor.examination import Examination
from embedded_host.doctor.finding import Finding
from embedded_host.workers.app_interpreter import AppInterpreter
from tests.cli.calling import call
from tests.doctor.environments import environment

ERROR = Finding("error", "It is so:\n  line 2", "Change it.", "EH120", "host.json", 3)
WARNING = Finding("warning", "It \x1b[31mmay be so.", "", "EH702")


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """Return the findings of the next call."""
    findings: list[Finding] = []

    def examine(root: Path, environ: dict[str, str], python: str | None) -> Examination:
        interpreter = AppInterpreter(python or "/app/.venv/bin/python", ".venv in the app folder")
        app = environment(("azure-functions", "1.26.0"))
        return Examination(root, interpreter, app, tuple(findings))

    monkeypatch.setattr(examination, "examine", examine)
    return findings


def test_without_a_finding_the_exit_code_is_0(found: list[Finding], tmp_path: Path) -> None:
    called = call("doctor", "--script-root", tmp_path)
    assert called.code == 0
    assert called.out.splitlines() == [
        f"App: {tmp_path}",
        "Python 3.11.7: /app/.venv/bin/python (.venv in the app folder)",
        "azure-functions 1.26.0, azure-functions-durable not installed",
        "",
        "0 errors, 0 warnings.",
    ]


def test_a_warning_does_not_change_the_exit_code(found: list[Finding], tmp_path: Path) -> None:
    found.append(WARNING)
    called = call("doctor", "--script-root", tmp_path)
    assert called.code == 0
    assert called.out.splitlines()[-3:] == [
        "warning  It \\x1b[31mmay be so. [EH702]",
        "",
        "0 errors, 1 warning.",
    ]


def test_an_error_has_its_place_its_fix_and_its_code(found: list[Finding], tmp_path: Path) -> None:
    found += [ERROR, WARNING]
    called = call("doctor", "--script-root", tmp_path)
    assert called.code == 1
    assert called.out.splitlines()[4:7] == [
        "error  host.json:3: It is so:",
        "      line 2",
        "    Fix: Change it. [EH120]",
    ]
    assert called.out.endswith("\n1 error, 1 warning.\n")


def test_the_document_has_the_findings(found: list[Finding], tmp_path: Path) -> None:
    found += [ERROR, WARNING]
    called = call("doctor", "--script-root", tmp_path, "--json", "--python", "/python")
    assert called.code == 1
    document = json.loads(called.out)
    assert document["findings"] == [ERROR.document(), WARNING.document()]
    assert (document["errors"], document["warnings"]) == (1, 1)
    assert document["interpreter"]["executable"] == "/python"


def test_the_severity_has_a_color_on_a_terminal(
    found: list[Finding], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found.append(WARNING)
    monkeypatch.setattr(doctor, "on_terminal", lambda: True)
    monkeypatch.setattr(click, "style", lambda text, fg, bold: f"<{fg}>{text}")
    assert "<yellow>warning  It" in call("doctor", "--script-root", tmp_path).out
