"""The commands ``purge-history`` and ``delete-task-hub``."""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import click

from embedded_host.cli.arguments import NonEmpty, as_json, created_between, runtime_status, statuses
from embedded_host.cli.command import command, no_instance
from embedded_host.cli.output import number_of_instances, print_result
from embedded_host.cli.state_file import state_lock
from embedded_host.cli.target import Target, host_options, state_file_options
from embedded_host.engine.status import FINISHED
from embedded_host.store.interface import InstanceQuery

if TYPE_CHECKING:
    from embedded_host.cli.state_file import StateFile

_EARLIEST = datetime(1970, 1, 1, tzinfo=timezone.utc)


@command("purge-history")
@created_between
@runtime_status
@click.option(
    "--id", "instance_id", type=NonEmpty(), metavar="ID", help="Delete only this instance."
)
@as_json
@host_options
def purge_history(
    target: Target,
    created_after: datetime | None,
    created_before: datetime | None,
    runtime_status: tuple[str, ...],
    more_statuses: tuple[str, ...],
    instance_id: str | None,
    as_json: bool,
) -> None:
    """Delete finished instances with their histories. Unfinished instances are kept.

    Examples:
      embedded-host purge-history --created-before 2026-01-01
      embedded-host purge-history --runtime-status completed terminated
      embedded-host purge-history --id order-7
    """
    if instance_id is not None and (created_after or created_before or runtime_status):
        raise click.UsageError("--id cannot be combined with the options that select instances.")
    # The request always contains statuses. Without a status, the Azure Functions host also deletes
    # running instances (functions-host.md#list-and-purge).
    query = InstanceQuery(
        statuses=statuses(runtime_status, more_statuses, FINISHED) or FINISHED,
        created_from=created_after or _EARLIEST,
        created_to=created_before,
    )
    host = target.host()
    deleted = host.purge_many(query) if instance_id is None else host.purge(instance_id)
    if instance_id is not None and not deleted:
        raise no_instance(instance_id, host.name)
    print_result(
        as_json,
        {"instancesDeleted": deleted},
        f"Deleted {deleted} instance{'' if deleted == 1 else 's'}.",
    )


@command("delete-task-hub")
@click.option("--yes", is_flag=True, help="Delete without confirmation.")
@as_json
@state_file_options
def delete_task_hub(target: Target, yes: bool, as_json: bool) -> None:
    """Delete all instances and entities of a task hub.

    The command also deletes running instances. Stop the host first.

    Examples:
      embedded-host delete-task-hub
      embedded-host delete-task-hub --state .embedded-host --task-hub-name HelloHub --yes
    """
    if target.url:
        raise click.UsageError(
            "The management API cannot delete a task hub. For an embedded host, stop it and omit "
            "--url. For an Azure Functions host, run func durable delete-task-hub. [EH520]"
        )
    from embedded_host.cli.state_file import StateFile

    path = target.state_path()
    with state_lock(target.state_folder):
        state = StateFile(path, target.hub, target.app_hub())
        click.echo(f"State: {state.name}", err=True)
        with state.open() as store:
            count = store.count(state.hub)
        if not yes:
            if not sys.stdin.isatty():
                raise click.UsageError(
                    f"This deletes {number_of_instances(count)} permanently: confirm with --yes."
                )
            click.confirm(
                f"Delete {number_of_instances(count)} of {state.hub} permanently?",
                abort=True,
                err=True,
            )
        _delete(state)
    print_result(
        as_json,
        {"taskHub": state.hub, "instancesDeleted": count},
        f"Deleted the task hub {state.hub} with {number_of_instances(count)}.",
    )


def _delete(state: StateFile) -> None:
    """Delete the task hub. The caller holds the state lock."""
    from embedded_host.store.interface import DeleteTaskHub
    from embedded_host.store.sqlite import SqliteStore

    with closing(SqliteStore(state.path)) as store:
        store.write([DeleteTaskHub(state.hub)])
        while store.release_pages(10_000):
            pass
