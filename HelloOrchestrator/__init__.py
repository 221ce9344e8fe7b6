"""Asks HelloActivity for the message.

The function below is replayed from the start at every turn, so it must decide the same way each time: whatever depends
on the clock, the network or the machine belongs into an activity.
"""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df


def orchestrate(context: df.DurableOrchestrationContext) -> Generator[Any, Any, str]:
    """Return what HelloActivity returns."""
    message: str = yield context.call_activity("HelloActivity")
    return message


main = df.Orchestrator.create(orchestrate)
