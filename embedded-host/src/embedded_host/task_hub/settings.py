"""Settings of a task hub, from host.json and the app."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from embedded_host.engine.functions import DurableFunctions

REPLAYED_INSTANCES = 20
"""The default of ``--replayed-instances``."""


def default_concurrency() -> int:
    """Return the default limit of the Azure Functions host: 10 for each processor."""
    return 10 * (os.cpu_count() or 1)


@dataclass
class HubSettings:
    """The settings of a task hub, most of them from host.json."""

    functions: DurableFunctions = field(default_factory=DurableFunctions)
    max_activities: int = field(default_factory=default_concurrency)
    max_orchestrators: int = field(default_factory=default_concurrency)
    max_entity_batch: int = 5000
    store_inputs: bool = False
    http_sleep_ms: int = 30000
    any_state_is_overridable: bool = False
    default_version: str | None = None
    """Version of instances and sub-orchestrations that are started without a version."""
    version_match_strategy: str = "None"
    """The versions that the Azure Functions host runs: ``None``, ``Strict``, ``CurrentOrOlder``."""
    uses_azure_storage: bool = True
    """False if host.json selects another storage provider of the Azure Functions host."""
    strict: bool = False
    """True if functions fail as on the Azure Functions host (``--parity strict``)."""
    replayed_instances: int = REPLAYED_INSTANCES
    """Number of instances of each orchestrator that are replayed (``task_hub/replays.py``)."""
    replayed_up_to: int = 1000
    """Maximum number of events in a history that every turn of these instances replays."""
