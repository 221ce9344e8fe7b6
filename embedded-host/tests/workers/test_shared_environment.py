"""Conflicts between the packages of the app and the requirements of the host."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import metadata

import pytest

from embedded_host.workers import shared_environment
from embedded_host.workers.shared_environment import PackageConflictError, check_packages

INSTALLED = {"aiohttp": "3.8.3", "azure-functions": "2.4.0b1", "rich": "14.0"}


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """Forget the conflicts, which are read once in a process."""
    shared_environment._conflicts.cache_clear()
    yield
    shared_environment._conflicts.cache_clear()


@pytest.fixture
def require(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    def version(name: str) -> str:
        if name not in INSTALLED:
            raise metadata.PackageNotFoundError(name)
        return INSTALLED[name]

    monkeypatch.setattr(metadata, "version", version)
    return monkeypatch


def requirements(patch: pytest.MonkeyPatch, *texts: str) -> None:
    patch.setattr(metadata, "requires", lambda name: [*texts])


def test_the_environment_of_these_tests_has_no_conflicts() -> None:
    check_packages("the test kit")


def test_matching_versions_pre_releases_and_other_platforms_are_no_conflict(
    require: pytest.MonkeyPatch,
) -> None:
    requirements(
        require,
        "azure-functions<3,>=1.12",
        "gone>=1; sys_platform == 'amiga'",
        "mypy; extra == 'dev'",
        "rich",
    )
    check_packages("the test kit")


def test_a_conflict_is_reported_with_both_versions_and_the_command_that_solves_it(
    require: pytest.MonkeyPatch,
) -> None:
    requirements(require, "aiohttp<4,>=3.9", "msgspec>=0.21")
    with pytest.raises(PackageConflictError) as error:
        check_packages("the test kit")
    assert str(error.value) == (
        "The test kit needs aiohttp>=3.9,<4, but 3.8.3 is installed; the test kit needs "
        "msgspec>=0.21, but it is not installed. Change the pinned versions in requirements.txt, "
        f'and run `{sys.executable} -m pip install "aiohttp>=3.9,<4" "msgspec>=0.21"`. Or run the '
        "app with `embedded-host start`, which needs no packages in the app's environment. [EH233]"
    )


def test_a_source_that_is_not_installed_has_no_requirements(
    require: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    require.setattr(metadata, "requires", missing)
    check_packages("the test kit")
