from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from embedded_host.cli.command import (
    CommandError,
    NotAllowedError,
    NotFoundError,
    command,
    no_instance,
    suggested_options,
)
from embedded_host.store.interface import StateError
from tests.cli.calling import call


def run(error: Exception) -> tuple[int, str]:
    @command("fails")
    def fails() -> None:
        raise error

    result = CliRunner().invoke(fails)
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CommandError("no host"), 1),
        (StateError("no state"), 1),
        (NotFoundError("no such"), 3),
        (NotAllowedError("finished"), 4),
        (click.UsageError("no option"), 2),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error: Exception, code: int) -> None:
    exit_code, output = run(error)
    assert exit_code == code
    assert str(getattr(error, "message", error)) in output


def test_a_traceback_is_shown_on_request_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exit_code, output = run(ZeroDivisionError("by zero"))
    assert exit_code == 1
    assert "Error: Internal error: ZeroDivisionError: by zero. Set" in output
    assert output.endswith("[EH599]\n")
    monkeypatch.setenv("EMBEDDED_HOST_TRACEBACK", "1")

    @command("fails")
    def fails() -> None:
        raise ZeroDivisionError

    assert isinstance(CliRunner().invoke(fails).exception, ZeroDivisionError)


def test_a_missing_instance_is_not_found() -> None:
    error = no_instance("a", "http://localhost:7071")
    assert (error.exit_code, error.message) == (
        3,
        "There is no instance 'a' at http://localhost:7071. [EH510]",
    )


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("--instance", ["--id"]),
        ("--instanceId", ["--id"]),
        ("--status", ["--runtime-status"]),
        ("--created", ["--created-after", "--created-before"]),
        ("--stat", ["--state"]),
        ("--limit", ["--top"]),
        ("--xyz", []),
    ],
)
def test_an_unknown_option_suggests_an_option_of_the_same_letters(
    name: str, suggested: list[str]
) -> None:
    known = ["--id", "--state", "--runtime-status", "--created-after", "--created-before", "--top"]
    assert suggested_options(name, known) == suggested


def test_an_unknown_option_is_an_error_with_a_suggestion() -> None:
    called = call("get-history", "--instance", "a")
    assert called.code == 2
    assert "There is no option '--instance'. Did you mean '--id'? [EH500]" in called.err
    assert "--parity" in call("start", "--party", "strict").err
