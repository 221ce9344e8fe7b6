"""The running and queued work of a task hub."""

from __future__ import annotations

from typing import NamedTuple

from embedded_host.task_hub.concurrency_limiter import ConcurrencyLimiter


class QueueLength(NamedTuple):
    """The jobs of one kind."""

    running: int
    queued: int
    limit: int
    """Maximum number of running jobs."""

    @classmethod
    def of(cls, limiter: ConcurrencyLimiter) -> QueueLength:
        """Return the numbers of ``limiter``."""
        return cls(limiter.busy, limiter.queued, limiter.limit)


class Workload(NamedTuple):
    """The work of a task hub at one time."""

    turns: QueueLength
    """The turns of orchestrations and entities."""
    activities: QueueLength
    http_calls: QueueLength
    """The HTTP calls of ``call_http``."""
    timers: int
    """Number of durable timers and scheduled messages that are not due yet."""
    instances_in_memory: int
