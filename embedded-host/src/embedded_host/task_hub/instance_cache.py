"""The instances in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from embedded_host.engine.orchestration import Orchestration
from embedded_host.task_hub.instances import LoadedInstance

WAITING = 400
"""Limit of idle instances in memory. Others are read again when a message arrives for them."""


class InstanceCache:
    """All busy instances, and up to ``WAITING`` idle ones."""

    def __init__(self) -> None:
        self._instances: dict[str, LoadedInstance] = {}
        self._waiting: OrderedDict[str, LoadedInstance] = OrderedDict()
        """Idle instances, the longest idle first."""

    def get(self, instance_id: str) -> LoadedInstance | None:
        return self._instances.get(instance_id)

    def __contains__(self, instance: LoadedInstance) -> bool:
        """Return true for this very instance, not for a later one with its id."""
        return self._instances.get(instance.id) is instance

    def __iter__(self) -> Iterator[LoadedInstance]:
        return iter(self._instances.values())

    def adopt(self, instance: LoadedInstance) -> None:
        self._instances[instance.id] = instance

    def forget(self, instance: LoadedInstance) -> None:
        if instance in self:
            del self._instances[instance.id]
        self._waiting.pop(instance.id, None)

    def works(self, instance: LoadedInstance) -> None:
        """Mark an instance as busy: it stays in memory."""
        self._waiting.pop(instance.id, None)

    def waits(self, instance: LoadedInstance) -> None:
        """Mark an instance as idle, and evict the longest idle one beyond the limit."""
        self._waiting[instance.id] = instance
        self._waiting.move_to_end(instance.id)
        while len(self._waiting) > WAITING:
            _, longest = self._waiting.popitem(last=False)
            self._instances.pop(longest.id, None)
            if isinstance(longest.state, Orchestration):
                longest.state.drop_execution()
