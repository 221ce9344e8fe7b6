"""Findings: their place, their JSON, and their conversion from problems and errors."""

from __future__ import annotations

import pytest

from embedded_host.app.definitions import Problem
from embedded_host.doctor.finding import Finding, finding_of, finding_of_error
from embedded_host.store.interface import StateError


@pytest.mark.parametrize(
    ("file", "line", "place"),
    [(None, None, ""), ("host.json", None, "host.json"), ("host.json", 3, "host.json:3")],
)
def test_the_place_is_the_file_with_the_line(
    file: str | None, line: int | None, place: str
) -> None:
    assert Finding("error", "It is so.", "Change it.", "EH120", file, line).place == place


def test_the_document_has_every_part() -> None:
    assert Finding("warning", "It is so.", "Change it.", "EH120", "host.json", 3).document() == {
        "severity": "warning",
        "code": "EH120",
        "text": "It is so.",
        "fix": "Change it.",
        "file": "host.json",
        "line": 3,
    }


@pytest.mark.parametrize(
    ("location", "file", "line"),
    [
        ("host.json:4:7", "host.json", 4),
        ("Hello/function.json:12:1", "Hello/function.json", 12),
        ("local.settings.json", "local.settings.json", None),
        ("C:\\apps\\shop", "C:\\apps\\shop", None),
    ],
)
def test_a_problem_keeps_its_file_and_line(location: str, file: str, line: int | None) -> None:
    finding = finding_of(Problem(location, "It is so.", "Change it.", code="EH120"))
    assert finding == Finding("warning", "It is so.", "Change it.", "EH120", file, line)


@pytest.mark.parametrize("problem", [{"fatal": True}, {"function": "Hello"}])
def test_a_problem_that_stops_the_app_or_a_function_is_an_error(problem: dict[str, object]) -> None:
    found = finding_of(Problem("host.json", "It is so.", code="EH120", **problem))  # type: ignore[arg-type]
    assert found.severity == "error"


def test_the_code_of_an_error_is_taken_from_its_message() -> None:
    error = StateError("It is so. See [EH211] first. [EH220]")
    assert finding_of_error(error) == Finding(
        "error", "It is so. See [EH211] first.", "", "EH220", None, None
    )


def test_an_error_without_a_code_has_the_code_of_an_internal_error() -> None:
    assert finding_of_error(OSError("no"), "warning") == Finding("warning", "no", "", "EH205")
