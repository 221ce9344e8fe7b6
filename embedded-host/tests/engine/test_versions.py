"""Versions are compared as DurableTask.Core does."""

from __future__ import annotations

import pytest

from embedded_host.engine.versions import VersionRule, is_newer


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
    ("strategy", "refused"),
    [("CurrentOrOlder", ["1.1"]), ("strict", [None, "", "0.9", "1.1"]), ("None", [])],
)
def test_the_strategy_selects_the_versions(strategy: str, refused: list[str | None]) -> None:
    rule = VersionRule("1.0", strategy)
    assert [v for v in (None, "", "1.0", "0.9", "1.1") if rule.refuses(v)] == refused


def test_strict_without_a_default_version_runs_only_instances_without_a_version() -> None:
    rule = VersionRule(None, "Strict")
    assert [v for v in (None, "", "1.0") if rule.refuses(v)] == ["1.0"]
