"""An orchestrator that waits for an external event."""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df


def orchestrate(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Return the value of the event Go."""
    return (yield context.wait_for_external_event("Go"))


main = df.Orchestrator.create(orchestrate)
