"""Versions are compared as DurableTask.Core does."""

from __future__ import annotations

import pytest

from embedded_host.app.definitions import HostJson
from embedded_host.parity.findings import Findings
from embedded_host.parity.versions import add_version_finding, is_newer
from tests.parity.kit import codes


@pytest.mark.parametrize(
    ("version", "other", "expected"),
    [
        ("1.2", None, True),  # recorded: the instance stays Pending
        ("1.2", "", True),
        ("1.10", "1.9", True),
        ("1.9", "1.10", False),
        ("1.2", "1.2", False),
        ("1.2.0", "1.2", True),
        ("b", "A", True),
        ("A", "b", False),
        ("10", "9", False),  # a single number is compared as text
        (None, "1.0", False),
        (None, None, False),
        (" ", None, False),
    ],
)
def test_the_newer_version(version: str | None, other: str | None, expected: bool) -> None:
    assert is_newer(version, other) is expected


@pytest.mark.parametrize(
    ("strategy", "expected"), [("CurrentOrOlder", ["EH806"]), ("Strict", ["EH806"]), ("None", [])]
)
def test_the_strategy_none_runs_every_version(strategy: str, expected: list[str]) -> None:
    findings = Findings(HostJson(default_version="1.0", version_match_strategy=strategy))
    for version in (None, "", "1.0", "0.9"):
        add_version_finding(findings, "Old", version)
    add_version_finding(findings, "New", "1.1")
    assert codes(findings) == [(code, "New") for code in expected]
