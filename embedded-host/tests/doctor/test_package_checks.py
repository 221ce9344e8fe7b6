"""Checks of the installed packages against requirements.txt and the worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_host.doctor.finding import Finding
from embedded_host.doctor.package_checks import (
    check_installed,
    check_listed,
    check_sdk,
    contains,
    install_fix,
)
from embedded_host.doctor.requirements_file import RequirementsFile
from embedded_host.doctor.supported_versions import SDK
from embedded_host.workers import sdk2_environment
from embedded_host.workers.app_interpreter import HOST_REASON, AppInterpreter
from tests.doctor.environments import environment, requirements

FUNCTIONS, DURABLE = ("azure-functions", "1.26.0"), ("azure-functions-durable", "1.7.0")
INSTALL = "Run `pip install`."
NO_LINES = RequirementsFile()
OWN = AppInterpreter("/app/.venv/bin/python", ".venv in the app folder")


def short(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(finding.severity, finding.code, finding.place) for finding in findings]


@pytest.mark.parametrize(
    ("functions", "durable"),
    [("1.12.0", "1.1.6"), ("1.17.0", "1.2.8"), ("2.3.0", "1.7.0"), ("2.4.0b1", "1.7.0")],
)
def test_supported_versions_have_no_finding(functions: str, durable: str) -> None:
    app = environment(("azure-functions", functions), ("azure-functions-durable", durable))
    assert list(check_sdk(OWN, app, NO_LINES, INSTALL)) == []


@pytest.mark.parametrize(
    ("name", "version", "needed"),
    [
        ("azure-functions", "1.11.2", "azure-functions>=1.12,<3"),
        ("azure-functions-durable", "1.1.5", "azure-functions-durable>=1.1.6,<3"),
        ("azure-functions-durable", "3.0.0", "azure-functions-durable>=1.1.6,<3"),
        ("azure-functions-durable", "not a version", "azure-functions-durable>=1.1.6,<3"),
    ],
)
def test_an_unsupported_version_is_an_error(name: str, version: str, needed: str) -> None:
    others = [package for package in (FUNCTIONS, DURABLE) if package[0] != name]
    (finding,) = check_sdk(OWN, environment((name, version), *others), NO_LINES, INSTALL)
    assert (finding.severity, finding.code) == ("error", "EH230")
    assert finding.text == (
        f"{name} {version} is installed, which the worker does not support: it needs {needed}."
    )


def test_durable_2_needs_a_new_version_of_azure_functions() -> None:
    app = environment(FUNCTIONS, ("azure-functions-durable", "2.0.0"), python=(3, 13, 1))
    (finding,) = check_sdk(OWN, app, NO_LINES, INSTALL)
    assert (finding.severity, finding.code) == ("error", "EH230")
    assert finding.text == "azure-functions 1.26.0 is too old for azure-functions-durable 2.0.0."
    assert finding.fix == 'Write "azure-functions>=2.3,<3" in requirements.txt, and install it.'


def test_an_unsupported_requirement_is_an_error_at_its_line_and_the_only_finding() -> None:
    lines = requirements("azure-functions", "azure-functions-durable==3.0.0b1")
    app = environment(FUNCTIONS, DURABLE)
    findings = [*check_sdk(OWN, app, lines, INSTALL), *check_installed(app, lines, INSTALL)]
    assert short(findings) == [("error", "EH230", "requirements.txt:2")]


def test_a_missing_sdk_is_an_error_with_the_command() -> None:
    lines = requirements("azure-functions-durable")
    app = environment(FUNCTIONS)
    findings = [*check_sdk(OWN, app, lines, INSTALL), *check_installed(app, lines, INSTALL)]
    assert short(findings) == [("error", "EH219", "requirements.txt:1")]
    assert findings[0].fix == INSTALL


def test_a_missing_package_is_an_error_and_another_version_a_warning() -> None:
    lines = requirements("requests==2.31.0", "idna", "tzdata; sys_platform == 'win32'", "yarl>=1")
    app = environment(("requests", "2.32.0"), ("yarl", "1.9.4"))
    findings = list(check_installed(app, lines, INSTALL))
    assert short(findings) == [
        ("warning", "EH705", "requirements.txt:1"),
        ("error", "EH706", "requirements.txt:2"),
    ]
    assert "requires requests==2.31.0, but 2.32.0 is installed" in findings[0].text


def test_azure_needs_the_durable_sdk_in_the_file() -> None:
    assert short(list(check_listed(RequirementsFile(exists=False)))) == [
        ("warning", "EH707", "requirements.txt")
    ]
    assert short(list(check_listed(requirements("azure-functions")))) == [
        ("warning", "EH707", "requirements.txt")
    ]
    assert list(check_listed(requirements("Azure_Functions.Durable>=1.2"))) == []
    assert list(check_listed(RequirementsFile(is_complete=False))) == []


def test_an_installed_prerelease_matches() -> None:
    assert contains(SDK["azure-functions"], "2.4.0b1")
    assert not contains(SDK["azure-functions"], "nonsense")


def test_an_app_without_an_environment_gets_one(tmp_path: Path) -> None:
    assert install_fix(OWN, tmp_path, "3.11.7").startswith(
        "Run `/app/.venv/bin/python -m pip install "
    )
    host = AppInterpreter("/host/bin/python", HOST_REASON, is_host=True)
    assert "python -m venv .venv" in install_fix(host, tmp_path, "3.11.7")
    assert ".venv/bin/python -m pip install" in install_fix(host, tmp_path, "3.11.7", windows=False)
    assert ".venv\\Scripts\\python -m pip install" in install_fix(
        host, tmp_path, "3.11.7", windows=True
    )


def test_an_app_for_sdk_2_gets_an_environment_with_a_newer_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sdk2_environment, "find_python", lambda **_: "/new/python3.13")
    (tmp_path / "requirements.txt").write_text("azure-functions-durable>=2.0.0rc3\n")
    host = AppInterpreter("/host/bin/python", HOST_REASON, is_host=True, root=tmp_path)
    assert install_fix(host, tmp_path, "3.11.7", windows=False) == (
        "requirements.txt requires azure-functions-durable 2.x, which needs Python 3.13 or newer "
        "and not Python 3.11.7. Run `/new/python3.13 -m venv .venv && .venv/bin/python -m pip "
        "install -r requirements.txt` in the app folder."
    )
    assert install_fix(OWN, tmp_path, "3.13.1").startswith("Run `/app/.venv/bin/python -m pip ")


def test_durable_2_in_an_old_python_has_two_fixes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdk2_environment, "find_python", lambda **_: "/new/python3.13")
    app = environment(("azure-functions", "2.3.0"), ("azure-functions-durable", "2.0.0"))
    (finding,) = check_sdk(OWN, app, NO_LINES, INSTALL)
    assert finding.code == "EH230"
    assert finding.fix.startswith("Run `/new/python3.13 -m venv ")
    assert finding.fix.endswith(
        '. Or write "azure-functions-durable>=1.1.6,<2" in requirements.txt, and install it.'
    )
