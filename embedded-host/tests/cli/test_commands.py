"""The group of all commands: imports, help and errors."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from embedded_host.cli.commands import cli, run
from tests.cli.calling import call
from tests.support.running_host import environment


def all_commands(
    group: click.Group = cli, before: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*before, name)
        if isinstance(command, click.Group):
            yield from all_commands(command, (*before, name))


def command_of(path: tuple[str, ...]) -> click.Command:
    command: click.Command = cli
    for name in path:
        assert isinstance(command, click.Group)
        subcommand = command.get_command(click.Context(command), name)
        assert subcommand is not None
        command = subcommand
    return command


@pytest.mark.process
def test_start_imports_no_other_command() -> None:
    code = (
        "import sys, embedded_host.cli.commands\n"
        "slow = ('json', 'rich', 'sqlite3', 'asyncio', 'urllib.request', 'http.client', "
        "'msgspec')\n"
        "print([name for name in (*slow, 'embedded_host.cli.instances') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment()
    )
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("name", list(all_commands()), ids=" ".join)
def test_the_help_of_each_command_has_an_example(name: tuple[str, ...]) -> None:
    called = call(*name, "--help")
    assert called.code == 0
    assert f"embedded-host {' '.join(name)}" in called.out.partition("Example")[2]
    if name != ("start",) and "Commands:" not in called.out:
        assert "Exit codes: 0 success;" in called.out


def test_each_command_of_func_durable_exists() -> None:
    names = {" ".join(name) for name in all_commands()}
    assert names >= {
        *(
            "start",
            "init",
            "functions list",
            "start-new",
            "get-runtime-status",
            "get-history",
            "get-instances",
        ),
        *(
            "raise-event",
            "terminate",
            "rewind",
            "purge-history",
            "delete-task-hub",
            "suspend",
            "resume",
            "restart",
        ),
        *(
            "entities list",
            "entities get",
            "entities signal",
            "entities delete",
            "watch",
            "timeline",
            "diagnose",
        ),
        *("export", "import", "completion"),
    }


def test_a_misspelled_command_is_suggested() -> None:
    called = call("get-instnces")
    assert called.code == 2
    assert "There is no command 'get-instnces'. Did you mean 'get-instances'?" in called.err
    assert "Run embedded-host --help for a list." in call("xyzzy").err


def test_a_missing_option_is_named() -> None:
    called = call("terminate")
    assert called.code == 2
    assert "--id" in called.err


EMPTY = [
    (*path, option)
    for path in all_commands()
    for option in ("--id", "--function-name", "--event-name", "--name", "--operation")
    if any(option in parameter.opts for parameter in command_of(path).params)
    and path != ("replay",)
]


@pytest.mark.parametrize("command", EMPTY, ids=" ".join)
def test_an_empty_name_is_refused(command: tuple[str, ...], tmp_path: Path) -> None:
    """A shell passes an empty value for an unset variable. The API interprets it as "all"."""
    *path, option = command
    called = call(*path, option, "", *(["x.json"] if path == ["import"] else []))
    assert called.code == 2
    assert f"Invalid value for '{option}': The value is empty." in called.err


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    called = call("get-instances", "--script-root", tmp_path / "shp")
    assert called.code == 2
    assert f"Directory '{tmp_path / 'shp'}' does not exist." in called.err


def test_ctrl_c_exits_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def press(self: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("embedded_host.cli.target.Target.host", press)
    assert call("resume", "--id", "x").code == 130


def test_an_internal_error_is_reported_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(self: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("embedded_host.cli.target.Target.host", fail)
    monkeypatch.setattr(sys, "argv", ["embedded-host", "resume", "--id", "x"])
    assert run() == 1
    assert (
        "Internal error: RuntimeError: boom. Set EMBEDDED_HOST_TRACEBACK=1"
        in capsys.readouterr().err
    )
    monkeypatch.setenv("EMBEDDED_HOST_TRACEBACK", "1")
    with pytest.raises(RuntimeError):
        run()
