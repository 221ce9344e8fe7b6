"""An orchestration under test."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from embedded_host.engine.events import event_object
from embedded_host.engine.orchestration import Status
from embedded_host.errors import EmbeddedHostError
from embedded_host.store.interface import InstanceRow
from embedded_host.task_hub.diagnosis import diagnosis
from embedded_host.testing.history_view import RecordedSteps
from embedded_host.testing.values import input_value, stored_value

if TYPE_CHECKING:
    from embedded_host.testing.app import DurableApp


class OrchestrationFailedError(EmbeddedHostError, AssertionError):
    """The orchestration did not complete; the text says what it came to."""


class Instance:
    """What an instance is now: each property is looked up when it is read."""

    def __init__(self, app: DurableApp, id: str) -> None:
        self._app, self.id = app, id

    def __repr__(self) -> str:
        row = self._app.client.status(self.id)
        if row is None:
            return f"<no instance '{self.id}'>"
        shown = self.waits_for if not self.is_finished else self.output
        return f"<{row.name} '{self.id}': {row.status}, {shown!r}>"

    @property
    def name(self) -> str:
        """The orchestrator's."""
        return self._row.name

    @property
    def status(self) -> str:
        """``Pending``, ``Running``, ``Suspended``, ``Completed``, ``Failed`` or ``Terminated``"""
        return self._row.status

    @property
    def is_finished(self) -> bool:
        return Status(self._row.status).is_terminal

    @property
    def input(self) -> Any:
        return input_value(self._app.client.input(self._row))

    @property
    def output(self) -> Any:
        """What the orchestrator returned; of one that failed, the error's text."""
        return stored_value(self._row.output)

    @property
    def custom_status(self) -> Any:
        return stored_value(self._row.custom_status)

    @property
    def created(self) -> datetime:
        return self._row.created

    @property
    def updated(self) -> datetime:
        return self._row.updated

    @property
    def history(self) -> RecordedSteps:
        row = self._row
        events = [event_object(event) for event in self._app.client.history(row)]
        return RecordedSteps(events, row.id, row.name, row.status)

    @property
    def waits_for(self) -> str:
        """A sentence: ``It waits for the external event 'Approval' since 2026-01-01T00:00:00Z.``"""
        asking = diagnosis(self._app.hub, self.id)
        try:
            asking.send(None)
        except StopIteration as stop:
            return str(stop.value["text"]) if stop.value else "It is not there."
        asking.close()
        return "It has a turn to come."

    def result(self) -> Any:
        """``output`` of one that completed. Raises OrchestrationFailedError for any other, with the error."""
        row = self._row
        if row.status == Status.COMPLETED.value:
            return self.output
        what = f"{row.name} '{self.id}' is {row.status}"
        if not self.is_finished:
            raise OrchestrationFailedError(f"{what}. {self.waits_for} [EH602]")
        raise OrchestrationFailedError(f"{what}: {row.output} [EH602]")

    @property
    def _row(self) -> InstanceRow:
        row = self._app.client.status(self.id)
        if row is None:
            raise LookupError(f"There is no instance '{self.id}'. [EH603]")
        return row
