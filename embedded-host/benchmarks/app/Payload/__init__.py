"""An orchestrator that passes its input through an activity."""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df


def orchestrate(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Return the input after an activity has returned it."""
    return (yield context.call_activity("Echo", context.get_input()))


main = df.Orchestrator.create(orchestrate)
