"""Rows of instances."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from embedded_host.engine.events import ParentInstance
from embedded_host.store.interface import InstanceRow, SaveInstance

T0 = datetime(2026, 1, 2, tzinfo=timezone.utc)


def row(
    key: int,
    id: str,
    name: str = "F",
    status: str = "Running",
    hub: str = "Hub",
    parent: ParentInstance | None = None,
) -> SaveInstance:
    """Return the change that saves an instance. Its creation time is its key in seconds."""
    created = T0 + timedelta(seconds=key)
    return SaveInstance(
        InstanceRow(
            key,
            hub,
            id,
            name,
            status,
            created,
            created + timedelta(seconds=100 - key),
            "e",
            parent=parent,
        )
    )
