"""An orchestrator with one activity."""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df


def orchestrate(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Return the greeting of World."""
    return (yield context.call_activity("HelloActivity", "World"))


main = df.Orchestrator.create(orchestrate)
