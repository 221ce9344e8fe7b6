"""An action on all instances that match a query, in steps of limited time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from embedded_host.engine.status import FINISHED, UNFINISHED, Status
from embedded_host.errors import EmbeddedHostError
from embedded_host.store.interface import InstanceQuery, InstanceRow
from embedded_host.task_hub.client import HubClient

BATCH = 50
"""Number of instances whose changes are written together, before other work runs."""
EXAMINED = 500
"""Number of instances that are examined before other work runs."""
REPORTED = 5
"""Maximum number of errors in a result."""


@dataclass
class BulkResult:
    """The result of one step."""

    done: int = 0
    """Number of changed instances."""
    skipped: int = 0
    """Number of matching instances whose status does not allow the action."""
    failed: int = 0
    errors: list[tuple[str, str]] = field(default_factory=list)
    """The instance ids and the messages of the first failures."""
    after_id: str | None = None
    """The last examined id. The next step continues after it. None if all are examined."""


@dataclass(frozen=True)
class _Action:
    statuses: frozenset[str]
    """The statuses that allow the action."""
    run: Callable[[HubClient, str, str | None], Awaitable[object]]
    with_parent: bool = False
    """True if the action on a parent includes its sub-orchestrations."""


_ACTIONS: Mapping[str, _Action] = {
    "terminate": _Action(
        frozenset(UNFINISHED), lambda client, id, reason: client.terminate(id, reason)
    ),
    "suspend": _Action(
        frozenset(UNFINISHED) - {Status.SUSPENDED.value},
        lambda client, id, reason: client.suspend(id, reason),
    ),
    "resume": _Action(
        frozenset({Status.SUSPENDED.value}), lambda client, id, reason: client.resume(id, reason)
    ),
    "rewind": _Action(
        frozenset({Status.FAILED.value}),
        lambda client, id, reason: client.rewind(id, reason),
        with_parent=True,
    ),
    "restart": _Action(
        frozenset({*FINISHED, *UNFINISHED}),
        lambda client, id, _: client.restart(id, new_instance_id=True),
        with_parent=True,
    ),
    "purge": _Action(frozenset(FINISHED), lambda client, id, _: client.purge(id)),
}
ACTIONS = tuple(_ACTIONS)
"""The names of the actions."""


async def act_on_all(
    client: HubClient, action: str, query: InstanceQuery, reason: str | None, seconds: float
) -> BulkResult:
    """Run an action on the instances that match ``query``, in order of id, for about ``seconds``.

    ``action`` is one of ``ACTIONS``. A rewind or restart of an instance includes its matching
    sub-orchestrations, so these are skipped.
    """
    chosen, result = _ACTIONS[action], BulkResult()
    deadline = time.monotonic() + seconds
    while True:
        rows, last = client.hub.store.scan(client.hub.name, query, EXAMINED)
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            await _act(client, chosen, query, reason, batch, result)
            if time.monotonic() >= deadline and (last is not None or start + BATCH < len(rows)):
                result.after_id = batch[-1].id
                return result
        if last is None:
            return result
        query = replace(query, after_id=last)
        if time.monotonic() >= deadline:
            result.after_id = last
            return result
        await asyncio.sleep(0)


async def _act(
    client: HubClient,
    action: _Action,
    query: InstanceQuery,
    reason: str | None,
    rows: list[InstanceRow],
    result: BulkResult,
) -> None:
    allowed = [
        row
        for row in rows
        if row.status in action.statuses
        and not (action.with_parent and _parent_matches(client, action, query, row))
    ]
    result.skipped += len(rows) - len(allowed)
    outcomes = await asyncio.gather(
        *(action.run(client, row.id, reason) for row in allowed), return_exceptions=True
    )
    for row, outcome in zip(allowed, outcomes, strict=True):
        if not isinstance(outcome, BaseException):
            result.done += 1
        elif isinstance(outcome, EmbeddedHostError):
            result.failed += 1
            if len(result.errors) < REPORTED:
                result.errors.append((row.id, str(outcome) or type(outcome).__name__))
        else:
            raise outcome


def _parent_matches(
    client: HubClient, action: _Action, query: InstanceQuery, row: InstanceRow
) -> bool:
    """Return True if the query also matches the parent, and the action includes the parent."""
    if row.parent is None:
        return False
    parent_id = row.parent.orchestration_instance.instance_id
    of_parent = replace(query, id_prefix=parent_id, after_id=None)
    # The id itself is the first one of those that begin with it.
    first, _ = client.hub.store.scan(client.hub.name, of_parent, 1)
    return bool(first) and first[0].id == parent_id and first[0].status in action.statuses
