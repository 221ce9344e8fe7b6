"""An orchestrator that calls HelloActivity.

The host can replay an orchestrator from its beginning in each turn, so the code of an orchestrator
must be deterministic. Code that depends on the clock, the network or the machine must be in an
activity.
"""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df


def orchestrate(context: df.DurableOrchestrationContext) -> Generator[Any, Any, str]:
    """Return the result of HelloActivity."""
    message: str = yield context.call_activity("HelloActivity")
    return message


main = df.Orchestrator.create(orchestrate)
