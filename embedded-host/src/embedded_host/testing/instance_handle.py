"""A handle of an orchestration instance under test."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from embedded_host.engine.status import Status
from embedded_host.history import execution_traceback
from embedded_host.task_hub.diagnosis import Diagnosis
from embedded_host.task_hub.undelivered_events import UndeliveredEvent
from embedded_host.testing.errors import OrchestrationFailedError
from embedded_host.testing.instance_history import InstanceHistory
from embedded_host.testing.simulation import Simulation
from embedded_host.testing.values import input_value, stored_value

__tracebackhide__ = True


class InstanceHandle:
    """A handle of an orchestration instance.

    Each property reads the current state. It raises InstanceNotFoundError if the instance was
    purged.
    """

    def __init__(self, simulation: Simulation, id: str) -> None:
        self._simulation = simulation
        self.id = id
        """The instance's id."""

    def __repr__(self) -> str:
        row = self._simulation.client.status(self.id)
        if row is None:
            return f"<no instance '{self.id}'>"
        detail = self.output if self.is_finished else self.waiting_for
        return f"<{row.name} '{self.id}': {row.status}, {detail!r}>"

    @property
    def name(self) -> str:
        """The orchestrator's name."""
        return self._simulation.row(self.id).name

    @property
    def status(self) -> str:
        """``Pending``, ``Running``, ``Suspended``, ``Completed``, ``Failed`` or ``Terminated``."""
        return self._simulation.row(self.id).status

    @property
    def is_finished(self) -> bool:
        """True if the status is ``Completed``, ``Failed`` or ``Terminated``."""
        return Status(self.status).is_terminal

    @property
    def input(self) -> Any:
        """The orchestrator's input."""
        return input_value(self._simulation.client.input(self._simulation.row(self.id)))

    @property
    def output(self) -> Any:
        """The orchestrator's result.

        The output of a failed instance is the error message. The output of a terminated instance is
        the reason of the termination.
        """
        return stored_value(self._simulation.row(self.id).output)

    @property
    def custom_status(self) -> Any:
        """The last value of ``context.set_custom_status``."""
        return stored_value(self._simulation.row(self.id).custom_status)

    @property
    def created(self) -> datetime:
        """The time of the instance's creation, by the app's clock."""
        return self._simulation.row(self.id).created

    @property
    def updated(self) -> datetime:
        """The time of the instance's last turn, by the app's clock."""
        return self._simulation.row(self.id).updated

    @property
    def history(self) -> InstanceHistory:
        """The recorded history."""
        row = self._simulation.row(self.id)
        return InstanceHistory(self._simulation.client.history(row), row.id, row.name, row.status)

    @property
    def waiting_for(self) -> str:
        """A description of the events, timers and calls that the instance waits for.

        For example: ``It waits for the external event 'Approval' since 2026-01-01T00:00:00Z.`` If
        the instance waits for a sub-orchestration, the text also contains the root cause: the wait
        of the deepest sub-orchestration. The text also contains the events that nothing waits for.
        """
        return " ".join(self._diagnosis.sentences)

    @property
    def root_cause(self) -> str | None:
        """The wait of the sub-orchestration or lock owner that delays the instance, or None.

        For example: ``order-7 > ship > :1 waits for the external event 'Shipped' since
        2026-01-01T00:00:00Z``. The value is None if the instance waits for neither a
        sub-orchestration nor a locked entity.
        """
        cause = self._diagnosis.root_cause
        return None if cause is None else cause.text

    @property
    def undelivered_events(self) -> list[UndeliveredEvent]:
        """The events that the instance has received and has not waited for."""
        return list(self._diagnosis.undelivered)

    @property
    def _diagnosis(self) -> Diagnosis:
        return self._simulation.diagnosis(self._simulation.row(self.id).id)

    def result(self) -> Any:
        """Return the output of a completed instance.

        Returns:
            The orchestrator's result.

        Raises:
            OrchestrationFailedError: The status is not ``Completed``. The message contains the
                instance's error, or the events, timers and calls that the instance waits for.
        """
        row = self._simulation.row(self.id)
        if row.status == Status.COMPLETED.value:
            return self.output
        shown = f"{row.name} '{self.id}' is {row.status}"
        if not self.is_finished:
            raise OrchestrationFailedError(f"{shown}. {self.waiting_for} [EH602]")
        traceback = execution_traceback(self._simulation.client.history(row))
        raise OrchestrationFailedError(
            f"{shown}: {row.output} [EH602]" + (f"\n\n{traceback}" if traceback else "")
        )
