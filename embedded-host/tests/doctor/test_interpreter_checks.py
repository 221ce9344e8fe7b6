"""Checks of the interpreter and its Python version."""

from __future__ import annotations

from datetime import date

import pytest

from embedded_host.doctor.app_environment import AppEnvironmentError
from embedded_host.doctor.finding import Finding
from embedded_host.doctor.interpreter_checks import (
    check_python,
    check_selection,
    unusable_interpreter,
)
from embedded_host.workers.app_interpreter import AppInterpreter
from tests.doctor.environments import environment

TODAY = date(2026, 12, 1)


def check(*python: int, today: date = TODAY, free_threaded: bool = False) -> list[Finding]:
    version = (python[0], python[1], 4)
    return list(check_python(environment(python=version, free_threaded=free_threaded), today))


@pytest.mark.parametrize("minor", [11, 12, 13])
def test_a_version_of_the_worker_and_of_azure_has_no_finding(minor: int) -> None:
    assert check(3, minor) == []


@pytest.mark.parametrize(
    ("minor", "severities", "text"),
    [
        (8, ["error", "warning"], "it needs Python 3.9 to 3.15"),
        (9, ["warning"], "Azure Functions has retired Python 3.9."),
        (14, ["warning"], "Python 3.14 as a preview only"),
        (15, ["warning"], "Azure Functions does not have Python 3.15."),
        (16, ["warning", "warning"], "tested with Python 3.9 to 3.15"),
    ],
)
def test_another_version(minor: int, severities: list[str], text: str) -> None:
    findings = check(3, minor)
    assert [finding.severity for finding in findings] == severities
    assert text in " ".join(finding.text for finding in findings)
    assert {finding.code for finding in findings} <= {"EH231", "EH701", "EH702"}


def test_azure_retires_a_version_after_the_last_day_of_its_support() -> None:
    assert check(3, 10, today=date(2026, 10, 31)) == []
    (finding,) = check(3, 10, today=date(2026, 11, 1))
    assert (finding.severity, finding.code) == ("warning", "EH702")
    assert "since 2026-10-31" in finding.text


def test_a_free_threaded_build_is_not_on_azure() -> None:
    (finding,) = check(3, 13, free_threaded=True)
    assert (finding.severity, finding.code) == ("warning", "EH702")


def test_a_skipped_environment_is_a_warning() -> None:
    selected = AppInterpreter("/usr/bin/python", "the reason", unusable=(".venv has no python",))
    (finding,) = check_selection(selected)
    assert (finding.severity, finding.code) == ("warning", "EH700")
    assert ".venv has no python, so the app runs with /usr/bin/python" in finding.text
    assert list(check_selection(AppInterpreter("/usr/bin/python", "the reason"))) == []


def test_an_interpreter_that_does_not_run_is_an_error() -> None:
    finding = unusable_interpreter(AppInterpreter("/gone", "--python"), AppEnvironmentError("no"))
    assert (finding.severity, finding.code) == ("error", "EH231")
    assert "/gone (--python) does not run: no." in finding.text
