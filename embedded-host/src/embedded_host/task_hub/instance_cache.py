"""The instances that are in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from embedded_host.engine.orchestration import Orchestration
from embedded_host.task_hub.instances import Instance

WAITING = 400
"""Instances that wait stay in memory up to this many: more are read again when something comes for them."""


class InstanceCache:
    """Those that something is to be done for, and as many of those that wait as there is room for."""

    def __init__(self) -> None:
        self._instances: dict[str, Instance] = {}
        self._waiting: OrderedDict[str, Instance] = OrderedDict()
        """The one that has waited longest is the first."""

    def get(self, instance_id: str) -> Instance | None:
        return self._instances.get(instance_id)

    def __contains__(self, instance: Instance) -> bool:
        """Whether it is this one that is here by its id: not one that has taken its place."""
        return self._instances.get(instance.id) is instance

    def __iter__(self) -> Iterator[Instance]:
        return iter(self._instances.values())

    def adopt(self, instance: Instance) -> None:
        self._instances[instance.id] = instance

    def forget(self, instance: Instance) -> None:
        if instance in self:
            del self._instances[instance.id]
        self._waiting.pop(instance.id, None)

    def works(self, instance: Instance) -> None:
        """It stays until it waits."""
        self._waiting.pop(instance.id, None)

    def waits(self, instance: Instance) -> None:
        """It stays while there is room."""
        self._waiting[instance.id] = instance
        self._waiting.move_to_end(instance.id)
        while len(self._waiting) > WAITING:
            _, longest = self._waiting.popitem(last=False)
            self._instances.pop(longest.id, None)
            if isinstance(longest.state, Orchestration):
                longest.state.drop_execution()
