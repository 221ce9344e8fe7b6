"""Runs again from its start at every turn: what depends on clock, network or chance belongs into an activity."""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df


def orchestrate(context: df.DurableOrchestrationContext) -> Generator[Any, Any, list[str]]:
    tokyo = yield context.call_activity("SayHello", "Tokyo")
    seattle = yield context.call_activity("SayHello", "Seattle")
    london = yield context.call_activity("SayHello", "London")
    return [tokyo, seattle, london]


main = df.Orchestrator.create(orchestrate)
