"""The options that select a host or a state file, and the search for this host or file."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from embedded_host.access_keys.running_host import (
    is_same_address,
    printed_url,
    url_of_running_host,
)
from embedded_host.cli.arguments import script_root
from embedded_host.cli.command import Callback, CommandError
from embedded_host.cli.host_search import FoundHost, NoHost, app_hub, find_host
from embedded_host.cli.output import print_text
from embedded_host.store.files import KEY_FILE, STATE_FILE, STATE_FOLDER

if TYPE_CHECKING:
    from embedded_host.cli.management_api import ManagementClient
    from embedded_host.cli.reader import Reader


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
    is_quiet: bool = False
    """True if the name of the host or state file is not printed."""

    def reader(self) -> Reader:
        """Return the running host, or the state file if no host of the app runs.

        Prints the name of the host or state file on stderr. Raises UsageError if the options
        contradict each other. Raises CommandError if no host responds and no state file exists.
        """
        if self.url and self.state:
            raise click.UsageError(
                "--url selects a host and --state selects a state file: omit one of the options."
            )
        if self.state is None and isinstance(self._search, FoundHost):
            return self._api(self._search)
        return self._state_file()

    def host(self) -> ManagementClient:
        """Return the running host, for commands that change instances.

        With ``--state``, it is the host that uses this state folder. Raises UsageError if no host
        uses it, and CommandError if no host of the app responds.
        """
        if isinstance(self._search, FoundHost):
            return self._api(self._search)
        if self.state:
            raise click.UsageError(
                f"This command requires a running host, but no host uses {self.state_folder}. "
                "Start the host (embedded-host start), or omit --state and select the host with "
                "--url. [EH508]"
            )
        if self._search.is_other_app:
            raise CommandError(
                f"This command requires a running host of the app in {self.root.absolute()}, but "
                f"{self._search.reason}. Start the host of this app (embedded-host start), or "
                "select another host with --url. [EH515]"
            )
        raise CommandError(
            f"This command requires a running host, but {self._search.reason}. Start the host "
            "(embedded-host start), or select another host with --url. [EH501]"
        )

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
        return app_hub(self.root)

    def has_host(self) -> bool:
        """Return True if the options select a host, or if a host of the app responds."""
        return isinstance(self._search, FoundHost)

    def without_host(self) -> str:
        """Return the reason why no host is used, or an empty string if there is a host."""
        return "" if isinstance(self._search, FoundHost) else self._search.reason

    @functools.cached_property
    def _search(self) -> FoundHost | NoHost:
        """The host that the options select, or that the search has found."""
        if self.url:
            return FoundHost(self.url, self.url)
        if self.state:
            address = url_of_running_host(self.state_folder)
            return FoundHost(printed_url(address), address) if address else NoHost("")
        return find_host(self.root, self.state_folder, self.code)

    def _api(self, found: FoundHost) -> ManagementClient:
        from embedded_host.cli.host_connection import HostConnection
        from embedded_host.cli.management_api import ManagementClient

        api = ManagementClient(
            HostConnection(found.url, found.address, self.code, self.hub, self.connection)
        )
        self._announce(f"Host: {api.name}{f' ({found.note})' if found.note else ''}")
        if not api.has_key and (key := self._own_key(found.address)):
            api.use(key)
        return api

    def _announce(self, line: str) -> None:
        """Print the host or the state file. A shell completes a word without this line."""
        if not self.is_quiet:
            print_text(line, err=True)

    def _own_key(self, url: str) -> str | None:
        """Return the master key of the state folder if the host at ``url`` uses that folder.

        A user who can read the key file may use its keys. The key is sent only to this host.
        """
        if not (self.state_folder / KEY_FILE).is_file():
            return None
        from embedded_host.access_keys.key_file import KeyFile

        running = url_of_running_host(self.state_folder)
        if running is None or not is_same_address(url, running):
            return None
        file = KeyFile(self.state_folder)
        self._announce(f"Key: the master key in {file.path}")
        return file.keys().master

    def _state_file(self) -> Reader:
        from embedded_host.cli.state_file import StateFile

        path = self.state_folder / STATE_FILE
        reason = "" if self.state else self.without_host()
        if not path.is_file():
            no_host = f"{reason[:1].upper()}{reason[1:]}. " if reason else ""
            raise CommandError(
                f"{no_host}There is no state file in {self.state_folder}. Start the host "
                "(embedded-host start), select a host with --url, or select a state folder with "
                "--state. [EH502]"
            )
        state = StateFile(path, self.hub, self.app_hub())
        self._announce(f"State: {state.name} (read-only{f'; {reason}' if reason else ''})")
        return state


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
            help="The host's URL. Default: the environment variable EMBEDDED_HOST_URL, or the "
            "running host of the app, or http://localhost with the port in local.settings.json or "
            "7071.",
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
