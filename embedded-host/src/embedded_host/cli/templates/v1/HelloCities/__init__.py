"""An orchestrator that calls an activity for each of three cities.

The host replays an orchestrator from its start, so its code must be deterministic. Read the clock,
use the network and generate random numbers only in activities.
"""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df


def orchestrate(context: df.DurableOrchestrationContext) -> Generator[Any, Any, list[str]]:
    """Return three greetings."""
    tokyo = yield context.call_activity("SayHello", "Tokyo")
    seattle = yield context.call_activity("SayHello", "Seattle")
    london = yield context.call_activity("SayHello", "London")
    return [tokyo, seattle, london]


main = df.Orchestrator.create(orchestrate)
