"""The events of suspended orchestrations."""

from __future__ import annotations

from collections.abc import Iterable

import durabletask.internal.orchestrator_service_pb2 as pb

DECISIONS = frozenset(
    (
        "taskScheduled",
        "timerCreated",
        "subOrchestrationInstanceCreated",
        "eventSent",
        "entityOperationCalled",
        "entityOperationSignaled",
        "entityLockRequested",
        "entityUnlockSent",
    )
)
"""The events that record a decision of the orchestrator."""


class SuspensionFilter:
    """Corrects the events of a suspended orchestration for durabletask 1.12.

    While an orchestration is suspended, durabletask buffers all events. This has two faults:

    - durabletask also buffers a second suspension. When it then processes the buffer after the
      resumption, it appends to the list over which it iterates, and the loop never ends. The filter
      removes the second suspension.
    - If the turn of the suspension makes a decision, the decision follows the suspension in the
      history. durabletask buffers the decision, and makes it again in each turn. The filter moves
      the decision before the suspension.
    """

    def __init__(self) -> None:
        self._is_suspended = False

    def filtered(self, events: Iterable[pb.HistoryEvent]) -> list[pb.HistoryEvent]:
        """Return the corrected ``events``. They must follow the events of the previous call."""
        corrected: list[pb.HistoryEvent] = []
        suspension: int | None = None
        for event in events:
            kind = event.WhichOneof("eventType")
            if kind == "executionSuspended":
                if self._is_suspended:
                    continue
                self._is_suspended = True
                suspension = len(corrected)
            elif kind == "executionResumed":
                self._is_suspended = False
                suspension = None
            elif suspension is not None and kind in DECISIONS:
                corrected.insert(suspension, event)
                suspension += 1
                continue
            corrected.append(event)
        return corrected
