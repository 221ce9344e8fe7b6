"""The keys of a host that is started with ``--auth``: in its state's folder, whether it runs or not."""

from __future__ import annotations

import functools
from typing import Any

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
from embedded_host.cli.arguments import Function, NonEmpty, as_json
from embedded_host.cli.command import CommandError, NotFoundError, command
from embedded_host.cli.output import print_json, print_table, printable
from embedded_host.cli.target import Target, state_options


@click.group()
def keys() -> None:
    """Show and change the keys that a host started with --auth asks for. A running host takes up changes at once.

    \b
    Example:
      embedded-host keys list
    """


def _key_file(function: Function) -> Function:
    """The options that say whose keys; ``function`` gets the file as its first argument."""

    @state_options
    @functools.wraps(function)
    def called(target: Target, **more: Any) -> Any:
        return function(KeyFile(target.state_folder), **more)

    return called


def _scope(function: Function) -> Function:
    """The options that say what a key opens; ``function`` gets them as ``scope``."""

    @functools.wraps(function)
    def called(for_function: str | None, system: bool, **more: Any) -> Any:
        if for_function and system:
            raise click.UsageError(
                "A key is for a function or for an extension: leave --function or --system out. [EH500]"
            )
        return function(
            scope=Scope("function", for_function.lower())
            if for_function
            else SYSTEM
            if system
            else HOST,
            **more,
        )

    for option in (
        click.option(
            "--system",
            is_flag=True,
            help="For an extension of the host, as durabletask_extension is.",
        ),
        click.option(
            "--function",
            "for_function",
            metavar="NAME",
            help="For this function only. Default: for all.",
        ),
    ):
        called = option(called)
    return called


@command("list")
@as_json
@_key_file
def list_(file: KeyFile, as_json: bool) -> None:
    """List the keys, and a link to the dashboard of the running host that has the key in it.

    \b
    Examples:
      embedded-host keys list
      embedded-host keys list --script-root ../my-app --json
    """
    kept = file.keys()
    if not file.exists:
        raise CommandError(
            f"There are no keys in {file.path.parent}: embedded-host start --auth makes them. [EH560]"
        )
    found = [
        *([(MASTER, "everything", kept.master)] if kept.master else []),
        *((name, "all functions", value) for name, value in kept.host.items()),
        *((name, _extension(name), value) for name, value in kept.system.items()),
        *(
            (n, f"function {whose}", v)
            for whose, values in sorted(kept.functions.items())
            for n, v in values.items()
        ),
    ]
    if as_json:
        print_json([{"name": name, "opens": opens, "value": value} for name, opens, value in found])
        return
    print_table(("name", "opens", "key"), found, "No keys.")
    from embedded_host.access_keys.running_host import port_of_running_host

    if (port := port_of_running_host(file.path.parent)) and (key := kept.system.get(DURABLE)):
        click.echo(f"\nDashboard: {dashboard_link(f'http://localhost:{port}/dashboard', key)}")


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
    help=f"Of the key. {MASTER} is the master key.",
)
@_scope
@click.option(
    "--value", type=NonEmpty(), metavar="KEY", help="Default: a new one that nobody can guess."
)
@_key_file
def create(file: KeyFile, scope: Scope, name: str, value: str | None) -> None:
    """Make a key, or give the one of that name another value: the one before then opens nothing any more.

    \b
    Examples:
      embedded-host keys create --name partner
      embedded-host keys create --name _master
      embedded-host keys create --name default --function HttpStarter
    """
    made_up = value is None
    value, is_new = file.put(scope, name, value)
    done = (
        f"Made the key '{printable(name)}'."
        if is_new
        else f"The key '{printable(name)}' has a new value."
    )
    click.echo(done + (f"\n{value}" if made_up else ""))


@command("revoke")
@click.option("--name", required=True, type=NonEmpty(), metavar="NAME", help="Of the key.")
@_scope
@_key_file
def revoke(file: KeyFile, scope: Scope, name: str) -> None:
    """Take a key away: it opens nothing any more.

    \b
    Examples:
      embedded-host keys revoke --name partner
      embedded-host keys revoke --name default --function HttpStarter
    """
    if name.lower() == MASTER or (scope == SYSTEM and name.lower() == DURABLE):
        system = " --system" if scope == SYSTEM and name.lower() != MASTER else ""
        raise CommandError(
            f"The host cannot do without the key '{name}'. To have the old value open nothing, give it a new one: embedded-host keys "
            f"create --name {name}{system}. [EH562]"
        )
    if not file.remove(scope, name):
        whose = {"host": "for all functions", "system": "for an extension"}.get(
            scope.kind, f"for the function {scope.function}"
        )
        raise NotFoundError(
            f"There is no key '{name}' {whose} in {file.path}: embedded-host keys list shows those that there are. [EH561]"
        )
    click.echo(f"The key '{printable(name)}' opens nothing any more.")


for _command in (list_, create, revoke):
    keys.add_command(_command)
