"""The values that a shell completes."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import click
import pytest
from click.shell_completion import ShellComplete

from embedded_host.cli import host_search
from embedded_host.cli.commands import cli
from tests.support.running_host import RunningHost


def completions(*words: object, incomplete: str = "") -> list[str]:
    """Return the completions of ``incomplete`` after the words of a command."""
    completer = ShellComplete(cli, {}, "embedded-host", "_EMBEDDED_HOST_COMPLETE")
    return [item.value for item in completer.get_completions([*map(str, words)], incomplete)]


def test_the_ids_of_a_state_file_are_completed(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = ("--state", state)
    assert completions("get-history", *source, "--id") == ["a", "b", "c"]
    assert completions("watch", *source, "--id", "a", "--id", incomplete="b") == ["b"]
    assert completions("get-history", *source, "--id", incomplete="x") == []
    assert completions("entities", "get", *source, "--name") == ["counter"]
    assert completions("entities", "get", *source, "--name", "counter", "--key") == ["visits"]
    assert capsys.readouterr() == ("", ""), "the shell shows no messages"


def test_statuses_and_codes_are_completed() -> None:
    statuses = completions("get-instances", "--runtime-status", incomplete="R")
    assert statuses == ["running"]
    more = completions("get-instances", "--runtime-status", "running", incomplete="fai")
    assert more == ["failed"]
    assert "running" not in completions("purge-history", "--runtime-status")
    assert completions("explain", incomplete="eh20")[:2] == ["EH201", "EH202"]
    codes = completions("parity", "--ignore")
    assert codes
    assert all(code.startswith("EH8") for code in codes)


def test_without_a_source_nothing_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(host_search, "responds", lambda url: False)
    monkeypatch.chdir(tmp_path)
    assert completions("get-history", "--id") == []
    assert completions("start-new", "--function-name") == []
    assert completions("raise-event", "--event-name") == []
    assert capsys.readouterr() == ("", "")


def test_the_names_of_a_state_file_are_completed(state: Path, tmp_path: Path) -> None:
    state.rename(tmp_path / ".embedded-host")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(host_search, "responds", lambda url: False)
        names = completions("start-new", "--script-root", tmp_path, "--function-name")
    assert names == ["Order"]


@pytest.mark.process
def test_the_values_of_a_host_are_completed(host: RunningHost) -> None:
    links = host.start("Event", None, uuid4().hex)
    host.until(links, "Running")
    url = ("--url", host.base)
    assert completions("start-new", *url, "--function-name", incomplete="cha") == ["Chain"]
    waiting = ("raise-event", *url, "--id")
    assert completions(*waiting, incomplete=links["id"][:20]) == [links["id"]]
    assert completions(*waiting, links["id"], "--event-name") == ["Approval"]
    assert completions("resume", *url, "--id", incomplete=links["id"][:20]) == []
    host.post(links["terminatePostUri"])
    host.end(links)
    assert completions(*waiting, incomplete=links["id"][:20]) == []


def test_each_id_is_completed() -> None:
    def commands(group: click.Group) -> list[click.Command]:
        context = click.Context(group)
        found = [group.get_command(context, name) for name in group.list_commands(context)]
        return [
            inner
            for command in found
            if command is not None
            for inner in (commands(command) if isinstance(command, click.Group) else [command])
        ]

    new = ("start-new", "import")
    without = [
        command.name
        for command in commands(cli)
        for option in command.params
        if "--id" in option.opts and command.name not in new
        if option._custom_shell_complete is None
    ]
    assert without == []
