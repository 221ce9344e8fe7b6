"""The commands ``export`` and ``import``, which write and read a file with one instance."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path

import click

from embedded_host.cli.arguments import NonEmpty, as_json, instance_id
from embedded_host.cli.command import CommandError, NotAllowedError, command, no_instance
from embedded_host.cli.instance_document import (
    InstanceDocument,
    changes,
    from_status,
    from_store,
    parse_document,
)
from embedded_host.cli.instances import require
from embedded_host.cli.output import print_json, print_result, printable
from embedded_host.cli.state_file import StateFile, state_lock
from embedded_host.cli.status_import import state_to_import
from embedded_host.cli.target import Target, state_file_options, target_options
from embedded_host.store.files import STATE_FILE
from embedded_host.store.interface import DeleteInstance
from embedded_host.store.sqlite import SqliteStore


@command()
@instance_id
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The file to write. Default: stdout.",
)
@target_options
def export(target: Target, instance_id: str, output: Path | None) -> None:
    """Export an instance with its history as JSON.

    An export from a state file is complete: an unfinished instance continues after the import. A
    running host does not need to stop. An export from a host (--url) contains only the status of
    the management API. It can be imported if the instance has finished or has not scheduled a task,
    such as an activity or a timer.

    Examples:
      embedded-host export --id order-7 -o order-7.json
      embedded-host export --id order-7 --url https://my-app.azurewebsites.net --code KEY
    """
    document = _from_state(target, instance_id) if not target.url else None
    if document is None:
        reader = target.reader()
        status = require(reader.instance(instance_id, history=True), instance_id, reader.name)
        document = from_status(status, reader.name)
    if output is None:
        print_json(document.as_json())
        return
    try:
        output.write_text(json.dumps(document.as_json(), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error}. [EH532]") from error
    click.echo(f"Wrote {output}.", err=True)


def _from_state(target: Target, instance_id: str) -> InstanceDocument | None:
    """Return the document of an instance in the state file.

    Returns None if there is no state file. Without ``--state``, also returns None if the file does
    not contain the instance, because a running host may use another state folder.
    """
    path = target.state_folder / STATE_FILE
    if not path.is_file():
        return None
    state = StateFile(path, target.hub, target.app_hub())
    with state.open() as store:
        row = store.instance(state.hub, instance_id)
        if row is None and target.state is None:
            return None
        click.echo(f"State: {state.name} (read-only)", err=True)
        if row is None:
            raise no_instance(instance_id, state.name)
        return from_store(store, row, str(path))


@command("import")
@click.argument("file", metavar="FILE")
@click.option(
    "--id",
    "new_id",
    type=NonEmpty(),
    metavar="ID",
    help="The new instance id. Default: the exported id.",
)
@click.option("--replace", is_flag=True, help="Replace an existing instance with the same id.")
@as_json
@state_file_options
def import_(target: Target, file: str, new_id: str | None, replace: bool, as_json: bool) -> None:
    """Import an exported instance into a state file.

    FILE is the output of embedded-host export. If FILE is -, the command reads stdin.

    Stop the host before the import. The instance continues when the host starts again.

    Examples:
      embedded-host import order-7.json
      embedded-host import order-7.json --state .embedded-host --id order-7-again
    """
    if target.url:
        raise click.UsageError(
            "The management API cannot import instances: omit --url, and select a state folder "
            "with --state. [EH520]"
        )
    document = _read(file)
    imported = state_to_import(document)
    path = target.state_folder / STATE_FILE
    app_hub = target.app_hub()
    with state_lock(target.state_folder):
        if path.is_file():
            hub = StateFile(path, target.hub, app_hub or document.task_hub).hub
        else:
            hub = target.hub or app_hub or document.task_hub or "TestHubName"
        click.echo(printable(f"State: {path}, task hub {hub}"), err=True)
        with closing(SqliteStore(path)) as store:
            instance_id = new_id or document.instance_id
            existing = store.instance(hub, instance_id)
            if existing is not None and not replace:
                raise NotAllowedError(
                    f"An instance '{instance_id}' exists in {path} ({existing.status}). Pass "
                    "--replace to replace it, or another id with --id. [EH513]"
                )
            store.write(
                [
                    *([DeleteInstance(existing.key)] if existing else []),
                    *changes(imported, hub, instance_id, store.highest_keys()),
                ]
            )
    print_result(
        as_json,
        {"instanceId": instance_id, "taskHub": hub, "state": str(path)},
        f"Imported the instance '{instance_id}'.",
    )


def _read(file: str) -> InstanceDocument:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
        document = json.loads(text)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error}. [EH540]") from error
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{file} is not valid JSON: {error}. [EH540]") from error
    return parse_document(document, file)
