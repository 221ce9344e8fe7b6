"""The test kit's exceptions.

All exceptions derive from ``EmbeddedHostError``. Exceptions that report a failed expectation of the
test also derive from ``AssertionError``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from embedded_host.app.suggestion import did_you_mean
from embedded_host.errors import EmbeddedHostError
from embedded_host.parity.findings import Finding

__tracebackhide__ = True


class AppLoadError(EmbeddedHostError):
    """The app's code cannot be imported."""


class UnknownFunctionError(EmbeddedHostError):
    """The app has no function of this name.

    The message contains the reason, suggests a similar name, or lists all names.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], reason: str = "") -> None:
        known = sorted(known)
        hint = reason or did_you_mean(name, known) or f"Known names: {', '.join(known) or 'none'}."
        super().__init__(f"The app has no {kind} '{name}'. {hint} [EH605]")


class FunctionLoadError(EmbeddedHostError):
    """An orchestrator cannot be replayed.

    Its code cannot be loaded, or it was not created with ``df.Orchestrator.create``.
    """


class InstanceNotFoundError(EmbeddedHostError):
    """There is no instance with this id."""

    def __init__(self, instance_id: str) -> None:
        super().__init__(
            f"There is no instance '{instance_id}'. DurableApp.instances lists all instances. "
            "[EH603]"
        )


class InstanceStatusError(EmbeddedHostError):
    """The status of the instance does not allow the operation."""

    def __init__(self, message: str, status: str) -> None:
        super().__init__(message)
        self.status = status
        """The instance's runtime status, for example ``Completed``."""


class LivelockError(EmbeddedHostError):
    """The app exceeds its limit of functions and turns while its clock does not move."""


class UnreadableHistoryError(EmbeddedHostError):
    """The history cannot be read, or it does not contain all events that a replay needs."""


class NotFinishedError(EmbeddedHostError, AssertionError):
    """The instance did not finish. The message contains the events and timers that it waits for."""


class OrchestrationFailedError(EmbeddedHostError, AssertionError):
    """The orchestration has not completed.

    The message contains its error, or the events, timers and calls that it waits for.
    """


class ParityError(EmbeddedHostError, AssertionError):
    """A part of the app would fail on the Azure Functions host (``strict=True``)."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.codes = tuple(finding.kind.code for finding in findings)
        """The codes of the findings, for example ``("EH805",)``."""


class FakeCallsError(EmbeddedHostError, AssertionError):
    """A fake was not called as expected, or was called more often than ``side_effect`` allows."""


class HistoryMismatchError(EmbeddedHostError, AssertionError):
    """A step of the code differs from the recorded history."""

    def __init__(self, message: str, *, step: int, turn: int, expected: str, actual: str) -> None:
        super().__init__(message)
        self.step = step
        """The number of the first step that differs, from 1."""
        self.turn = turn
        """The number of the turn that contains this step, from 1."""
        self.expected = expected
        """The step in the history, for example ``activity 'Charge'``."""
        self.actual = actual
        """The step of the code, for example ``activity 'ChargeCard'``."""
