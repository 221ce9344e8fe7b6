"""Entities: their list, state and signals."""

from __future__ import annotations

import click

from embedded_host.cli.arguments import (
    NonEmpty,
    as_json,
    continuation_token,
    json_text,
    sdk_encoded,
    top,
)
from embedded_host.cli.command import NotFoundError, command
from embedded_host.cli.output import print_json, print_result, print_table, shown
from embedded_host.cli.target import Target, target_options

_name = click.option(
    "--name", required=True, type=NonEmpty(), metavar="NAME", help="The entity function."
)
_key = click.option("--key", required=True, metavar="KEY", help="Which of its entities.")


@click.group()
def entities() -> None:
    """Show and signal entities.

    \b
    Examples:
      embedded-host entities list
      embedded-host entities get --name Counter --key visits
    """


@command("list")
@click.option("--name", type=NonEmpty(), metavar="NAME", help="Only entities of this function.")
@top
@continuation_token
@as_json
@target_options
def list_(
    target: Target, name: str | None, top: int, continuation_token: str | None, as_json: bool
) -> None:
    """List entities with their states.

    \b
    Examples:
      embedded-host entities list
      embedded-host entities list --name Counter --top 100 --json
    """
    page = target.reader().entities(name, top, continuation_token)
    if as_json:
        print_json({"entities": page.items, "continuationToken": page.token})
        return
    rows = [
        (
            item["entityId"]["name"],
            item["entityId"]["key"],
            item["lastOperationTime"],
            shown(item["state"]),
        )
        for item in page.items
    ]
    print_table(("name", "key", "lastOperationTime", "state"), rows, "No entities.")
    if page.token:
        click.echo(f"There are more: --continuation-token {page.token}", err=True)


@command()
@_name
@_key
@as_json
@target_options
def get(target: Target, name: str, key: str, as_json: bool) -> None:
    """Show an entity's state, as JSON in any case.

    \b
    Example:
      embedded-host entities get --name Counter --key visits
    """
    reader = target.reader()
    exists, state = reader.entity(name, key)
    if not exists:
        raise _no_entity(name, key, reader.name)
    print_json(
        {"entityId": {"name": name.lower(), "key": key}, "state": state} if as_json else state
    )


@command()
@_name
@_key
@click.option(
    "--operation", required=True, type=NonEmpty(), metavar="NAME", help="What it is to do."
)
@click.option("--input", metavar="JSON|@FILE", help="The operation's input; @- reads stdin.")
@as_json
@target_options
def signal(
    target: Target, name: str, key: str, operation: str, input: str | None, as_json: bool
) -> None:
    """Have an entity do something, without waiting for it. One that is not there yet comes to be.

    \b
    Example:
      embedded-host entities signal --name Counter --key visits --operation add --input 1
    """
    text = json_text(input, "--input")
    target.host().signal(name, key, operation, sdk_encoded("null" if text is None else text))
    print_result(
        as_json,
        {"entityId": {"name": name.lower(), "key": key}, "operation": operation},
        f"Signalled '{operation}' to '{name}' with the key '{key}'.",
    )


@command()
@_name
@_key
@as_json
@target_options
def delete(target: Target, name: str, key: str, as_json: bool) -> None:
    """Delete an entity with its state and what waits in its inbox.

    \b
    Example:
      embedded-host entities delete --name Counter --key visits
    """
    host = target.host()
    if not host.purge(f"@{name.lower()}@{key}"):
        raise _no_entity(name, key, host.name)
    print_result(
        as_json,
        {"entityId": {"name": name.lower(), "key": key}, "deleted": True},
        f"Deleted '{name}' with the key '{key}'.",
    )


def _no_entity(name: str, key: str, where: str) -> NotFoundError:
    return NotFoundError(f"There is no entity '{name}' with the key '{key}' at {where}. [EH511]")


for _command in (list_, get, signal, delete):
    entities.add_command(_command)
