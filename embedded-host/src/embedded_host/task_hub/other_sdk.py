"""Instances that wait because the app now uses another major version of the SDK."""

from __future__ import annotations

import logging
from typing import Protocol

from embedded_host.engine.orchestration import Orchestration
from embedded_host.engine.status import Status
from embedded_host.store.interface import InstanceQuery, Store
from embedded_host.task_hub.settings import HubSettings

log = logging.getLogger("embedded_host.task_hub")

LINES = 5
"""Maximum number of instances that a report lists. The other instances are only counted."""
_COUNTED = 10_000
"""Maximum number of instances that a report counts."""


class ReportedHub(Protocol):
    """The parts of a task hub that the reporter reads."""

    @property
    def name(self) -> str:
        """Name of the task hub."""

    @property
    def store(self) -> Store:
        """The store of the task hub."""

    @property
    def settings(self) -> HubSettings:
        """The settings of the task hub."""


def needs_other_sdk(state: Orchestration, protocol: int) -> bool:
    """Return True if an app with ``protocol`` cannot replay the history of the instance."""
    return state.protocol != protocol and bool(len(state.history)) and not state.continued


def other_sdk_reason(recorded: int, protocol: int) -> str:
    """Return the clause and the advice for an instance that another version has started.

    ``recorded`` is the protocol of the instance, and ``protocol`` is the protocol of the app.
    """
    return (
        f"because it was started with version {recorded}.x of azure-functions-durable, and the app "
        f"now uses {protocol}.x, which cannot replay its history. Start the app with the earlier "
        "version until the instance has finished, or terminate it. [EH411]"
    )


class OtherSdkReporter:
    """Logs each instance that another version of the SDK must continue, once per version."""

    def __init__(self, hub: ReportedHub) -> None:
        self._hub = hub
        self._reported: set[str] = set()
        self._protocol: int | None = None

    def report_all(self) -> None:
        """Log the waiting instances of the store, if the app's version of the SDK has changed."""
        protocol = self._hub.settings.functions.protocol
        if protocol == self._protocol:
            return
        self._protocol = protocol
        self._reported.clear()
        query = InstanceQuery(
            statuses=(Status.RUNNING.value, Status.SUSPENDED.value),
            entities=False,
            other_protocol=protocol,
        )
        rows = self._hub.store.list(self._hub.name, query, _COUNTED)
        waiting = [row for row in rows if not row.continued]
        self._reported.update(row.id for row in waiting)
        if len(waiting) == 1:
            [row] = waiting
            self._log(row.id, row.name, row.protocol, protocol)
        elif waiting:
            more = len(waiting) - LINES
            log.error(
                "%d instances wait, because they were started with version %d.x of "
                "azure-functions-durable, and the app now uses %d.x, which cannot replay their "
                "histories: %s%s. Start the app with the earlier version until the instances have "
                "finished, or terminate them. [EH411]",
                len(waiting),
                waiting[0].protocol,
                protocol,
                ", ".join(f"'{row.id}' of '{row.name}'" for row in waiting[:LINES]),
                f" and {more} more" if more > 0 else "",
            )

    def report(self, state: Orchestration) -> None:
        """Log an instance that has received a message, if it has not been logged."""
        if state.instance_id not in self._reported:
            self._reported.add(state.instance_id)
            protocol = self._hub.settings.functions.protocol
            self._log(state.instance_id, state.name, state.protocol, protocol)

    def _log(self, instance_id: str, name: str, recorded: int, protocol: int) -> None:
        log.error(
            "The instance '%s' of '%s' waits, %s",
            instance_id,
            name,
            other_sdk_reason(recorded, protocol),
        )
