"""The runtime status of an orchestration or entity."""

from __future__ import annotations

from enum import Enum


class Status(str, Enum):
    """The values of DurableTask's OrchestrationStatus, in the order of their numbers."""

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
        """True if an instance with this status has finished."""
        return self in _TERMINAL


_TERMINAL = (Status.COMPLETED, Status.FAILED, Status.TERMINATED, Status.CANCELED)
STATUSES = tuple(status.value for status in Status)
"""The names of the statuses, in the order of their numbers."""
FINISHED = tuple(status.value for status in _TERMINAL)
UNFINISHED = tuple(status.value for status in Status if not status.is_terminal)
