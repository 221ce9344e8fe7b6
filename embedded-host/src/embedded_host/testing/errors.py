"""The test kit's exceptions.

All derive from ``EmbeddedHostError``. Those that mean a failed expectation of the test are ``AssertionError`` as well.
"""

from __future__ import annotations

from collections.abc import Iterable

from embedded_host.app.suggestion import did_you_mean
from embedded_host.errors import EmbeddedHostError

__tracebackhide__ = True


class AppLoadError(EmbeddedHostError):
    """The app's code cannot be imported."""


class UnknownFunctionError(EmbeddedHostError):
    """The app has no function of this name. The message suggests the nearest name, or lists all names."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        hint = did_you_mean(name, known) or f"There are: {', '.join(known) or 'none'}."
        super().__init__(f"The app has no {kind} '{name}'. {hint} [EH605]")


class FunctionLoadError(EmbeddedHostError):
    """An orchestrator cannot be replayed: its code does not load, or ``df.Orchestrator.create`` did not create it."""


class InstanceNotFoundError(EmbeddedHostError):
    """No instance has this id."""

    def __init__(self, instance_id: str) -> None:
        super().__init__(f"There is no instance '{instance_id}'. [EH603]")


class InstanceStatusError(EmbeddedHostError):
    """The status of the instance does not allow the operation."""

    def __init__(self, message: str, status: str) -> None:
        super().__init__(message)
        self.status = status
        """The instance's status, for example ``Completed``."""


class LivelockError(EmbeddedHostError):
    """The app runs functions and turns without end while its clock stands still."""


class UnreadableHistoryError(EmbeddedHostError):
    """The history cannot be read, or is too incomplete for a replay."""


class NotFinishedError(EmbeddedHostError, AssertionError):
    """The instance did not finish. The message names what it waits for."""


class OrchestrationFailedError(EmbeddedHostError, AssertionError):
    """The orchestration did not complete. The message has its error."""


class FakeCallsError(EmbeddedHostError, AssertionError):
    """A fake's calls are not the expected ones, or exceed the values of its ``side_effect``."""


class HistoryMismatchError(EmbeddedHostError, AssertionError):
    """The code takes another step than the recorded history."""

    def __init__(self, message: str, *, step: int, turn: int, expected: str, found: str) -> None:
        super().__init__(message)
        self.step = step
        """Number of the differing step in the history, from 1."""
        self.turn = turn
        """Number of its turn, from 1."""
        self.expected = expected
        """The step in the history, for example ``activity 'Charge'``."""
        self.found = found
        """The step of the code."""
