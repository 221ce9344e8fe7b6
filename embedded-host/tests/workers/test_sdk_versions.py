"""The versions of the SDK that the worker supports."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_host.workers.sdk_versions import (
    OLDEST_PYTHON,
    SDK_VERSIONS,
    VersionRange,
    unsupported_versions,
)
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
        ("2", "supported"),
        ("2.0.0rc3", "supported"),
        ("3.0.0b1", "too new"),
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
    assert DURABLE.specifier == ">=1.1.6,<3"


def test_host_and_worker_have_the_same_oldest_python() -> None:
    assert OLDEST_PYTHON == OLDEST_PYTHON_OF_THE_WORKER


def test_the_package_requires_supported_versions() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    functions, durable = SDK_VERSIONS["azure-functions"], SDK_VERSIONS["azure-functions-durable"]
    assert f'"azure-functions{functions.specifier}"' in text
    assert f'"azure-functions-durable{durable.specifier}"' in text


def texts(functions: str, durable: str, python: str = "3.13.1") -> list[tuple[str, str]]:
    installed = {"azure-functions": functions, "azure-functions-durable": durable}
    return [(p.text, p.requirement) for p in unsupported_versions(installed, python)]


@pytest.mark.parametrize(
    ("functions", "durable", "python"),
    [
        ("1.26.0", "1.7.0", "3.9.2"),
        ("2.4.0b1", "2.0.0rc3", "3.13.1"),
        ("2.3.0b2", "2.0.0b2", "3.14.0"),
        ("2.3.0", "2.0.0b10", "3.13.0"),
        ("2.3.0", "2.1.0.dev3", "3.13.0"),
        ("2.3.0", "2.0.0", ""),
        ("", "2.0.0", "3.13.0"),
        ("1.26.0", "", "3.13.0"),
    ],
)
def test_supported_combinations(functions: str, durable: str, python: str) -> None:
    assert texts(functions, durable, python) == []


@pytest.mark.parametrize("version", ["2.0.0b1", "2.0.0a3", "2.0.0.dev3", "2.0b1", "2.0.0b"])
def test_early_versions_of_durable_2_are_refused(version: str) -> None:
    assert texts("2.3.0", version) == [
        (
            f"azure-functions-durable {version} is too old",
            "azure-functions-durable>=2.0.0b2,<3",
        )
    ]


@pytest.mark.parametrize("version", ["2.0.0", "2.0.0b1"])
def test_durable_2_needs_a_new_python(version: str) -> None:
    assert texts("1.26.0", version, "3.12.4") == [
        (
            f"azure-functions-durable {version} needs Python 3.13 or newer and not Python 3.12.4",
            "azure-functions-durable>=1.1.6,<2",
        )
    ]


def test_durable_2_needs_a_new_version_of_azure_functions() -> None:
    assert texts("1.26.0", "2.0.0") == [
        (
            "azure-functions 1.26.0 is too old for azure-functions-durable 2.0.0",
            "azure-functions>=2.3,<3",
        )
    ]
