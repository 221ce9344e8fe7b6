"""The functions of a task hub of the scheduler: the workers register them."""

from __future__ import annotations

from embedded_host.engine.functions import DurableFunctions, FunctionNames
from embedded_host.engine.sdk_protocols import SDK_2X


class AnyName(FunctionNames):
    """A collection with every name, because a worker that connects later may register it."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

    def registered(self, name: str) -> str:
        """Return the name unchanged, because workers compare names with regard to case."""
        return name


def any_functions() -> DurableFunctions:
    """Return durable functions of all names."""
    return DurableFunctions(AnyName("orchestrator"), AnyName("activity"), AnyName("entity"), SDK_2X)
