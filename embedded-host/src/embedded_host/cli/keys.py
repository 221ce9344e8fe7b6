"""The group ``keys``: commands for the access keys in a state folder, without a running host."""

from __future__ import annotations

import functools

import click

from embedded_host.access_keys.key_file import (
    DURABLE,
    HOST,
    MASTER,
    SYSTEM,
    KeyFile,
    Scope,
    dashboard_link,
)
from embedded_host.cli.arguments import NonEmpty, as_json
from embedded_host.cli.command import Callback, CommandError, NotFoundError, command, keep_examples
from embedded_host.cli.output import print_json, print_table, printable
from embedded_host.cli.target import Target, state_options


@keep_examples
@click.group()
def keys() -> None:
    """List, create and revoke access keys.

    A host with --auth requires these keys. A running host applies changes at once.

    Example:
      embedded-host keys list
    """


def _key_file(function: Callback) -> Callback:
    """Add the options that select a state folder.

    ``function`` receives the key file of the folder as its first argument.
    """

    @state_options
    @functools.wraps(function)
    def with_key_file(target: Target, **options: object) -> object:
        return function(KeyFile(target.state_folder), **options)

    return with_key_file


def _scope(function: Callback) -> Callback:
    """Add the options that select a key's scope.

    ``function`` receives the scope as its argument ``scope``.
    """

    @functools.wraps(function)
    def with_scope(for_function: str | None, system: bool, **options: object) -> object:
        if for_function and system:
            raise click.UsageError(
                "A key cannot be for a function and for an extension: omit --function or --system. "
                "[EH500]"
            )
        scope = Scope("function", for_function.lower()) if for_function else HOST
        return function(scope=SYSTEM if system else scope, **options)

    command: Callback = with_scope
    for option in (
        click.option(
            "--system",
            is_flag=True,
            help="A key for an extension of the host, such as the key durabletask_extension.",
        ),
        click.option(
            "--function",
            "for_function",
            metavar="NAME",
            help="A key for this function only. Default: a key for all functions.",
        ),
    ):
        command = option(command)
    return command


@command("list")
@as_json
@_key_file
def list_(file: KeyFile, as_json: bool) -> None:
    """List the keys and a link to the dashboard.

    The link contains the key of the dashboard. The command prints the link only if the host is
    running.

    Examples:
      embedded-host keys list
      embedded-host keys list --script-root ../my-app --json
    """
    keys = file.keys()
    if not file.exists:
        raise CommandError(
            f"There are no keys in {file.path.parent}. To create keys, run embedded-host start "
            "--auth. [EH560]"
        )
    rows = [
        *([(MASTER, "everything", keys.master)] if keys.master else []),
        *((name, "all functions", value) for name, value in keys.host.items()),
        *((name, _extension(name), value) for name, value in keys.system.items()),
        *(
            (name, f"function {function}", value)
            for function, values in sorted(keys.functions.items())
            for name, value in values.items()
        ),
    ]
    if as_json:
        print_json([{"name": name, "opens": opens, "value": value} for name, opens, value in rows])
        return
    print_table(("name", "opens", "key"), rows, "There are no keys.")
    from embedded_host.access_keys.running_host import printed_url, url_of_running_host

    if (url := url_of_running_host(file.path.parent)) and (key := keys.system.get(DURABLE)):
        click.echo(f"\nDashboard: {dashboard_link(f'{printed_url(url)}/dashboard', key)}")


def _extension(name: str) -> str:
    return (
        "the durable management API and the dashboard" if name == DURABLE else f"extension {name}"
    )


@command("create")
@click.option(
    "--name",
    required=True,
    type=NonEmpty(),
    metavar="NAME",
    help=f"The key's name. {MASTER} is the master key.",
)
@_scope
@click.option(
    "--value", type=NonEmpty(), metavar="KEY", help="The key's value. Default: a random value."
)
@_key_file
def create(file: KeyFile, scope: Scope, name: str, value: str | None) -> None:
    """Create a key, or rotate an existing one.

    The previous value of an existing key becomes invalid.

    Examples:
      embedded-host keys create --name partner
      embedded-host keys create --name _master
      embedded-host keys create --name default --function HttpStarter
    """
    is_generated = value is None
    value, is_new = file.put(scope, name, value)
    click.echo(f"{'Created' if is_new else 'Rotated'} the key '{printable(name)}'.")
    if is_generated:
        click.echo(value)


@command("revoke")
@click.option("--name", required=True, type=NonEmpty(), metavar="NAME", help="The key's name.")
@_scope
@_key_file
def revoke(file: KeyFile, scope: Scope, name: str) -> None:
    """Revoke a key. The host then refuses requests with this key.

    Examples:
      embedded-host keys revoke --name partner
      embedded-host keys revoke --name default --function HttpStarter
    """
    if name.lower() == MASTER or (scope == SYSTEM and name.lower() == DURABLE):
        system = " --system" if scope == SYSTEM and name.lower() != MASTER else ""
        raise CommandError(
            f"The host needs the key '{name}'. Rotate it instead: embedded-host keys create "
            f"--name {name}{system}. [EH562]"
        )
    if not file.remove(scope, name):
        users = {"host": "for all functions", "system": "for an extension"}.get(
            scope.kind, f"for the function {scope.function}"
        )
        raise NotFoundError(
            f"There is no key '{name}' {users} in {file.path}. To list the existing keys, run "
            "embedded-host keys list. [EH561]"
        )
    click.echo(f"Revoked the key '{printable(name)}'.")


for _command in (list_, create, revoke):
    keys.add_command(_command)
