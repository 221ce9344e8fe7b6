from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df


def orchestrate(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Input: seconds."""
    yield context.create_timer(
        context.current_utc_datetime + timedelta(seconds=context.get_input())
    )


main = df.Orchestrator.create(orchestrate)
