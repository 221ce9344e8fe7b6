"""Tests of the options of the command ``scheduler``."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from click.testing import CliRunner

from embedded_host.cli.commands import cli
from embedded_host.cli.installation import scheduler_command
from embedded_host.scheduler import process


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["scheduler", *arguments])
    return result.exit_code, result.output


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list that receives the options of each started scheduler."""
    started: list[Any] = []

    def record(options: Any, *, verbose: bool) -> int:
        started.append(options)
        return 0

    monkeypatch.setattr(process, "run_scheduler", record)
    return started


def test_the_defaults_are_those_of_the_emulator(options: list[Any]) -> None:
    assert run() == (0, "")
    assert (options[0].address, options[0].port, options[0].dashboard_port) == (
        "127.0.0.1",
        8080,
        8082,
    )
    assert (options[0].state.name, options[0].token) == (".embedded-scheduler", "")


def test_a_network_address_requires_a_token(options: list[Any]) -> None:
    code, output = run("--address", "0.0.0.0")
    assert code == 1
    assert "Add --token" in output
    assert "[EH207]" in output
    assert run("--address", "0.0.0.0", "--token", "t")[0] == 0
    assert options[0].token == "t"


def test_an_unknown_address_is_reported(options: list[Any]) -> None:
    code, output = run("--address", "no such host")
    assert (code, options) == (1, [])
    assert "[EH202]" in output


def test_without_durabletask_the_install_command_is_printed(
    monkeypatch: pytest.MonkeyPatch, options: list[Any]
) -> None:
    monkeypatch.setitem(sys.modules, "durabletask.internal.orchestrator_service_pb2", None)
    code, output = run()
    assert (code, options) == (1, [])
    assert f"Run `{scheduler_command()}`. [EH563]" in output
