"""The options that select a host or a state file, and the search for this host or file."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from embedded_host.cli.arguments import script_root
from embedded_host.cli.command import Callback, CommandError
from embedded_host.store.files import KEY_FILE, STATE_FILE, STATE_FOLDER

if TYPE_CHECKING:
    from embedded_host.cli.management_api import ManagementClient
    from embedded_host.cli.reader import Reader

DEFAULT_PORT = 7071
"""The default port of a host. The constant is repeated here because importing host.py is slow."""
CONNECT_TIMEOUT = 2.0
"""Seconds to wait for a connection to the default host."""


@dataclass(frozen=True)
class Target:
    """The host or state file that the options of a command select."""

    url: str | None = None
    """The host's URL (``--url``)."""
    code: str | None = None
    """An access key (``--code``)."""
    state: Path | None = None
    """The state folder (``--state``)."""
    root: Path = Path()
    """The app folder (``--script-root``)."""
    hub: str | None = None
    """The name of the task hub (``--task-hub-name``)."""
    connection: str | None = None
    """The name of the setting with the connection string (``--connection-string-setting``)."""

    def reader(self) -> Reader:
        """Return the running host, or the state file if no host responds.

        Prints the name of the host or state file on stderr. Raises UsageError if the options
        contradict each other. Raises CommandError if no host responds and no state file exists.
        """
        if self.url and self.state:
            raise click.UsageError(
                "--url selects a host and --state selects a state file: omit one of the options."
            )
        if self.url or (self.state is None and self._default_host_responds()):
            return self._api()
        return self._state_file()

    def host(self) -> ManagementClient:
        """Return the running host, for commands that change instances.

        Raises UsageError for ``--state`` and CommandError if no host responds.
        """
        if self.state:
            raise click.UsageError(
                "This command requires a running host, but --state selects a state file. Start the "
                "host (embedded-host start) and omit --state, or select the host with --url. "
                "[EH508]"
            )
        if not self.url and not self._default_host_responds():
            raise CommandError(
                "This command requires a running host, but no host responds at "
                f"{self._default_url()[0]}. Start the host (embedded-host start), or select "
                "another host with --url. [EH501]"
            )
        return self._api()

    @property
    def state_folder(self) -> Path:
        """The absolute path of the state folder."""
        return (self.state or self.root / STATE_FOLDER).absolute()

    def state_path(self) -> Path:
        """Return the path of the state file. Raises CommandError if it does not exist."""
        path = self.state_folder / STATE_FILE
        if not path.is_file():
            raise CommandError(
                f"There is no state file in {self.state_folder}. Select the state folder with "
                "--state. [EH502]"
            )
        return path

    def app_hub(self) -> str | None:
        """Return the name of the task hub in the app's host.json, or None without host.json."""
        import os

        from embedded_host.app.host_json import read_host_json
        from embedded_host.app.local_settings import effective_environment, read_local_settings

        settings, _ = read_local_settings(self.root)
        added, _ = effective_environment(settings, os.environ, self.root)
        try:
            return read_host_json(self.root, {**os.environ, **added})[0].hub_name
        except FileNotFoundError:
            return None

    def has_host(self) -> bool:
        """Return True if ``--url`` selects a host or the default host responds."""
        return bool(self.url) or (self.state is None and self._default_host_responds())

    def _api(self) -> ManagementClient:
        from embedded_host.cli.management_api import ManagementClient

        url, address = (self.url, self.url) if self.url else self._default_url()
        api = ManagementClient(url, address, self.code, self.hub, self.connection)
        click.echo(f"Host: {api.name}", err=True)
        if not api.has_key and (key := self._own_key(address)):
            api.use(key)
        return api

    def _own_key(self, url: str) -> str | None:
        """Return the master key of the state folder if the host at ``url`` uses that folder.

        A user who can read the key file may use its keys. The key is sent only to this host.
        """
        if not (self.state_folder / KEY_FILE).is_file():
            return None
        from urllib.parse import urlsplit

        from embedded_host.access_keys.key_file import KeyFile
        from embedded_host.access_keys.running_host import port_of_running_host

        parts = urlsplit(url if "://" in url else f"http://{url}")
        is_local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if not is_local or parts.port != port_of_running_host(self.state_folder):
            return None
        file = KeyFile(self.state_folder)
        click.echo(f"Key: the master key in {file.path}", err=True)
        return file.keys().master

    def _state_file(self) -> Reader:
        from embedded_host.cli.state_file import StateFile

        path = self.state_folder / STATE_FILE
        if not path.is_file():
            no_host = "" if self.state else f"No host responds at {self._default_url()[0]}. "
            raise CommandError(
                f"{no_host}There is no state file in {self.state_folder}. Start the host "
                "(embedded-host start), select a host with --url, or select a state folder with "
                "--state. [EH502]"
            )
        state = StateFile(path, self.hub, self.app_hub())
        reason = "" if self.state else f"; no host responds at {self._default_url()[0]}"
        click.echo(f"State: {state.name} (read-only{reason})", err=True)
        return state

    def _default_url(self) -> tuple[str, str]:
        """Return two URLs of the app's host: the URL to print, and the URL to connect to."""
        from embedded_host.app.local_settings import read_local_settings

        settings, _ = read_local_settings(self.root)
        port = settings.port or DEFAULT_PORT
        address = settings.address or "127.0.0.1"
        address = {"0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "127.0.0.1"}.get(
            address, address
        )
        name = "localhost" if address in ("127.0.0.1", "::1") else address
        # On Windows, a connection to the name localhost takes two seconds longer if the host does
        # not listen on ::1.
        in_url = f"[{address}]" if ":" in address else address
        return f"http://{name}:{port}", f"http://{in_url}:{port}"

    def _default_host_responds(self) -> bool:
        import socket
        from urllib.parse import urlsplit

        parts = urlsplit(self._default_url()[1])
        address = (parts.hostname, parts.port or DEFAULT_PORT)
        try:
            socket.create_connection(address, CONNECT_TIMEOUT).close()
        except OSError:
            return False
        return True


