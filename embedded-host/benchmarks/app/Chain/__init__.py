from collections.abc import Generator
from typing import Any

import azure.durable_functions as df


def orchestrate(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Input: how many activities run one after the other. Output: how many came back."""
    done = 0
    for number in range(int(context.get_input())):
        yield context.call_activity("HelloActivity", str(number))
        done += 1
    return done


main = df.Orchestrator.create(orchestrate)
