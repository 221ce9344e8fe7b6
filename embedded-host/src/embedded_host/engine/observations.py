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


class Observation(NamedTuple):
    """A difference in a turn, and the events or times that it concerns."""

    difference: Difference
    subjects: tuple[str, ...] = ()
