"""The commands ``purge-history`` and ``delete-task-hub``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import click

from embedded_host.cli.arguments import as_json
from embedded_host.cli.bulk import (
    Selection,
    confirm,
    for_each,
    instances_to_change,
    matching_ids,
)
from embedded_host.cli.command import command, no_instance
from embedded_host.cli.output import number_of, number_of_instances, print_result
from embedded_host.cli.state_file import state_lock
from embedded_host.cli.target import Target, host_options, state_file_options
from embedded_host.engine.status import FINISHED
from embedded_host.store.interface import InstanceQuery

if TYPE_CHECKING:
    from embedded_host.cli.management_api import ManagementClient
    from embedded_host.cli.state_file import StateFile

_EARLIEST = datetime(1970, 1, 1, tzinfo=timezone.utc)


@command("purge-history")
@instances_to_change(FINISHED, all_allowed=True)
@as_json
@host_options
def purge_history(target: Target, selection: Selection, as_json: bool) -> None:
    """Delete finished instances with their histories. Unfinished instances are kept.

    Without --id, the command requires a confirmation. Without any option that selects instances, it
    deletes all finished instances.

    Examples:
      embedded-host purge-history --created-before 30d
      embedded-host purge-history --runtime-status completed terminated --yes
      embedded-host purge-history --id order-7
    """
    host = target.host()
    if selection.instance_id is not None:
        deleted = host.purge(selection.instance_id)
        if not deleted:
            raise no_instance(selection.instance_id, host.name)
    else:
        ids = matching_ids(host, selection.query)
        confirm("delete" if selection.has_filter else "delete all", ids, host.name, selection.yes)
        deleted = _purge(host, selection.query, ids)
    print_result(
        as_json, {"instancesDeleted": deleted}, f"Deleted {number_of(deleted, 'instance')}."
    )


def _purge(host: ManagementClient, query: InstanceQuery, ids: Sequence[str]) -> int:
    """Purge the instances ``ids``, which match ``query``. Return the number of purged instances.

    One request purges them all if the management API has each condition of the query.
    """
    if replace(query, statuses=(), created_from=None, created_to=None) != InstanceQuery():
        return sum(for_each(ids, host.purge, "Deleting")[0].values())
    # The request always contains statuses. Without a status, the Azure Functions host also deletes
    # running instances (functions-host.md#list-and-purge).
    return host.purge_many(replace(query, created_from=query.created_from or _EARLIEST))


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
