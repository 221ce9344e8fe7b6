"""The examples in the help of each command."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.shell_completion import get_completion_class

from embedded_host.access_keys.key_file import HOST, KeyFile, Scope
from embedded_host.cli import logs, watch
from embedded_host.cli.commands import cli
from embedded_host.testing import DurableApp
from tests.cli.calling import Called, call
from tests.support.app_folder import AppFolder
from tests.support.polling import eventually
from tests.support.running_host import MANAGEMENT, RunningHost


def examples(group: click.Group = cli, path: tuple[str, ...] = ()) -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from examples(command, (*path, name))
        _, _, section = (command.help or "").partition("Example")
        lines = re.findall(r"^ +(.*embedded-host .*)$", section, re.MULTILINE)
        assert lines, f"{name} has no example"
        yield from lines


pytestmark = [pytest.mark.xdist_group("help"), pytest.mark.process]  # one host for all tests
ALL = sorted(set(examples()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the app folder of the examples, which is the current folder of the tests."""
    return AppFolder(tmp_path_factory.mktemp("help") / "my-app", hub="HelloHub").root


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[RunningHost]:
    app = AppFolder(folder.parent / "served", hub="HelloHub")
    for name in ("HelloOrchestrator", "hello_cities"):
        app.orchestrator(name, 'return "Hello"')
    app.orchestrator(
        "Order",
        """
        if (context.get_input() or {}).get("fails"):
            yield context.call_activity("Fail", 1)
        return (yield context.wait_for_external_event("Approval"))
        """,
    )
    app.activity("Fail", "raise ValueError('no')")
    app.counter()
    app.starter()
    with RunningHost(app.root, folder.parent / "state") as host:
        (folder / "order.json").write_text('{"item": 7}', encoding="utf-8")
        (folder / "details.json").write_text("[1]", encoding="utf-8")
        yield host


def order_7(host: RunningHost, status: str) -> dict[str, str]:
    """Start a new instance order-7, wait until it has ``status``, and return its URLs.

    If ``status`` is ``none``, only delete the instance.
    """
    for operation in ("terminate", "purge-history"):
        call(operation, "--id", "order-7", "--url", host.base)
        if operation == "terminate" and host.get(f"{MANAGEMENT}/instances/order-7").status != 404:
            host.end({"statusQueryGetUri": f"{host.base}{MANAGEMENT}/instances/order-7"})
    if status == "none":
        return {}
    links = host.start("Order", {"fails": status == "Failed"}, "order-7")
    host.until(links, "Failed" if status == "Failed" else "Running")
    if status == "Suspended":
        assert call("suspend", "--id", "order-7", "--url", host.base).code == 0
        host.until(links, "Suspended")
    elif status == "Completed":
        host.raise_event(links, "Approval", True)
        host.end(links)
    return links


STATUS_BEFORE = {
    "start-new": "none",
    "resume": "Suspended",
    "rewind": "Failed",
    "restart": "Completed",
    "purge-history": "Completed",
    "watch": "Completed",
}
"""The status of order-7 before the examples of each command. The default is Running."""


BULK = ("purge-history", "restart", "resume", "rewind", "suspend", "terminate")
"""The commands that require a confirmation if a filter selects the instances."""


@pytest.fixture
def ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupt the commands ``watch`` and ``logs`` after their first poll, as Ctrl+C does."""

    def press(seconds: float) -> None:
        raise KeyboardInterrupt

    for module in (watch, logs):
        monkeypatch.setattr(module, "time", SimpleNamespace(sleep=press, monotonic=time.monotonic))


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("example", ALL)
def test_each_example_of_the_help_runs(
    example: str, folder: Path, served: RunningHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("EMBEDDED_HOST_URL", served.base)
    inner = re.search(r"\$\((.*)\)", example)  # a line of a shell's startup file
    line = inner[1] if inner else example.partition(" > ")[0].partition(" >> ")[0]
    command = shlex.split(line)[1:]
    if command[0] == "start":
        start = cli.get_command(click.Context(cli), "start")
        assert start is not None
        assert start.make_context("start", command[1:]).params["script_root"].name in ("", "my-app")
        return
    if command[0] == "scheduler":  # tests/cli/test_scheduler.py runs it, on free ports
        scheduler = cli.get_command(click.Context(cli), "scheduler")
        assert scheduler is not None
        assert scheduler.make_context("scheduler", command[1:]).params["port"] == 8080
        return
    called = run_example(command, folder, served)
    if command[0] == "doctor":
        assert called.code in (0, 1), called  # another program may use the default port
        assert "EH102" in called.out, "the folder has no functions"
        return
    click_is_too_old = "powershell" in command and get_completion_class("powershell") is None
    assert called.code == (1 if click_is_too_old else 0), called
    if "--json" in command and command[0] not in ("watch",):
        assert called.json is not None


def run_example(command: list[str], folder: Path, served: RunningHost) -> Called:
    name = command[0]
    if name == "init":
        return call("init", f"{command[1]}-{command[-1]}", *command[2:])
    if name in (
        *("import", "replay", "delete-task-hub", "export", "backup", "recover"),
        *("completion", "explain"),
    ):
        return run_example_with_files(command, folder, served)
    if name == "keys":
        file = KeyFile(folder / ".embedded-host")
        file.begin()
        for scope, key in ((HOST, "partner"), (Scope("function", "httpstarter"), "default")):
            file.put(scope, key)
        return call(*command)
    if name == "entities":
        counter = ("--name", "Counter", "--key", "visits", "--url", served.base)
        assert call("entities", "signal", *counter, "--operation", "add", "--input", 1).code == 0
        eventually(
            lambda: served.get(f"{MANAGEMENT}/entities/Counter/visits").status == 200,
            "the entity exists",
        )
    elif name not in ("functions",):
        order_7(served, STATUS_BEFORE.get(name, "Running"))
    is_bulk = name in BULK and not {"--id", "--yes"} & set(command)
    return call(*command, *["--yes"] * is_bulk)


def run_example_with_files(command: list[str], folder: Path, served: RunningHost) -> Called:
    name = command[0]
    if name in ("export", "import", "delete-task-hub", "backup", "recover"):
        order_7(served, "Completed")
        for at, value in enumerate(command):
            if value.startswith("https://"):
                command[at] = served.base
        exported = call(
            "export", "--id", "order-7", "--url", served.base, "-o", folder / "order-7.json"
        )
        assert exported.code == 0, exported
    if name == "import":
        return call(*command, "--replace")
    if name == "backup":
        assert call("import", "order-7.json", "--replace").code == 0
        paths = {"/mnt/backups/shop-monday.db": folder.parent / "monday.db", "shop": folder}
        return call(*(paths.get(word, word) for word in command))
    if name == "recover":
        assert call("import", "order-7.json", "--replace").code == 0
        return call(*command)
    if name == "delete-task-hub":
        assert call("import", "order-7.json", "--replace").code == 0
        called = call(*command, *([] if "--yes" in command else ["--yes"]))
        assert "Deleted the task hub HelloHub with " in called.out
        return called
    if name == "replay":
        with DurableApp(folder.parent / "served") as app:
            app.sync.run("HelloOrchestrator").history.save(folder / "order-7.json")
            (folder / "histories").mkdir(exist_ok=True)
            app.sync.run("hello_cities").history.save(folder / "histories" / "hello.json")
        command = [
            str(path) for word in command for path in (Path().glob(word) if "*" in word else [word])
        ]
        root: list[Any] = ["--script-root", folder.parent / "served"]
        return call(
            *[word for word in command if word not in ("--script-root", "../my-app")], *root
        )
    return call(*command)
