"""Checks of packages that exclude each other."""

from __future__ import annotations

from packaging.specifiers import SpecifierSet

from embedded_host.doctor.conflict_checks import check_conflicts, check_test_kit
from tests.doctor.environments import environment, requirements

NEEDS = (
    "aiohttp>=3.9",
    "azure-functions<2,>=1.21",
    'uvloop>=0.21; sys_platform == "darwin"',
    "pytest>=8.3; extra == 'dev'",
)
PYTHON = SpecifierSet(">=3.10,<3.16")


def test_unmet_requirements_of_installed_packages_are_warnings() -> None:
    app = environment(
        ("Jinja2", "3.0.3", ("MarkupSafe>=2.1",)),
        ("markupsafe", "2.0.1"),
        ("requests", "2.31.0", ("idna<4,>=2.5", 'PySocks; extra == "socks"')),
        ("old", "1.0", ("six (>=1.0", "certifi", 'wincertstore; sys_platform == "win32"')),
        ("certifi", "2024.1"),
    )
    findings = list(check_conflicts(app))
    assert [(finding.severity, finding.code) for finding in findings] == [("warning", "EH708")] * 2
    assert [finding.text for finding in findings] == [
        "Jinja2 3.0.3 requires MarkupSafe>=2.1, but 2.0.1 is installed.",
        "requests 2.31.0 requires idna>=2.5,<4, which is not installed.",
    ]


def test_a_pin_that_excludes_the_test_kit_is_a_warning_at_its_line() -> None:
    lines = requirements("requests", "aiohttp==3.8.3", "azure-functions>=2", "uvloop==0.1")
    findings = list(check_test_kit(lines, environment(), NEEDS, PYTHON))
    assert [(finding.code, finding.place) for finding in findings] == [
        ("EH709", "requirements.txt:2"),
        ("EH709", "requirements.txt:3"),
    ]
    assert findings[0].text == (
        "The app pins aiohttp 3.8.3, but the test kit and --in-process need aiohttp>=3.9."
    )
    assert findings[1].text.startswith("The app requires azure-functions>=2, but ")


def test_requirements_that_the_test_kit_shares_have_no_finding() -> None:
    lines = requirements("aiohttp>=3.8", "azure-functions==1.24.0", "pytest==7.0")
    assert list(check_test_kit(lines, environment(), NEEDS, PYTHON)) == []
    assert list(check_test_kit(lines, None, NEEDS, PYTHON)) == []


def test_a_requirement_that_the_worker_does_not_support_is_reported_elsewhere() -> None:
    lines = requirements("azure-functions==1.0")
    assert list(check_test_kit(lines, environment(), NEEDS, PYTHON)) == []


def test_a_python_version_without_the_test_kit_is_a_warning() -> None:
    (finding,) = check_test_kit(requirements(), environment(python=(3, 9, 18)), NEEDS, PYTHON)
    assert (finding.severity, finding.code) == ("warning", "EH709")
    assert "The app has Python 3.9.18" in finding.text
    assert "Python >=3.10,<3.16" in finding.text
