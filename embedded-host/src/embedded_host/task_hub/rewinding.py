"""Rewinds failed instances of a task hub and their failed sub-orchestrations."""

from __future__ import annotations

from embedded_host.engine import history as h
from embedded_host.engine.events import SubOrchestrationInstanceCreated
from embedded_host.engine.messages import Message
from embedded_host.engine.orchestration import Orchestration
from embedded_host.engine.rewind import rewind as rewound_history
from embedded_host.engine.status import Status
from embedded_host.engine.timestamps import format_utc
from embedded_host.store import interface as c
from embedded_host.task_hub.hub import TaskHub
from embedded_host.task_hub.instances import is_terminal, row_of
from embedded_host.task_hub.unit_of_work import UnitOfWork


async def rewind(hub: TaskHub, instance_id: str, reason: str | None) -> None:
    """Rewind a failed instance and its failed sub-orchestrations."""
    # The store may contain the failure before the instance in memory does.
    await hub.settle()
    unit = UnitOfWork()
    _rewind(hub, instance_id, reason, unit)
    await hub.record(unit)


def _rewind(hub: TaskHub, instance_id: str, reason: str | None, unit: UnitOfWork) -> None:
    """Add the rewind of an instance and its sub-orchestrations to ``unit``."""
    instance = hub.find(instance_id)
    if instance is None or not isinstance(instance.state, Orchestration):
        return
    state, now = instance.state, hub.clock.now()
    if state.status is not Status.FAILED:
        return
    created = [
        e.instance_id
        for e in state.history.events
        if isinstance(e, SubOrchestrationInstanceCreated)
    ]
    rows = {child: hub.store.instance(hub.name, child) for child in created}
    rewound = rewound_history(
        state.history.events,
        reason,
        [child for child, row in rows.items() if row is None or row.status != Status.FAILED.value],
        running=[child for child, row in rows.items() if row and not is_terminal(row)],
        protocol=state.protocol,
        at=format_utc(now),
    )
    state.history = h.History(rewound.events)
    state.status, state.output, state.updated_at = Status.PENDING, None, now
    state.drop_execution()
    unit.changes.append(c.DeleteHistory(instance.key))
    unit.changes.append(c.AppendHistory(instance.key, 0, tuple(rewound.events)))
    unit.changes.append(c.SaveInstance(row_of(hub.name, instance)))
    instance.turns = 1
    hub.adopt(instance)
    for child in rewound.failed_children:
        _rewind(hub, child, reason, unit)
    if not rewound.failed_children:
        event = h.generic(now, reason or "rewind")
        hub.units.deliver(instance, Message(event), unit)
