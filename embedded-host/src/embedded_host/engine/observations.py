"""Observations: parts of a turn whose result differs on the Azure Functions host.

The engine has no I/O. It returns the observations of a turn in the turn's result, and the task hub
reports them as parity findings (docs/reference/known-differences.md).
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Difference(Enum):
    """A difference between this host and the Azure Functions host."""

    EVENT_BEFORE_WAIT = "event before wait"
    """There, all waits for a name receive the last event that arrived before a wait."""
    NEWEST_WAIT = "newest wait"
    """There, the newest of several waits for one name receives the first event."""
    EVENT_CASE = "event case"
    """There, an event whose name differs from the awaited name only in case is lost."""
    CARRIED_EVENT = "carried event"
    """There, an event that is not awaited before continue-as-new is lost."""
    SHORT_TIMER = "short timer"
    """There, a timer of at most a second fires at once."""
    CLOSE_RACE = "close race"
    """There, the timer wins a ``task_any`` that another task wins here by less than a second."""
    LONG_TIMER = "long timer"
    """There, an event during a long timer has an effect only when a part of the timer ends."""
    SUSPENDED_RETRY = "suspended retry"
    """There, the retry interval of an activity starts when the instance is resumed."""
    NOT_A_NUMBER = "not a number"
    """There, NaN and Infinity in a result become strings."""
    METADATA = "metadata"
    """There, a result loses its first names if they are ``$type``, ``$id`` and the like."""
    LONE_SURROGATE = "lone surrogate"
    """There, a lone surrogate in a result becomes U+FFFD."""
    LOST_ACTIONS = "lost actions"
    """There, a failure without the SDK's state has the message "Non-Deterministic workflow"."""
    UNKNOWN_FUNCTION = "unknown function"
    """There, an orchestrator of SDK 1.x waits forever for a function that does not exist."""
    UNKNOWN_FUNCTION_OF_2X = "unknown function of SDK 2.x"
    """There, an orchestrator of SDK 2.x fails at the call of a function that does not exist."""
    CHILD_ID = "child id"
    """There, a parent waits forever for a sub-orchestration whose id is not free."""
    NEWER_VERSION = "newer version"
    """There, an instance waits forever if its version is newer than the default version."""
    OTHER_VERSION = "other version"
    """There, an instance waits forever if its version is not the default version (``Strict``)."""
    ENTITY_BATCH = "entity batch"
    """There, a batch whose entity function fails as a whole is retried forever."""


class Observation(NamedTuple):
    """A difference in a turn, and the events or times that it concerns."""

    difference: Difference
    subjects: tuple[str, ...] = ()
