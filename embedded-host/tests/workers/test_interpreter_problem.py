"""The messages for an interpreter that cannot run a worker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from embedded_host.workers import sdk2_environment
from embedded_host.workers.app_interpreter import HOST_REASON, AppInterpreter
from embedded_host.workers.interpreter_problem import exit_problem, hello_problem
from embedded_host.workers.sdk2_environment import environment_command
from embedded_worker.__main__ import EXIT_OLD_PYTHON
from embedded_worker.protocol import (
    EXIT_BROKEN_SDK,
    EXIT_OTHER_PROTOCOL,
    EXIT_WITHOUT_SDK,
    PROTOCOL_VERSION,
    Hello,
)

PYTHON = AppInterpreter("/app/.venv/bin/python", ".venv in the app folder", root=Path("/app"))


def hello(azure_functions: str = "1.26.0", durable: str = "1.7.0") -> Hello:
    return Hello("event_loop", "", PROTOCOL_VERSION, "3.11.7", azure_functions, durable)


@pytest.mark.parametrize(
    "message", [hello(), hello("2.4.0b1", "1.7.0+local"), hello("1.12.0", "1.1.6"), hello("", "")]
)
def test_supported_and_unknown_versions_are_not_refused(message: Hello) -> None:
    assert hello_problem(PYTHON, message) is None


def test_an_old_sdk_is_refused_with_the_command_that_installs_a_supported_one() -> None:
    assert hello_problem(PYTHON, hello("1.11.2", "1.1.5")) == (
        "azure-functions 1.11.2 is too old and azure-functions-durable 1.1.5 is too old (in the "
        "app's environment): write azure-functions>=1.12,<3 and azure-functions-durable>=1.1.6,<3 "
        "in requirements.txt, and run `/app/.venv/bin/python -m pip install "
        '"azure-functions>=1.12,<3" "azure-functions-durable>=1.1.6,<3"` in the app folder. [EH230]'
    )


@pytest.fixture
def python_3_13(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the machine have a Python with which SDK 2.x can be installed."""
    monkeypatch.setattr(sdk2_environment, "find_python", lambda **_: "/new/python3.13")


@pytest.mark.usefixtures("python_3_13")
def test_durable_2_on_an_old_python_is_refused_with_the_commands_for_both_versions(
    tmp_path: Path,
) -> None:
    (tmp_path / "requirements.txt").touch()
    python = replace(PYTHON, root=tmp_path)
    command = environment_command(tmp_path, "/new/python3.13")
    assert hello_problem(python, hello("2.3.0", durable="2.0.0")) == (
        "azure-functions-durable 2.0.0 needs Python 3.13 or newer and not Python 3.11.7 (in the "
        f"app's environment): create an environment with Python 3.13: run `{command}` in the app "
        "folder. Or write azure-functions-durable>=1.1.6,<2 in requirements.txt, and run "
        '`/app/.venv/bin/python -m pip install "azure-functions-durable>=1.1.6,<2"` in the app '
        "folder. [EH230]"
    )


def test_a_worker_with_another_protocol_is_refused() -> None:
    problem = hello_problem(PYTHON, Hello("event_loop", version=PROTOCOL_VERSION + 1))
    assert problem is not None
    assert f"has version {PROTOCOL_VERSION + 1} of the worker protocol" in problem
    assert problem.endswith("reinstall the embedded host. [EH232]")
    assert exit_problem(PYTHON, EXIT_OTHER_PROTOCOL, None) == (
        "The worker refused this host, because embedded_worker and embedded_host come from "
        "different releases: reinstall the embedded host. [EH232]"
    )


@pytest.mark.parametrize(
    ("message", "missing"),
    [
        (hello(""), "azure-functions is"),
        (hello(durable=""), "azure-functions-durable is"),
        (hello("", ""), "azure-functions and azure-functions-durable are"),
        (hello(), "azure-functions and azure-functions-durable are"),  # only the metadata is left
    ],
)
def test_a_missing_sdk_is_reported_with_the_command_that_installs_it(
    message: Hello, missing: str
) -> None:
    assert exit_problem(PYTHON, EXIT_WITHOUT_SDK, message) == (
        f"{missing} not installed in the app's environment: run `/app/.venv/bin/python -m pip "
        'install azure-functions "azure-functions-durable<2"` in the app folder. [EH219]'
    )


@pytest.mark.usefixtures("python_3_13")
def test_a_missing_sdk_2_is_reported_with_a_newer_python(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("azure-functions-durable>=2.0.0rc3\n")
    python = AppInterpreter("/host/bin/python", HOST_REASON, is_host=True, root=tmp_path)
    command = environment_command(tmp_path, "/new/python3.13")
    assert exit_problem(python, EXIT_WITHOUT_SDK, hello("", "")) == (
        "azure-functions and azure-functions-durable are not installed in the app's environment. "
        "The app's interpreter is Python 3.11.7, but requirements.txt requires "
        "azure-functions-durable 2.x, which needs Python 3.13 or newer: "
        f"run `{command}` in the app folder. [EH219]"
    )


def test_an_sdk_that_cannot_be_imported_is_reported_with_its_versions() -> None:
    problem = exit_problem(PYTHON, EXIT_BROKEN_SDK, hello(durable=""))
    assert problem is not None
    assert problem.startswith(
        "azure-functions 1.26.0 and azure-functions-durable cannot be imported in the app's "
    )
    assert problem.endswith("[EH234]")


def test_the_version_is_the_reason_if_an_unsupported_sdk_cannot_be_imported() -> None:
    problem = exit_problem(PYTHON, EXIT_BROKEN_SDK, hello("1.2.0"))
    assert problem is not None
    assert problem.startswith("azure-functions 1.2.0 is too old ")


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ("version = 3.8.18", "is Python 3.8.18"),
        ("version_info = 3.8.18.final.0", "is Python 3.8.18.final.0"),
        ("home = /usr/bin", "is older than Python 3.9"),
    ],
)
def test_an_old_python_is_reported_with_its_version(
    tmp_path: Path, settings: str, text: str
) -> None:
    (tmp_path / "pyvenv.cfg").write_text(settings)
    python = AppInterpreter(str(tmp_path / "bin" / "python"), "--python")
    assert exit_problem(python, EXIT_OLD_PYTHON, None) == (
        f"The app's interpreter {text}, but the worker needs Python 3.9 or newer: {python}. Create "
        "the app's environment with a newer Python, or select another interpreter with --python. "
        "[EH231]"
    )


def test_an_interpreter_that_exits_without_a_connection_is_reported() -> None:
    problem = exit_problem(PYTHON, 0, None)
    assert problem is not None
    assert problem.startswith("The app's interpreter exited with code 0 before it had connected")
    assert problem.endswith("[EH231]")


def test_other_exits_are_not_the_interpreters_fault() -> None:
    assert exit_problem(PYTHON, 1, hello()) is None
    assert exit_problem(PYTHON, -9, None) is None
