"""Names of the app's durable functions, and the message for an unknown name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from embedded_host.engine.sdk_protocols import SDK_1X

HTTP_ACTIVITY = "BuiltIn::HttpActivity"
"""Name of the activity that ``call_http`` schedules (functions-host.md#effects-of-actions)."""
HTTP_ORCHESTRATOR = "BuiltIn__HttpPollOrchestrator"
"""Name of the sub-orchestration that ``call_http`` of SDK 2.x starts."""


@dataclass(frozen=True)
class FunctionNames:
    """The names of an app's functions of one kind.

    Lookups ignore case (functions-host.md#activity-trigger).
    """

    kind: str
    """``orchestrator``, ``activity`` or ``entity``."""
    names: tuple[str, ...] = ()
    unlisted: frozenset[str] = frozenset()
    """Names that error messages omit, because the SDK has defined these functions."""
    _by_lower: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_lower", {name.lower(): name for name in self.names})

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._by_lower

    def registered(self, name: str) -> str:
        """Return the name as the app spells it, or ``name`` itself if it is unknown."""
        return self._by_lower.get(name.lower(), name)

    def missing(self, name: str) -> str:
        """Return the message of the Azure Functions host for an unknown name.

        Source: functions-host.md#start-an-instance.
        """
        article = "a" if self.kind[0] not in "aeiou" else "an"
        plural = ", ".join(f"'{known}'" for known in self.names if known not in self.unlisted)
        known = (
            f"The following are the known {self.kind} functions: {plural}."
            if plural
            else f"No {self.kind} functions are currently registered!"
        )
        return (
            f"The function '{name}' doesn't exist, is disabled, or is not {article} {self.kind} "
            f"function. Additional info: {known}"
        )


@dataclass(frozen=True)
class DurableFunctions:
    """The names of an app's durable functions."""

    orchestrators: FunctionNames = field(default_factory=lambda: FunctionNames("orchestrator"))
    activities: FunctionNames = field(default_factory=lambda: FunctionNames("activity"))
    entities: FunctionNames = field(default_factory=lambda: FunctionNames("entity"))
    protocol: int = SDK_1X
    """Version of the SDK's protocol (``protocols``). An app has one version of the SDK."""

    @classmethod
    def of(
        cls,
        orchestrators: Iterable[str] = (),
        activities: Iterable[str] = (),
        entities: Iterable[str] = (),
        protocol: int = SDK_1X,
        unlisted: Iterable[str] = (),
    ) -> DurableFunctions:
        """Create the object from the names of each kind."""
        omitted = frozenset(unlisted)
        return cls(
            FunctionNames("orchestrator", tuple(orchestrators), omitted),
            FunctionNames("activity", tuple(activities), omitted),
            FunctionNames("entity", tuple(entities), omitted),
            protocol,
        )
