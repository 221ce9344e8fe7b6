"""The deletion of instances of a task hub, with their sub-orchestrations on request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from embedded_host.engine.events import SubOrchestrationInstanceCreated
from embedded_host.engine.status import FINISHED, UNFINISHED
from embedded_host.parity.kinds.events import PURGE
from embedded_host.parity.kinds.sdk2 import RECURSIVE_PURGE
from embedded_host.store.interface import InstanceQuery, InstanceRow, Store
from embedded_host.task_hub.hub import TaskHub
from embedded_host.task_hub.instances import is_terminal

BATCH = 50
"""Number of instances that are deleted before other work runs on the event loop."""

REPORTED = 100
"""Maximum number of instances for which a purge adds findings."""


@dataclass(frozen=True)
class Purged:
    """The result of ``purge_many``."""

    count: int
    """Number of deleted instances."""
    is_complete: bool
    """False if the time limit ended the deletion."""


async def delete(hub: TaskHub, rows: Sequence[InstanceRow]) -> int:
    """Delete instances, and return their number."""
    if rows:
        for row in rows:
            instance = hub.cached(row.id)
            if instance is not None and instance.key == row.key:
                hub.forget(instance)
        await hub.delete([row.key for row in rows])
    return len(rows)


async def purge(hub: TaskHub, rows: Iterable[InstanceRow], *, recursive: bool = False) -> int:
    """Delete instances, and return the number of deleted instances.

    If ``recursive`` is True, their finished sub-orchestrations are deleted too.
    """
    found = list(rows)
    return await delete(hub, _with_children(hub, found) if recursive else found)


async def purge_many(
    hub: TaskHub, query: InstanceQuery, *, recursive: bool = False, seconds: float | None = None
) -> Purged:
    """Delete the finished orchestrations that match ``query``, for at most ``seconds``.

    If the query has no final status, the Azure Functions host deletes all instances of the period,
    also running ones and entities (functions-host.md#list-and-purge). In strict mode, this function
    does so too.

    The event loop runs other work after each ``BATCH`` instances.
    """
    deleted = 0
    deadline = None if seconds is None else time.monotonic() + seconds
    statuses = tuple(status for status in query.statuses if status in FINISHED)
    if not statuses:
        report_purge(hub, query)
        if hub.settings.strict:
            query = replace(query, entities=None)
        elif query.statuses:
            return Purged(0, is_complete=True)
        else:
            statuses = FINISHED
    query = replace(query, statuses=statuses)
    while True:
        rows, last = hub.store.scan(hub.name, query, BATCH)
        deleted += await purge(hub, rows, recursive=recursive)
        if last is None:
            break
        if deadline is not None and time.monotonic() >= deadline:
            return Purged(deleted, is_complete=False)
        query = replace(query, after_id=last)
        await asyncio.sleep(0)
    return Purged(deleted, is_complete=True)


def report_purge(hub: TaskHub, query: InstanceQuery) -> None:
    """Add a finding for each instance that only the Azure Functions host would delete.

    If the query has no final status, these are the unfinished instances.
    """
    final = tuple(status for status in query.statuses if status in FINISHED)
    wanted = replace(query, statuses=final or UNFINISHED, entities=False)
    rows, _ = hub.store.scan(hub.name, wanted, REPORTED)
    for row in rows:
        hub.findings.add(
            PURGE,
            row.name,
            instance_id=row.id,
            detail=f"The status of the instance '{row.id}' is {row.status}.",
        )


def _with_children(hub: TaskHub, rows: Sequence[InstanceRow]) -> list[InstanceRow]:
    """Return the rows and the rows of their finished sub-orchestrations, without duplicates.

    The history of an instance contains the ids of its sub-orchestrations. It does not contain those
    of earlier executions, before a continue-as-new. On Azure Storage, a purge leaves the
    sub-orchestrations, also here in strict mode.
    """
    found = {row.key: row for row in rows}
    pending = list(found.values())
    while pending:
        parent = pending.pop()
        for id in _child_ids(hub.store, parent):
            child = hub.store.instance(hub.name, id)
            if (
                child is not None
                and child.key not in found
                and is_terminal(child)
                and child.parent is not None
                and child.parent.orchestration_instance.instance_id == parent.id
            ):
                if hub.findings.host.uses_azure_storage:
                    hub.findings.add(RECURSIVE_PURGE, parent.name)
                    if hub.settings.strict:
                        continue
                found[child.key] = child
                pending.append(child)
    return list(found.values())


def _child_ids(store: Store, row: InstanceRow) -> list[str]:
    return [
        event.instance_id
        for turn in store.history(row.key)
        for event in turn
        if isinstance(event, SubOrchestrationInstanceCreated)
    ]
