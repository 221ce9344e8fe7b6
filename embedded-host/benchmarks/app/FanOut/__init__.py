from collections.abc import Generator
from typing import Any

import azure.durable_functions as df


def orchestrate(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Input: how many activities run side by side. Output: how many came back."""
    greetings = yield context.task_all(
        [
            context.call_activity("HelloActivity", str(number))
            for number in range(int(context.get_input()))
        ]
    )
    return len(greetings)


main = df.Orchestrator.create(orchestrate)
