"""The versions of the SDK that the worker supports."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_host.workers.sdk_versions import OLDEST_PYTHON, SDK_VERSIONS, VersionRange
from embedded_worker.__main__ import OLDEST_PYTHON as OLDEST_PYTHON_OF_THE_WORKER

DURABLE = SDK_VERSIONS["azure-functions-durable"]


def state(versions: VersionRange, version: str) -> str:
    if versions.is_too_old(version):
        return "too old"
    return "too new" if versions.is_too_new(version) else "supported"


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.1.5", "too old"),
        ("1.1.6", "supported"),
        ("1.1.6+local.1", "supported"),
        ("1.7.0", "supported"),
        ("1.10", "supported"),
        ("1.999", "supported"),
        ("0!1.7.0", "supported"),
        ("2", "too new"),
        ("2.0.0b1", "too new"),
        ("2.0.0.dev3", "too new"),
        ("10.0", "too new"),
        ("1.0", "too old"),
        ("unknown", "too old"),
    ],
)
def test_versions_of_the_durable_sdk(version: str, expected: str) -> None:
    assert state(DURABLE, version) == expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.11.3b1", "too old"),
        ("1.12.0", "supported"),
        ("1.26.0", "supported"),
        ("2.3.0", "supported"),
        ("2.4.0b1", "supported"),
        ("3.0.0", "too new"),
    ],
)
def test_versions_of_azure_functions(version: str, expected: str) -> None:
    assert state(SDK_VERSIONS["azure-functions"], version) == expected


def test_the_specifier_has_the_format_of_requirements_txt() -> None:
    assert DURABLE.specifier == ">=1.1.6,<2"


def test_host_and_worker_have_the_same_oldest_python() -> None:
    assert OLDEST_PYTHON == OLDEST_PYTHON_OF_THE_WORKER


def test_the_package_requires_the_same_versions() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    for name, versions in SDK_VERSIONS.items():
        assert f'"{name}{versions.specifier}"' in text
