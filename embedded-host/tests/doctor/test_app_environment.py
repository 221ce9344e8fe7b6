"""The environment that an interpreter prints."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from embedded_host.doctor.app_environment import (
    AppEnvironmentError,
    parse_environment,
    read_environment,
)
from embedded_host.workers.app_interpreter import AppInterpreter, host_interpreter

PRINTED = (
    b'{"version": [3, 9, 18], "free_threaded": true, "markers": {"python_version": "3.9"}, '
    b'"packages": [["Azure_Functions", "1.12.0", ["six>=1"]], ["azure-functions", "1.0", []]]}'
)


def test_names_are_normalized_and_the_first_of_two_packages_is_the_imported_one() -> None:
    environment = parse_environment(PRINTED)
    assert (environment.python, environment.minor) == ("3.9.18", (3, 9))
    assert environment.installed("azure-functions") == "1.12.0"
    assert environment.packages["azure-functions"].requires == ["six>=1"]
    assert environment.installed("requests") is None
    assert environment.markers == {"python_version": "3.9"}
    assert environment.is_free_threaded


def test_lines_of_sitecustomize_are_skipped() -> None:
    assert parse_environment(b"hello\n\n" + PRINTED + b"\n").python == "3.9.18"


@pytest.mark.parametrize("output", [b"", b"hello", b'{"version": [3]}'])
def test_other_output_is_an_error(output: bytes) -> None:
    with pytest.raises(AppEnvironmentError, match="it is not a Python interpreter"):
        parse_environment(output)


@pytest.mark.process
def test_the_environment_of_this_interpreter(tmp_path: Path) -> None:
    # An app may have a module with the name of one of the standard library.
    (tmp_path / "json.py").write_text("raise SystemExit('the app is imported')", encoding="utf-8")
    environment = read_environment(host_interpreter(), os.environ, tmp_path)
    assert environment.version == sys.version_info[:3]
    assert environment.installed("azure-functions") == version("azure-functions")
    assert environment.markers["sys_platform"] == sys.platform
    assert environment.markers["python_version"] == "{}.{}".format(*sys.version_info)


@pytest.mark.process
def test_packages_of_python_packages_are_found(tmp_path: Path) -> None:
    info = tmp_path / "packages" / "shop-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: shop\nVersion: 1.0\n", encoding="utf-8")
    interpreter = AppInterpreter(sys.executable, "test", True, str(info.parent))
    assert read_environment(interpreter, os.environ, tmp_path).installed("shop") == "1.0"


@pytest.mark.process
def test_an_interpreter_that_does_not_run_is_an_error(tmp_path: Path) -> None:
    missing = AppInterpreter(str(tmp_path / "python"), "test")
    with pytest.raises(AppEnvironmentError):
        read_environment(missing, os.environ, tmp_path)
    with pytest.raises(AppEnvironmentError, match="No module named 'encodings'"):
        read_environment(host_interpreter(), {**os.environ, "PYTHONHOME": str(tmp_path)}, tmp_path)