_STATE_FOLDER = "The state folder. Default: .embedded-host in the app folder."


def target_options(function: Callback) -> Callback:
    """Add the options that select a host or a state file, for a command that reads.

    ``function`` receives the options as its first argument, a Target.
    """
    return _with_target(function, "Read the state file in this folder instead of a host.")


def host_options(function: Callback) -> Callback:
    """Add the options that select a host, for a command that requires a host.

    ``function`` receives the options as its first argument, a Target. ``--state`` is also parsed,
    so that ``Target.host`` can explain why the command does not accept it.
    """
    return _with_target(function, _STATE_FOLDER, hidden=("--state",))


def state_file_options(function: Callback) -> Callback:
    """Add the options that select a task hub of a state file, for a command that writes the file.

    ``function`` receives the options as its first argument, a Target. The options that select a
    host are also parsed, so that the command can explain why it does not accept them.
    """
    hidden = ("--url", "--code", "--connection-string-setting")
    return _with_target(function, _STATE_FOLDER, hidden)


def _with_target(function: Callback, state_help: str, hidden: Collection[str] = ()) -> Callback:
    @functools.wraps(function)
    def with_target(
        url: str | None,
        code: str | None,
        state: Path | None,
        script_root: Path,
        task_hub_name: str | None,
        connection_string_setting: str | None,
        **options: object,
    ) -> object:
        target = Target(url, code, state, script_root, task_hub_name, connection_string_setting)
        return function(target, **options)

    command: Callback = with_target
    for option in (  # the help lists the options in reverse order
        click.option(
            "--connection-string-setting",
            metavar="NAME",
            hidden="--connection-string-setting" in hidden,
            help="The app setting with the connection string of a storage account. Only for an "
            "Azure Functions host that uses several storage accounts.",
        ),
        click.option(
            "--task-hub-name",
            metavar="NAME",
            help="The task hub. Default: the task hub of the app.",
        ),
        script_root,
        _state_option(state_help, hidden="--state" in hidden),
        click.option(
            "--code",
            envvar="EMBEDDED_HOST_CODE",
            metavar="KEY",
            hidden="--code" in hidden,
            help="The host's system key durabletask_extension, or its master key. Default: the "
            "environment variable EMBEDDED_HOST_CODE.",
        ),
        click.option(
            "--url",
            metavar="URL",
            hidden="--url" in hidden,
            help="The host's URL. Default: http://localhost with the port in local.settings.json, "
            "or 7071.",
        ),
    ):
        command = option(command)
    return command


def state_options(function: Callback) -> Callback:
    """Add the options that select a state folder.

    ``function`` receives the options as its first argument, a Target without a host.
    """

    @functools.wraps(function)
    def with_target(
        url: str | None,
        code: str | None,
        state: Path | None,
        script_root: Path,
        **options: object,
    ) -> object:
        if url or code:
            raise click.UsageError(
                "This command uses the files of a state folder, not a host. Omit --url and --code, "
                "and select the folder with --state. [EH550]"
            )
        return function(Target(state=state, root=script_root), **options)

    command: Callback = with_target
    for option in (
        script_root,
        _state_option(_STATE_FOLDER),
        click.option("--url", hidden=True),
        click.option("--code", hidden=True),
    ):
        command = option(command)
    return command


def _state_option(help: str, *, hidden: bool = False) -> Callable[[Callback], Callback]:
    return click.option(
        "--state",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        hidden=hidden,
        help=help,
    )
