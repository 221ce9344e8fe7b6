"""The cache of the instances in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from embedded_host.engine.orchestration import Orchestration
from embedded_host.task_hub.instances import LoadedInstance

WAITING = 400
"""Maximum number of idle instances in memory. A message for any other instance loads it again."""


class InstanceCache:
    """The busy instances, and up to ``WAITING`` idle ones."""

    def __init__(self) -> None:
        self._instances: dict[str, LoadedInstance] = {}
        self._waiting: OrderedDict[str, LoadedInstance] = OrderedDict()
        """The idle instances. The first one has been idle for the longest time."""

    def get(self, instance_id: str) -> LoadedInstance | None:
        """Return the instance with this id, or None if it is not in memory."""
        return self._instances.get(instance_id)

    def __contains__(self, instance: LoadedInstance) -> bool:
        """Return true if the cache contains this object.

        A later instance with the same id is another object.
        """
        return self._instances.get(instance.id) is instance

    def __len__(self) -> int:
        return len(self._instances)

    def __iter__(self) -> Iterator[LoadedInstance]:
        return iter(self._instances.values())

    def adopt(self, instance: LoadedInstance) -> None:
        """Add an instance, or replace the one with its id."""
        self._instances[instance.id] = instance

    def forget(self, instance: LoadedInstance) -> None:
        """Remove an instance."""
        if instance in self:
            del self._instances[instance.id]
        self._waiting.pop(instance.id, None)

    def mark_busy(self, instance: LoadedInstance) -> None:
        """Mark an instance as busy, so that it stays in memory."""
        self._waiting.pop(instance.id, None)

    def mark_idle(self, instance: LoadedInstance) -> None:
        """Mark an instance as idle.

        If the limit is exceeded, evict the instance that has been idle for the longest time.
        """
        self._waiting[instance.id] = instance
        self._waiting.move_to_end(instance.id)
        while len(self._waiting) > WAITING:
            _, longest = self._waiting.popitem(last=False)
            self._instances.pop(longest.id, None)
            if isinstance(longest.state, Orchestration):
                longest.state.drop_execution()
