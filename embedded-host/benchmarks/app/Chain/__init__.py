"""An orchestrator that runs activities in sequence."""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df


def orchestrate(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Run activities in sequence. The input is their number, the output the number of results."""
    done = 0
    for number in range(int(context.get_input())):
        yield context.call_activity("HelloActivity", str(number))
        done += 1
    return done


main = df.Orchestrator.create(orchestrate)
