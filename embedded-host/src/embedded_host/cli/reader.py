"""What commands read: from a running host or from a state file, in the management API's own JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from embedded_host.store.interface import InstanceQuery

Json = dict[str, Any]


@dataclass(frozen=True)
class Page:
    items: list[Json]
    token: str | None
    """Where the next page begins; None on the last one."""


class Reader(Protocol):
    name: str
    """For people: the host's URL, or the state file."""

    def instance(
        self, instance_id: str, *, history: bool = False, diagnosis: bool = False
    ) -> Json | None:
        """The status with input and output; ``history`` adds ``historyEvents``, and ``diagnosis`` that, where it is known."""

    def instances(
        self, query: InstanceQuery, top: int, token: str | None = None, *, show_input: bool = False
    ) -> Page: ...

    def entities(self, name: str | None, top: int, token: str | None = None) -> Page:
        """``entityId``, ``lastOperationTime`` and ``state`` of each."""

    def entity(self, name: str, key: str) -> tuple[bool, object]:
        """Whether it exists, and its state."""
