"""The options of ``func start`` in ``embedded-host start``."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from embedded_host import host
from embedded_host.app.command_line import AppOptions
from embedded_host.cli.commands import cli
from embedded_host.host import HostOptions

Start = Callable[..., tuple[Result, HostOptions]]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Start:
    """Return a function that runs the command and returns its options without a host."""
    given: list[HostOptions] = []

    def run_host(options: HostOptions) -> int:
        given.append(options)
        return 0

    def run(*arguments: str) -> tuple[Result, HostOptions]:
        result = CliRunner().invoke(cli, ["start", *arguments])
        assert result.exit_code == 0, result.output
        return result, given[-1]

    monkeypatch.setattr(host, "run_host", run_host)
    return run


def test_options_with_an_effect_reach_the_host(start: Start) -> None:
    arguments = "--cors https://a.example,https://b.example --cors-credentials --functions A B"
    _, options = start(*arguments.split(), "--user-log-level", "debug", "--console", "func")
    assert options.app == AppOptions(
        ("A", "B"), ("https://a.example", "https://b.example"), True, "debug"
    )
    assert options.console == "func"


def test_options_follow_the_names_of_functions(start: Start) -> None:
    _, options = start("--functions", "A", "B", "--port", "7099")
    assert (options.app.functions, options.port) == (("A", "B"), 7099)


def test_enable_auth_is_auth(start: Start) -> None:
    assert start("--enableAuth")[1].auth


def test_python_without_a_path_is_the_language_of_func(start: Start) -> None:
    _, options = start("--python", "--port", "7099")
    assert (options.python, options.port) == (None, 7099)
    assert start("--python", "/bin/python3")[1].python == "/bin/python3"


@pytest.mark.parametrize(
    "arguments",
    [
        "--timeout 30",
        "-t 30",
        "--no-build",
        "--dotnet-isolated-debug",
        "--enable-json-output",
        "--json-output-file x.json",
        "--runtime default",
        "--offline",
    ],
)
def test_an_option_without_an_effect_explains_itself(start: Start, arguments: str) -> None:
    result, _ = start(*arguments.split())
    assert "has no effect" in result.output
    assert "[EH859]" in result.output


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("--useHttps", "HTTP only"),
        ("--cert x.pfx", "HTTP only"),
        ("--password x", "HTTP only"),
        ("--language-worker -mdebugpy", "--in-process"),
        ("--user-log-level Loud", "not one of Trace"),
        ("A", "unexpected extra argument (A)"),
    ],
)
def test_an_option_that_cannot_be_ignored_is_refused(arguments: str, reason: str) -> None:
    result = CliRunner().invoke(cli, ["start", *arguments.split()])
    assert result.exit_code == 2
    assert reason in result.output
