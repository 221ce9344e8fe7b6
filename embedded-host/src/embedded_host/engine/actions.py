"""The actions of an orchestrator (functions-host.md#orchestrator-actions)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class RetryPolicy:
    first_interval: timedelta
    max_attempts: int
    backoff: float = 1.0
    max_interval: timedelta = timedelta(days=6)
    timeout: timedelta | None = None

    def delay_after(self, attempt: int) -> timedelta:
        """Return the delay after a failure; ``attempt`` counts from 0 (functions-host.md#effects-of-actions)."""
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
    name: str
    input: str
    retry: RetryPolicy | None = None


@dataclass(frozen=True)
class CallSubOrchestrator:
    name: str
    input: str | None
    instance_id: str | None
    version: str | None = None
    retry: RetryPolicy | None = None


@dataclass(frozen=True)
class ContinueAsNew:
    input: str | None


@dataclass(frozen=True)
class CreateTimer:
    fire_at: datetime
    cancelled: bool = False


@dataclass(frozen=True)
class WaitForEvent:
    name: str


@dataclass(frozen=True)
class EntityOperation:
    """A call, or a signal when ``signal`` is set (``fire_at``: a scheduled one)."""

    instance_id: str
    operation: str
    input: str | None
    signal: bool
    fire_at: datetime | None = None


@dataclass(frozen=True)
class CallHttp:
    request: str
    """The request's JSON."""


@dataclass(frozen=True)
class WhenAny:
    actions: tuple[Action, ...]


@dataclass(frozen=True)
class WhenAll:
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
