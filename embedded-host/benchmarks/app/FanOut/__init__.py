"""An orchestrator that runs activities in parallel."""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df


def orchestrate(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Run activities in parallel. The input is their number, the output the number of results."""
    greetings = yield context.task_all(
        [
            context.call_activity("HelloActivity", str(number))
            for number in range(int(context.get_input()))
        ]
    )
    return len(greetings)


main = df.Orchestrator.create(orchestrate)
