"""Records the decisions of a turn as scheduling events and outgoing messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from itertools import chain
from uuid import uuid4

from embedded_host.engine import history as h
from embedded_host.engine.decisions import (
    CreateSubOrchestration,
    Decision,
    ReleaseLock,
    RequestLocks,
    ScheduleTask,
    SendEvent,
    SendOperation,
    StartTimer,
)
from embedded_host.engine.entity_messages import (
    OPERATION,
    RELEASE,
    EntityId,
    lock_request_message,
    release_message,
    request_message,
    response_message,
)
from embedded_host.engine.events import HistoryEvent, SubOrchestrationInstanceFailed
from embedded_host.engine.failures import (
    UserError,
    activity_failed,
    child_failed,
    failure_of,
    orchestrator_failed,
)
from embedded_host.engine.functions import HTTP_ACTIVITY, HTTP_ORCHESTRATOR, FunctionNames
from embedded_host.engine.json_codec import compact
from embedded_host.engine.message_labels import OutgoingLabels
from embedded_host.engine.messages import (
    Deliver,
    Message,
    Outgoing,
    StartActivity,
    StartOrchestration,
)
from embedded_host.engine.observations import Difference, Observation
from embedded_host.engine.orchestration import Orchestration, TurnSettings
from embedded_host.engine.sdk_protocols import SDK_1X
from embedded_host.engine.timers import fire_time_on_azure
from embedded_host.engine.trace_contexts import (
    OrchestrationTrace,
    document_of,
    new_span_id,
    operation_span_id,
    orchestration_trace,
    started_in,
)

Clock = Callable[[], datetime]


class DecisionRecorder:
    """The events and outgoing messages of one turn.

    ``labels`` returns the labels of the execution's messages to entities. Messages of SDK 2.x have
    no labels (``OutgoingLabels``).
    """

    def __init__(
        self,
        state: Orchestration,
        settings: TurnSettings,
        clock: Clock,
        now: datetime,
        events: list[HistoryEvent],
        labels: Callable[[], OutgoingLabels],
    ) -> None:
        self._state, self._settings, self._clock, self._now = state, settings, clock, now
        self._labels = labels
        self._protocol = settings.functions.protocol
        self.events = events
        self.outgoing: list[Outgoing] = []
        self.observations: list[Observation] = []

    def record(self, decision: Decision) -> str | None:
        """Append the scheduling event of a decision, and send its message.

        Returns None, or the error message with which the instance must fail.
        """
        now = self._clock()
        if isinstance(decision, ScheduleTask):
            return self._schedule(decision, now)
        if isinstance(decision, StartTimer):
            self.events.append(
                h.timer_created(now, decision.id, decision.fire_at, decision.retry_of)
            )
            fired = h.timer_fired(now, decision.id, decision.fire_at)
            self.to_self(fired, due=self._due(decision.fire_at, now))
        elif isinstance(decision, CreateSubOrchestration):
            return self._start_child(decision, now)
        elif isinstance(decision, SendOperation):
            return self._send_operation(decision, now)
        elif isinstance(decision, SendEvent):
            input = decision.input or "null"
            self._send(decision.id, decision.instance_id, decision.name, input, now)
        elif isinstance(decision, RequestLocks):
            self._request_locks(decision, now)
        else:
            self._release(decision, now)
        return None

    @cached_property
    def _trace(self) -> OrchestrationTrace | None:
        """The trace of the orchestration, or None without telemetry."""
        return orchestration_trace(chain(self._state.history.events, self.events))

    def _due(self, fire_at: datetime, now: datetime) -> datetime:
        """Return the time at which a timer fires, and observe a timer of at most a second."""
        if fire_at <= now or not self._settings.uses_azure_storage:
            return fire_at
        on_azure = fire_time_on_azure(fire_at, now)
        if on_azure <= now:
            seconds = (fire_at - now).total_seconds()
            self.observations.append(Observation(Difference.SHORT_TIMER, (f"{seconds:.3g}",)))
        return on_azure if self._settings.strict else fire_at

    def _schedule(self, decision: ScheduleTask, now: datetime) -> str | None:
        """Schedule an activity. Returns an error message as ``record`` does."""
        state, activities = self._state, self._settings.functions.activities
        stored = compact([decision.input]) if self._settings.store_inputs else None
        # The Azure Functions host records an empty object if an app of SDK 2.x sets no tags.
        tags = decision.tags if self._protocol == SDK_1X else decision.tags or {}
        context = decision.trace_context
        if (trace := self._trace) is not None:
            context = document_of(trace.own.with_span(new_span_id()))
        self.events.append(h.task_scheduled(now, decision.id, decision.name, stored, tags, context))
        if decision.name == HTTP_ACTIVITY or decision.name in activities:
            self.outgoing.append(
                StartActivity(
                    decision.id, decision.name, decision.input, state.execution_id, context
                )
            )
            return None
        missing = self._unknown(activities, decision.name)
        if self._settings.strict:
            if self._protocol != SDK_1X:
                self.events.append(h.task_failed(now, decision.id, missing, None))
            return missing
        error = UserError("ValueError", missing)
        self.to_self(activity_failed(now, decision.id, decision.name, error, self._protocol))
        return None

    def _unknown(self, functions: FunctionNames, name: str) -> str:
        """Observe a call of a function that does not exist. Returns its error message."""
        is_1x = self._protocol == SDK_1X
        # For SDK 2.x, the effect of an entity is not known, and call_http has a finding of its own.
        if is_1x or not (functions.kind == "entity" or name == HTTP_ORCHESTRATOR):
            self.observations.append(
                Observation(
                    Difference.UNKNOWN_FUNCTION if is_1x else Difference.UNKNOWN_FUNCTION_OF_2X,
                    (functions.kind, name),
                )
            )
        return functions.missing(name)

    def _start_child(self, decision: CreateSubOrchestration, now: datetime) -> str | None:
        """Start a sub-orchestration, or deliver its failure if it cannot be started.

        Returns an error message as ``record`` does.
        """
        state = self._state
        input = self._stored_input(decision.input)
        stored = input if self._settings.store_inputs else None
        context, client_span_id = decision.trace_context, None
        if (trace := self._trace) is not None:
            client_span_id = new_span_id()
            context = started_in(trace.own.with_span(client_span_id))
        self.events.append(
            h.sub_orchestration_created(
                now,
                decision.id,
                decision.name,
                decision.instance_id,
                stored,
                decision.tags,
                client_span_id,
            )
        )
        orchestrators = self._settings.functions.orchestrators
        error = None
        if decision.name not in orchestrators:
            error = self._unknown(orchestrators, decision.name)
        elif decision.instance_id in (state.instance_id, state.parent_instance_id):
            error = (
                f"The sub-orchestration cannot have the id '{decision.instance_id}': it is the id "
                "of the calling instance or of its parent."
            )
        elif decision.instance_id.startswith("@"):
            error = (
                f"The sub-orchestration cannot have the id '{decision.instance_id}': ids of "
                "entities start with '@'."
            )
        if error:
            if decision.name in orchestrators:
                self.observations.append(Observation(Difference.CHILD_ID, (decision.instance_id,)))
            if self._settings.strict:
                if self._protocol != SDK_1X:
                    reason = compact({"message": error, "details": None})
                    self.events.append(h.sub_orchestration_failed(now, decision.id, reason, None))
                return error
            self.to_self(self._child_failed(decision, now, error))
            return None
        taken = (
            "An Orchestration instance with the status Running already exists: "
            f"'{decision.instance_id}' cannot be started as a sub-orchestration. Use another id, "
            "or omit the id to generate one."
        )
        default_version = self._settings.default_version
        started = h.execution_started(
            now,
            instance_id=decision.instance_id,
            execution_id=uuid4().hex,
            name=orchestrators.registered(decision.name),
            input=input,
            parent=h.parent_instance(
                state.name, state.instance_id, state.execution_id, decision.id
            ),
            generation=None,
            version=default_version if decision.version is None else decision.version,
            tags=decision.tags,
            trace_context=context,
        )
        if_taken = Message(self._child_failed(decision, now, taken), state.execution_id)
        self.outgoing.append(StartOrchestration(decision.instance_id, started, if_taken))
        return None

    def _child_failed(
        self, decision: CreateSubOrchestration, now: datetime, why: str
    ) -> SubOrchestrationInstanceFailed:
        failure = None if self._protocol == SDK_1X else failure_of(UserError("ValueError", why))
        return child_failed(now, decision.id, orchestrator_failed(decision.name, why), why, failure)

    def _send_operation(self, decision: SendOperation, now: datetime) -> str | None:
        """Send an operation to an entity. Returns an error message as ``record`` does.

        An app of SDK 2.x may signal an unknown entity. The signal is dropped, as on the Azure
        Functions host.
        """
        operation, state = decision.operation, self._state
        entities = self._settings.functions.entities
        try:
            entity_name = EntityId.parse(operation.instance_id).name
            missing = None if entity_name in entities else entities.missing(entity_name)
        except ValueError as error:
            entity_name, missing = operation.instance_id, str(error)
        if missing and operation.signal and self._protocol == SDK_1X:
            return missing
        if missing and not operation.signal:
            self._unknown(entities, entity_name)
            if self._settings.strict and self._protocol == SDK_1X:
                return missing
        text = request_message(
            request_id=decision.request_id,
            operation=operation.operation,
            input=self._stored_input(operation.input),
            signal=operation.signal,
            now=now,
            parent=state.instance_id,
            parent_execution=state.execution_id,
            label=(
                self._labels().next(operation.instance_id, self._now)
                if self._protocol == SDK_1X
                else None
            ),
            protocol=self._protocol,
        )
        self.events.append(h.event_sent(now, decision.id, operation.instance_id, OPERATION, text))
        if missing:
            if not operation.signal:
                response = response_message(compact(missing), True, protocol=self._protocol)
                self.to_self(h.event_raised(now, decision.request_id, response))
        else:
            context = None
            if (trace := self._trace) is not None:
                span_id = operation_span_id(decision.request_id)
                context = document_of(trace.own.with_span(span_id))
            raised = h.event_raised(now, OPERATION, text, context)
            self.outgoing.append(
                Deliver(operation.instance_id, Message(raised, None, operation.fire_at))
            )
        return None

    def _request_locks(self, decision: RequestLocks, now: datetime) -> None:
        text = lock_request_message(
            request_id=decision.critical_section_id,
            lock_set=decision.lock_set,
            parent=self._state.instance_id,
        )
        self._send(decision.id, decision.lock_set[0], OPERATION, text, now)

    def _release(self, decision: ReleaseLock, now: datetime) -> None:
        text = release_message(
            request_id=decision.critical_section_id, parent=self._state.instance_id
        )
        self._send(decision.id, decision.instance_id, RELEASE, text, now)

    def _send(self, id: int, instance_id: str, name: str, input: str, now: datetime) -> None:
        self.events.append(h.event_sent(now, id, instance_id, name, input))
        self.outgoing.append(Deliver(instance_id, Message(h.event_raised(now, name, input))))

    def _stored_input(self, input: str | None) -> str | None:
        """Return the recorded form of an input. With SDK 1.x, it is JSON text in a JSON string."""
        return input if input is None or self._protocol != SDK_1X else compact(input)

    def to_self(self, event: HistoryEvent, due: datetime | None = None) -> None:
        """Send a message to the inbox of the instance itself."""
        self.outgoing.append(
            Deliver(self._state.instance_id, Message(event, self._state.execution_id, due))
        )
