"""The actions of an orchestrator (functions-host.md#orchestrator-actions)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class RetryPolicy:
    """The SDK's RetryOptions."""

    first_interval: timedelta
    max_attempts: int
    backoff: float = 1.0
    max_interval: timedelta = timedelta(days=6)
    timeout: timedelta | None = None

    def delay_after(self, attempt: int) -> timedelta:
        """Return the delay after an attempt. ``attempt`` is the number of the attempt, from 0.

        Source: functions-host.md#effects-of-actions.
        """
        first = self.first_interval.total_seconds()
        try:
            seconds = first * self.backoff**attempt
        except OverflowError:
            seconds = self.max_interval.total_seconds() if first else 0.0
        return min(
            timedelta(seconds=min(seconds, self.max_interval.total_seconds())), self.max_interval
        )


@dataclass(frozen=True)
class CallActivity:
    """A call of an activity. ``input`` is JSON."""

    name: str
    input: str
    retry: RetryPolicy | None = None


@dataclass(frozen=True)
class CallSubOrchestrator:
    """A call of a sub-orchestrator. Without ``instance_id`` the engine creates an id."""

    name: str
    input: str | None
    instance_id: str | None
    version: str | None = None
    retry: RetryPolicy | None = None


@dataclass(frozen=True)
class ContinueAsNew:
    """A request to continue as new. ``input`` is the next execution's input as JSON."""

    input: str | None


@dataclass(frozen=True)
class CreateTimer:
    """A durable timer. If the orchestrator cancels it in a later turn, ``cancelled`` is true."""

    fire_at: datetime
    cancelled: bool = False


@dataclass(frozen=True)
class WaitForEvent:
    """A wait for one external event."""

    name: str


@dataclass(frozen=True)
class EntityOperation:
    """A call of an entity, or a signal to it.

    A signal has no response. A signal with ``fire_at`` is delivered at that time.
    """

    instance_id: str
    operation: str
    input: str | None
    signal: bool
    fire_at: datetime | None = None


@dataclass(frozen=True)
class CallHttp:
    """A call of ``call_http``. ``request`` is the JSON of the SDK's DurableHttpRequest."""

    request: str


@dataclass(frozen=True)
class WhenAny:
    """A ``task_any``: it is done as soon as one of its actions is done."""

    actions: tuple[Action, ...]


@dataclass(frozen=True)
class WhenAll:
    """A ``task_all``: it is done as soon as all of its actions are done."""

    actions: tuple[Action, ...]


Action = (
    CallActivity
    | CallSubOrchestrator
    | ContinueAsNew
    | CreateTimer
    | WaitForEvent
    | EntityOperation
    | CallHttp
    | WhenAny
    | WhenAll
)
