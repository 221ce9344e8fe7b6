"""The runtime status of an orchestration or entity."""

from __future__ import annotations

from enum import Enum


class Status(str, Enum):
    """DurableTask's OrchestrationStatus, in the order of its numbers from 0."""

    RUNNING = "Running"
    COMPLETED = "Completed"
    CONTINUED_AS_NEW = "ContinuedAsNew"
    FAILED = "Failed"
    CANCELED = "Canceled"
    TERMINATED = "Terminated"
    PENDING = "Pending"
    SUSPENDED = "Suspended"

    @property
    def is_terminal(self) -> bool:
        return self in _TERMINAL


_TERMINAL = (Status.COMPLETED, Status.FAILED, Status.TERMINATED, Status.CANCELED)
STATUSES = tuple(status.value for status in Status)
"""The names of all statuses, in the order of their numbers."""
FINISHED = tuple(status.value for status in _TERMINAL)
UNFINISHED = tuple(status.value for status in Status if not status.is_terminal)
