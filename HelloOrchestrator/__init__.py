"""An orchestrator that calls HelloActivity.

The host replays an orchestrator from its start in each turn, so it must be deterministic. Code that
depends on the clock, the network or the machine belongs in an activity.
"""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df


def orchestrate(context: df.DurableOrchestrationContext) -> Generator[Any, Any, str]:
    """Return the result of HelloActivity."""
    message: str = yield context.call_activity("HelloActivity")
    return message


main = df.Orchestrator.create(orchestrate)
