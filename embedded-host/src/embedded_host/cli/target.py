"""Which host or state file a command is about: the options for it, and how it is found."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from embedded_host.cli.arguments import Function, script_root
from embedded_host.cli.command import CommandError
from embedded_host.store.files import KEY_FILE, STATE_FILE, STATE_FOLDER

if TYPE_CHECKING:
    from embedded_host.cli.management_api import ManagementClient
    from embedded_host.cli.reader import Reader

"""As in ``host.py``, ``composition.py`` and ``access_keys/key_file.py``, whose import would take longer than a command."""
DEFAULT_PORT = 7071
PROBE = 2.0
"""Seconds to wait for a connection to a host that nobody has named."""


@dataclass(frozen=True)
class Target:
    url: str | None = None
    code: str | None = None
    state: Path | None = None
    root: Path = Path()
    hub: str | None = None
    connection: str | None = None

    def reader(self) -> Reader:
        """The running host, else the state file; which one is said on stderr."""
        if self.url and self.state:
            raise click.UsageError("--url names a host and --state a file: give one of them.")
        if self.url or (self.state is None and self._default_answers()):
            return self._api()
        return self._state_file()

    def host(self) -> ManagementClient:
        """The running host, for commands that change something."""
        if self.state:
            raise click.UsageError(
                "This changes something, which only a running host does; --state is for reading. Start the host "
                "(embedded-host start) and leave --state out, or name the host with --url. [EH508]"
            )
        if not self.url and not self._default_answers():
            raise CommandError(
                f"No host answers at {self._default()[0]}, and this needs a running one. Start it (embedded-host start), or "
                "name another with --url. [EH501]"
            )
        return self._api()

    @property
    def state_folder(self) -> Path:
        return (self.state or self.root / STATE_FOLDER).absolute()

    def state_path(self) -> Path:
        """Raises CommandError if there is none."""
        path = self.state_folder / STATE_FILE
        if not path.is_file():
            raise CommandError(
                f"There is no state in {self.state_folder}. Name the folder of one with --state. [EH502]"
            )
        return path

    def app_hub(self) -> str | None:
        """The task hub's name that the app's host.json gives; None where there is no app."""
        import os

        from embedded_host.app.host_json import read_host_json
        from embedded_host.app.local_settings import effective_environment, read_local_settings

        settings, _ = read_local_settings(self.root)
        added, _ = effective_environment(settings, os.environ, self.root)
        try:
            return read_host_json(self.root, {**os.environ, **added})[0].hub_name
        except FileNotFoundError:
            return None

    # -- finding it --------------------------------------------------------------------------------

    def answers(self) -> bool:
        """Whether there is a host to ask, named or not."""
        return bool(self.url) or (self.state is None and self._default_answers())

    def _api(self) -> ManagementClient:
        from embedded_host.cli.management_api import ManagementClient

        shown, reached = (self.url, self.url) if self.url else self._default()
        api = ManagementClient(shown, reached, self.code, self.hub, self.connection)
        click.echo(f"Host: {api.name}", err=True)
        if not api.has_key and (key := self._own_key(reached)):
            api.use(key)
        return api

    def _own_key(self, url: str) -> str | None:
        """The master key of the host at ``url``, where that is the one that has the app's state: who can read its keys may use
        them. A key is sent to no other program."""
        if not (self.state_folder / KEY_FILE).is_file():
            return None
        from urllib.parse import urlsplit

        from embedded_host.access_keys.key_file import KeyFile
        from embedded_host.access_keys.running_host import port_of_running_host

        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.hostname not in (
            "localhost",
            "127.0.0.1",
            "::1",
        ) or parts.port != port_of_running_host(self.state_folder):
            return None
        file = KeyFile(self.state_folder)
        click.echo(f"Key: the master key, out of {file.path}", err=True)
        return file.keys().master

    def _state_file(self) -> Reader:
        from embedded_host.cli.state_file import StateFile

        path = self.state_folder / STATE_FILE
        missing = "" if self.state else f"No host answers at {self._default()[0]}, and "
        if not path.is_file():
            there = f"{missing}there is no state in {self.state_folder}."
            raise CommandError(
                f"{there[0].upper()}{there[1:]} Start the host (embedded-host start), name one with --url, or name the folder "
                "of a state with --state. [EH502]"
            )
        state = StateFile(path, self.hub, self.app_hub())
        why = "" if self.state else f"; no host answers at {self._default()[0]}"
        click.echo(f"State: {state.name} (read-only{why})", err=True)
        return state

    def _default(self) -> tuple[str, str]:
        """The host's URL where the app has it by its settings: for people, and to connect to."""
        from embedded_host.app.local_settings import read_local_settings

        settings, _ = read_local_settings(self.root)
        port = settings.port or DEFAULT_PORT
        address = settings.address or "127.0.0.1"
        address = {"0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "127.0.0.1"}.get(
            address, address
        )
        shown = "localhost" if address in ("127.0.0.1", "::1") else address
        # Not by the name localhost: Windows takes two seconds to find that nobody listens on ::1.
        reached = f"[{address}]" if ":" in address else address
        return f"http://{shown}:{port}", f"http://{reached}:{port}"

    def _default_answers(self) -> bool:
        import socket
        from urllib.parse import urlsplit

        parts = urlsplit(self._default()[1])
        try:
            socket.create_connection((parts.hostname, parts.port or DEFAULT_PORT), PROBE).close()
        except OSError:
            return False
        return True


def target_options(function: Function) -> Function:
    """The options that say which host or state; ``function`` gets them as its first argument, a Target."""

    @functools.wraps(function)
    def called(
        url: str | None,
        code: str | None,
        state: Path | None,
        script_root: Path,
        task_hub_name: str | None,
        connection_string_setting: str | None,
        **more: Any,
    ) -> Any:
        target = Target(url, code, state, script_root, task_hub_name, connection_string_setting)
        return function(target, **more)

    for option in (  # the last one comes first in the help
        click.option(
            "--connection-string-setting",
            metavar="NAME",
            help="For a real host with several storages.",
        ),
        click.option("--task-hub-name", metavar="NAME", help="Default: the app's."),
        script_root,
        click.option(
            "--state",
            type=click.Path(file_okay=False, path_type=Path),
            metavar="DIR",
            help="The state in this folder, without a host.",
        ),
        click.option(
            "--code",
            envvar="EMBEDDED_HOST_CODE",
            help="A real host's system key durabletask_extension, or its master key.",
        ),
        click.option(
            "--url",
            metavar="URL",
            help="The host. Default: http://localhost:7071, or the app's port.",
        ),
    ):
        called = option(called)
    return called


def state_options(function: Function) -> Function:
    """For commands about the files themselves: ``function`` gets a Target with a state's folder, and no host."""

    @functools.wraps(function)
    def called(
        url: str | None, code: str | None, state: Path | None, script_root: Path, **more: Any
    ) -> Any:
        if url or code:
            raise click.UsageError(
                "This is about the files of a state, which are read on their own machine and not over HTTP: leave --url out, and "
                "name the folder of the state with --state. [EH550]"
            )
        return function(Target(state=state, root=script_root), **more)

    for option in (
        script_root,
        click.option(
            "--state",
            type=click.Path(file_okay=False, path_type=Path),
            metavar="DIR",
            help="The state's folder. Default: .embedded-host in the app's folder.",
        ),
        click.option("--url", hidden=True),
        click.option("--code", hidden=True),
    ):
        called = option(called)
    return called
