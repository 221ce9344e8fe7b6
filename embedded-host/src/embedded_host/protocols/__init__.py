"""Adapters between the engine and the Durable Functions SDK.

Each version of the SDK's protocol has a package.
"""

from __future__ import annotations

from typing import Protocol

from embedded_host.engine.failures import UserError
from embedded_host.engine.invocations import (
    EntityInput,
    EntityOutput,
    InvocationFailure,
    OrchestratorInput,
    OrchestratorResult,
    ReplayProgress,
)
from embedded_host.engine.sdk_protocols import SDK_1X, SDK_2X
from embedded_host.protocols import v1, v2


class Adapter(Protocol):
    """Converts between the engine's types and the payloads and outputs of one protocol."""

    def orchestrator_payload(self, turn: OrchestratorInput, /) -> str:
        """Return the payload of a turn with the whole history."""

    def unseen_events(self, turn: OrchestratorInput, /) -> str:
        """Return the payload of a turn with the events that the worker has not seen."""

    def orchestrator_result(
        self, returned: str | UserError, progress: ReplayProgress | None, /
    ) -> OrchestratorResult:
        """Parse the value that an orchestrator returned, or the exception that it raised."""

    def activity_error(self, error: UserError, /) -> UserError:
        """Return the error of an activity as it is recorded."""

    def entity_payload(self, batch: EntityInput, /) -> str:
        """Return the payload of a batch of operations."""

    def entity_result(
        self, returned: str | UserError, operations: int, /
    ) -> EntityOutput | InvocationFailure:
        """Parse the value that an entity function returned for a batch."""


_ADAPTERS: dict[int, Adapter] = {SDK_1X: v1, SDK_2X: v2}


def adapter(protocol: int) -> Adapter:
    """Return the adapter of a version of the protocol."""
    return _ADAPTERS[protocol]
