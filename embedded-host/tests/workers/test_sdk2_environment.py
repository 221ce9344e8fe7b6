"""The environment of an app for SDK 2.x."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_host.workers import sdk2_environment
from embedded_host.workers.app_interpreter import EXECUTABLE_SETTING, HOST_REASON, AppInterpreter
from embedded_host.workers.sdk2_environment import (
    app_packages_command,
    environment_command,
    find_python,
    new_environment,
    requires_sdk_2,
)


@pytest.fixture(autouse=True)
def _no_cached_python() -> Iterator[None]:
    find_python.cache_clear()
    yield
    find_python.cache_clear()


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["azure-functions-durable>=2.0.0rc3"], True),
        (["azure-functions", "Azure_Functions.Durable == 2.0.0rc3  # beta"], True),
        (["azure-functions-durable~=2.0 --hash=sha256:0"], True),
        (["azure-functions-durable"], False),
        (["azure-functions-durable>=1.5,<2"], False),
        (["azure-functions-durable>=1.5"], False),
        (["azure-functions-durable-extras>=2"], False),
        (["azure-functions-durable @ https://example.com/durable-2.whl"], False),
        (["azure-functions-durable=2"], False),
        (["# azure-functions-durable>=2"], False),
        (["azure-functions-durable>=2; python_version>='3.13'"], True),
        (
            [
                "azure-functions-durable>=2; python_version>='3.13'",
                "azure-functions-durable<2; python_version<'3.13'",
            ],
            False,
        ),
        (["azure-functions-durable<2; python_version>='3.13'"], False),
    ],
)
def test_the_lines_of_requirements_decide(
    tmp_path: Path, lines: list[str], *, expected: bool
) -> None:
    (tmp_path / "requirements.txt").write_text("\n".join(lines), encoding="utf-8")
    assert requires_sdk_2(tmp_path, "3.11.7") is expected
    assert not requires_sdk_2(tmp_path, "3.13.0")
    assert not requires_sdk_2(tmp_path, "")


def test_an_app_without_requirements_does_not_need_sdk_2(tmp_path: Path) -> None:
    assert not requires_sdk_2(tmp_path, "3.11.7")


def test_the_command_replaces_an_environment_and_installs_the_app_s_packages(
    tmp_path: Path,
) -> None:
    assert environment_command(tmp_path, "python3.13", windows=False) == (
        "python3.13 -m venv .venv && .venv/bin/python -m pip install "
        '"azure-functions>=2.3.0b2" "azure-functions-durable>=2.0.0rc3"'
    )
    (tmp_path / "requirements.txt").touch()
    (tmp_path / ".venv").mkdir()
    assert environment_command(tmp_path, "C:\\my python\\python.exe", windows=True) == (
        '"C:\\my python\\python.exe" -m venv --clear .venv && '
        ".venv\\Scripts\\python.exe -m pip install -r requirements.txt"
    )


@pytest.mark.parametrize(
    ("reason", "other"),
    [
        (HOST_REASON, ""),
        (".venv in the app folder", ""),
        ("--python", ", and remove --python"),
        (EXECUTABLE_SETTING, f", and remove {EXECUTABLE_SETTING}"),
        ("the active environment, VIRTUAL_ENV", ", and deactivate the active environment"),
    ],
)
def test_the_instruction_names_a_python_or_reports_that_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str, other: str
) -> None:
    app = AppInterpreter("/usr/bin/python", reason, root=tmp_path)
    (tmp_path / "requirements.txt").touch()
    command = "-m venv .venv && .venv/bin/python -m pip install -r requirements.txt"
    monkeypatch.setattr(sdk2_environment, "find_python", lambda **_: "/new/python3.14")
    assert new_environment(app, windows=False) == (
        f"run `/new/python3.14 {command}` in the app folder{other}"
    )
    monkeypatch.setattr(sdk2_environment, "find_python", lambda **_: None)
    assert new_environment(app, windows=False) == (
        "install Python 3.13, which was not found on this machine, and "
        f"run `python3.13 {command}` in the app folder{other}"
    )


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="the programs are shell scripts")
def test_a_python_of_pyenv_is_found_if_the_command_in_path_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "shims"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert find_python() is None
    find_python.cache_clear()
    script(tmp_path / "shims" / "python3.13", "exit 127")
    script(tmp_path / "versions" / "3.14.1" / "bin" / "python", "echo /found/3.14")
    assert find_python() == "/found/3.14"
    find_python.cache_clear()
    script(tmp_path / "versions" / "3.13.2" / "bin" / "python", "echo /found/3.13")
    assert find_python() == "/found/3.13"


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="the programs are shell scripts")
def test_an_interpreter_of_another_version_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    python = Path(sys.executable).resolve()
    (tmp_path / "python3.13").symlink_to(python)
    own = sys.version_info[:2] == (3, 13)
    assert (find_python() is not None) is own


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="the programs are shell scripts")
def test_the_launcher_of_windows_is_a_candidate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    script(tmp_path / "py", '[ "$1" = -3.14 ] && echo "C:\\\\python.exe"')
    assert shutil.which("py")
    assert find_python(windows=False) is None
    assert find_python(windows=True) == "C:\\python.exe"


def test_the_packages_of_an_app_are_installed_in_its_environment_or_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sdk2_environment, "find_python", lambda: None)
    app = AppInterpreter("/app/python", ".venv in the app folder", root=tmp_path)
    for python, code, own in (
        ("3.11.7", False, True),
        ("3.11.7", True, False),
        ("3.13", True, True),
    ):
        command = app_packages_command(app, python, needs_sdk_2=code)
        assert command.startswith("/app/python -m pip " if own else "python3.13 -m venv "), python
    (tmp_path / "requirements.txt").write_text("azure-functions-durable>=2")
    command = app_packages_command(app, "3.11.7", needs_sdk_2=False)
    assert command.startswith("python3.13 -m venv ")
