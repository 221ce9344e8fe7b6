"""Comparisons of version specifiers."""

from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet

from embedded_host.workers.version_sets import (
    exact_version,
    have_common_version,
    specifier_text,
)


@pytest.mark.parametrize(
    ("first", "second", "common"),
    [
        ("", "", True),
        ("==3.8.3", ">=3.9", False),
        ("==3.9", ">=3.9", True),
        ("<1.5", ">=1.5,<2", False),
        ("<=1.5", ">=1.5,<2", True),
        (">1.5", "<=1.5", False),
        (">1.5", "<1.6", True),
        ("<2", "", True),
        ("<2", "<1", True),
        ("~=1.2.4", ">=1.3", False),
        ("~=1.2", ">=1.3", True),
        ("==1.2.*", ">=1.2.8", True),
        ("==1.2.*", ">=1.3", False),
        ("==2.0.0b1", ">=1.1.6,<2", False),
        ("==2.4.0b1", ">=1.12,<3", True),
        (">=2", ">=1.21,<2", False),
        (">=1.21,!=1.21", "<1.22", True),
        ("===local-build", ">=1", False),
    ],
)
def test_common_versions(first: str, second: str, common: bool) -> None:
    assert have_common_version(SpecifierSet(first), SpecifierSet(second)) is common
    assert have_common_version(SpecifierSet(second), SpecifierSet(first)) is common


@pytest.mark.parametrize(
    ("specifier", "version"),
    [("==3.8.3", "3.8.3"), (">=3.8", None), ("==3.8.*", None), ("", None), ("===1.0", "1.0")],
)
def test_the_exact_version_of_a_pin(specifier: str, version: str | None) -> None:
    assert exact_version(SpecifierSet(specifier)) == version


def test_the_lower_bound_is_first() -> None:
    assert specifier_text(SpecifierSet("<2,>=1.21")) == ">=1.21,<2"
