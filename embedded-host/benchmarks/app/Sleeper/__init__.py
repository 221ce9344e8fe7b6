"""An orchestrator that waits for a durable timer."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df


def orchestrate(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Wait for the number of seconds in the input."""
    yield context.create_timer(
        context.current_utc_datetime + timedelta(seconds=context.get_input())
    )


main = df.Orchestrator.create(orchestrate)
