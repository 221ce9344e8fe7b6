"""The command ``entities``: list, read, signal and delete entities."""

from __future__ import annotations

import click

from embedded_host.cli.arguments import (
    NonEmpty,
    as_json,
    completed_by,
    continuation_token,
    json_argument,
    sdk_encoded,
    top,
)
from embedded_host.cli.command import NotFoundError, command, keep_examples
from embedded_host.cli.output import format_cell, print_json, print_result, print_table
from embedded_host.cli.target import Target, host_options, target_options

_name = click.option(
    "--name",
    required=True,
    type=NonEmpty(),
    metavar="NAME",
    shell_complete=completed_by("entity names"),
    help="The entity function's name.",
)
_key = click.option(
    "--key",
    required=True,
    metavar="KEY",
    shell_complete=completed_by("entity keys"),
    help="The entity's key.",
)


@keep_examples
@click.group()
def entities() -> None:
    """List, read, signal and delete entities.

    Examples:
      embedded-host entities list
      embedded-host entities get --name Counter --key visits
    """


@command("list")
@click.option(
    "--name",
    type=NonEmpty(),
    metavar="NAME",
    shell_complete=completed_by("entity names"),
    help="Only entities of this function.",
)
@top
@continuation_token
@as_json
@target_options
def list_(
    target: Target, name: str | None, top: int, continuation_token: str | None, as_json: bool
) -> None:
    """List entities and their states.

    Examples:
      embedded-host entities list
      embedded-host entities list --name Counter --top 100 --json
    """
    page = target.reader().entities(name, top, continuation_token)
    if as_json:
        print_json(
            {
                "entities": [entity.document for entity in page.items],
                "continuationToken": page.token,
            }
        )
        return
    rows = [
        (
            entity.name,
            entity.key,
            entity.last_operation,
            format_cell(entity.state),
        )
        for entity in page.items
    ]
    print_table(("name", "key", "lastOperationTime", "state"), rows, "There are no entities.")
    if page.token:
        click.echo(f"To list the next page, pass --continuation-token {page.token}", err=True)


@command()
@_name
@_key
@as_json
@target_options
def get(target: Target, name: str, key: str, as_json: bool) -> None:
    """Print an entity's state as JSON.

    With --json, the document also contains the entity id.

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
@click.option("--operation", required=True, type=NonEmpty(), metavar="NAME", help="The operation.")
@click.option(
    "--input",
    metavar="JSON|@FILE",
    help="The operation's input as JSON. @FILE reads a file, and @- reads stdin.",
)
@as_json
@host_options
def signal(
    target: Target, name: str, key: str, operation: str, input: str | None, as_json: bool
) -> None:
    """Send an operation to an entity. The command does not wait until the operation runs.

    The first signal creates the entity.

    Example:
      embedded-host entities signal --name Counter --key visits --operation add --input 1
    """
    operation_input = json_argument(input, "--input") or "null"
    target.host().signal(name, key, operation, sdk_encoded(operation_input))
    print_result(
        as_json,
        {"entityId": {"name": name.lower(), "key": key}, "operation": operation},
        f"Sent the operation '{operation}' to the entity '{name}' with the key '{key}'.",
    )


@command()
@_name
@_key
@as_json
@host_options
def delete(target: Target, name: str, key: str, as_json: bool) -> None:
    """Delete an entity with its state and pending operations.

    Example:
      embedded-host entities delete --name Counter --key visits
    """
    host = target.host()
    if not host.purge(f"@{name.lower()}@{key}"):
        raise _no_entity(name, key, host.name)
    print_result(
        as_json,
        {"entityId": {"name": name.lower(), "key": key}, "deleted": True},
        f"Deleted the entity '{name}' with the key '{key}'.",
    )


def _no_entity(name: str, key: str, source: str) -> NotFoundError:
    return NotFoundError(f"There is no entity '{name}' with the key '{key}' at {source}. [EH511]")


for _command in (list_, get, signal, delete):
    entities.add_command(_command)
