"""The instances whose history every turn replays from its start, as on the Azure Functions host.

An orchestrator in memory hides code that is not deterministic. Therefore, the turns of some
instances of each orchestrator replay the whole history. If a replay makes other calls than the
history contains, the instance fails.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from embedded_host.task_hub.settings import HubSettings

REPLAYED_LATER = 50
"""After the first instances of an orchestrator, one in this number is replayed."""


@dataclass
class InstanceReplays:
    """The replays of one instance with the current code."""

    code_version: int
    is_selected: bool
    """False for an instance that stays in memory between its turns."""
    lines: dict[int, str] = field(default_factory=dict)
    """The lines that first made the calls of this execution, by decision id."""
    _free_until: float = 0.0
    """Time of ``time.perf_counter`` until which a turn with a long history does not replay it."""

    def is_due(self, events: int, limit: int, now: float) -> bool:
        """Return True if a turn that begins ``now`` replays the history with ``events`` events.

        Every turn replays a history of at most ``limit`` events. A turn replays a longer history
        unless it begins within the duration of the previous replay after this replay. Replays thus
        take at most half of the time of the instance. Without this rule, the time of an
        orchestrator that never pauses would grow with the square of the length of its history.
        """
        return self.is_selected and (events <= limit or now >= self._free_until)

    def replayed(self, began: float, ended: float) -> None:
        """Record the duration of a turn that has replayed the history."""
        self._free_until = 2 * ended - began


class Replays:
    """Selects the instances that are replayed: the first of each orchestrator, and later some."""

    def __init__(self, settings: HubSettings) -> None:
        self._settings = settings
        self._unselected = InstanceReplays(0, False)
        """The replays of all instances that are not selected, because they do not change."""
        self._instances: dict[str, int] = {}
        """Number of instances with the current code, by lower-case name of the orchestrator."""

    def clear(self) -> None:
        """Start to count the instances again, because the code was reloaded."""
        self._instances.clear()

    def of_instance(
        self, known: InstanceReplays | None, orchestrator: str, code_version: int
    ) -> InstanceReplays:
        """Return the replays of an instance before a turn. ``known`` are those of its last turn."""
        if known is not None and known.code_version == code_version:
            return known
        number = self._instances.get(orchestrator.lower(), 0)
        self._instances[orchestrator.lower()] = number + 1
        first = self._settings.replayed_instances
        is_selected = number < first or (
            first > 0 and (number - first) % REPLAYED_LATER == REPLAYED_LATER - 1
        )
        if is_selected:
            return InstanceReplays(code_version, True)
        if self._unselected.code_version != code_version:
            self._unselected = InstanceReplays(code_version, False)
        return self._unselected
