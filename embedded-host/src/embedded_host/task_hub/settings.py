"""Settings of a task hub, from host.json and the app."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from embedded_host.engine.functions import DurableFunctions


def default_concurrency() -> int:
    """Return the Functions host's default for activities and orchestrators: 10 for each processor."""
    return 10 * (os.cpu_count() or 1)


@dataclass
class HubSettings:
    functions: DurableFunctions = field(default_factory=DurableFunctions)
    max_activities: int = field(default_factory=default_concurrency)
    max_orchestrators: int = field(default_factory=default_concurrency)
    max_entity_batch: int = 5000
    store_inputs: bool = False
    http_sleep_ms: int = 30000
    any_state_is_overridable: bool = False
    default_version: str | None = None
    """Of orchestrations that are started without one; their children have it too (the documentation of versioning)."""
    replayed_up_to: int = 0
    """Histories of up to this many events are replayed at every turn, as on the Functions host, so that non-deterministic
    orchestrators fail early."""
