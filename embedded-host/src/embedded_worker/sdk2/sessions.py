"""Runs orchestrators with the executor of durabletask, and keeps them in memory between turns.

An orchestrator in memory processes only its new events, so the cost of a chain of n steps grows
with n and not with n squared. The result is the same as that of the SDK's replay of the whole
history (``TaskHubGrpcWorker._execute_orchestrator``).
"""

from __future__ import annotations

import contextlib
import contextvars
import json
import sys
import types
from collections.abc import Callable, Generator, Mapping
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple, cast

import durabletask.internal.helpers as ph
import durabletask.internal.orchestrator_service_pb2 as pb
import durabletask.worker as durabletask_worker
from durabletask import task
from durabletask.internal import tracing
from durabletask.payload import deexternalize_payloads, externalize_payloads
from durabletask.payload.store import PayloadStore

from embedded_worker.code_positions import caller_position
from embedded_worker.orchestrator_lint import task_returned
from embedded_worker.protocol import CallLineData
from embedded_worker.sdk import is_sdk_module
from embedded_worker.sdk2.history_events import EventJson, history_events
from embedded_worker.sdk2.responses import orchestrator_response
from embedded_worker.sdk2.suspensions import DECISIONS, SuspensionFilter
from embedded_worker.sdk2.yield_checks import CheckedSteps
from embedded_worker.user_function import UserFunction

_OWN_FOLDER = str(Path(__file__).parent)
_CLASSES = {
    "_OrchestrationExecutor": ("process_event", "execute"),
    "_RuntimeOrchestrationContext": ("run", "set_complete", "set_failed", "get_actions"),
}
_CONTEXT_FIELDS = (
    "_is_complete",
    "_is_replaying",
    "_pending_actions",
    "_pending_tasks",
    "_pending_events",
    "_encoded_custom_status",
    "_generator",
)
_WORKER_FIELDS = (
    "_registry",
    "_data_converter",
    "_exception_properties_provider",
    "_logger",
    "emit_trace_spans",
    "maximum_timer_interval",
)


_Position = tuple[str, int]
"""A file and a line."""
_confirmed_checks: set[_Position] = set()
"""The lines that read ``is_replaying`` without an effect on the orchestrator's calls.

If a call of an orchestrator depends on ``is_replaying``, only a replay of the whole history detects
the mistake. Therefore, a session is not kept after a new line has read ``is_replaying``. If the
following replay succeeds, the line is added here. Most apps use it to log a message only once.
"""


class LargePayloads(NamedTuple):
    """The app's store of large payloads, and the functions of the SDK that prepare a request."""

    store: PayloadStore
    discard_unread: Callable[[pb.OrchestratorRequest], None]
    """Removes the references that no replay reads."""
    hydrate_entities: Callable[[pb.OrchestratorRequest, PayloadStore], None]
    """Replaces the references in the responses of entities."""


@lru_cache(maxsize=1)
def has_session_hooks(worker: type[durabletask_worker.TaskHubGrpcWorker]) -> bool:
    """Return True if durabletask has the private attributes that a session uses.

    Without them, the orchestrator's handle replays the history from its start in each turn.
    """
    try:
        if not all(
            hasattr(getattr(durabletask_worker, owner), name)
            for owner, names in _CLASSES.items()
            for name in names
        ):
            return False
        instance = worker()
        context = _new_context(instance, "")
        executor = _new_executor(instance)
    except (AttributeError, TypeError):
        return False
    return (
        all(hasattr(context, name) for name in _CONTEXT_FIELDS)
        and hasattr(executor, "_is_suspended")
        and all(hasattr(instance, name) for name in _WORKER_FIELDS)
        and not instance.emit_trace_spans
        and getattr(instance._registry, "versioning", None) is None
    )


_BaseContext: type[durabletask_worker._RuntimeOrchestrationContext] = getattr(
    durabletask_worker, "_RuntimeOrchestrationContext", cast("type", object)
)


class _Context(_BaseContext):  # type: ignore[misc, valid-type]
    """The SDK's context, with checks of the values that the orchestrator yields and returns."""

    root: Path
    function: UserFunction
    event_names: dict[str, str]
    """The awaited events: the spelling in the code, by the name that the SDK compares."""
    replay_checks: set[_Position]
    """The lines of the app that have read ``is_replaying``."""
    calls: list[tuple[int, str]] | None = None
    """The ids of the calls and their lines, or None if the host does not need the lines."""
    steps: CheckedSteps | None = None
    """The generator of the orchestrator, once it has started."""

    def next_sequence_number(self) -> int:
        id = super().next_sequence_number()
        if self.calls is not None:
            self.calls.append((id, caller_position(self.root)))
        return int(id)

    @property
    def is_replaying(self) -> bool:
        position = _caller()
        if position is not None:
            self.replay_checks.add(position)
        return bool(self._is_replaying)

    def run(self, generator: Generator[task.Task[object], object, object]) -> None:
        self.steps = CheckedSteps(generator, self.root)
        super().run(self.steps)

    def set_complete(self, result: object, *arguments: object, **options: object) -> None:
        if isinstance(result, task.Task):
            code = getattr(self.function, "__code__", None)
            self.set_failed(TypeError(task_returned(code, self.root) if code else "returns a task"))
            return
        super().set_complete(result, *arguments, **options)

    def set_failed(self, ex: Exception | pb.TaskFailureDetails) -> None:
        if isinstance(ex, Exception):
            _remove_foreign_frames(ex)
        super().set_failed(ex)

    def wait_for_external_event(self, name: str, **options: object) -> task.CancellableTask[object]:
        self.event_names[name.casefold()] = name
        awaited: task.CancellableTask[object] = super().wait_for_external_event(name, **options)
        return awaited


# Errors such as "'_RuntimeOrchestrationContext' object has no attribute …" have the SDK's name.
_Context.__name__ = _Context.__qualname__ = "_RuntimeOrchestrationContext"
_Context.__module__ = "durabletask.worker"


def _caller() -> _Position | None:
    """Return the line that has called a method of the context, or None if it is in durabletask."""
    frame: types.FrameType | None = sys._getframe(2)
    while frame is not None:
        module = str(frame.f_globals.get("__name__"))
        if module.startswith("durabletask."):
            return None
        if not module.startswith("azure.durable_functions."):
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return None


def _new_context(worker: durabletask_worker.TaskHubGrpcWorker, instance_id: str) -> _Context:
    return _Context(
        instance_id,
        worker._registry,
        maximum_timer_interval=worker.maximum_timer_interval,
        data_converter=worker._data_converter,
        exception_properties_provider=worker._exception_properties_provider,
        logger=worker._logger,
    )


def _new_executor(
    worker: durabletask_worker.TaskHubGrpcWorker,
) -> durabletask_worker._OrchestrationExecutor:
    return durabletask_worker._OrchestrationExecutor(
        worker._registry,
        worker._logger,
        maximum_timer_interval=worker.maximum_timer_interval,
        data_converter=worker._data_converter,
        exception_properties_provider=worker._exception_properties_provider,
    )


class OrchestratorSession:
    """One execution of one orchestrator."""

    counts: list[int] | None = None
    """Always None, because the SDK returns only actions that the history does not contain."""
    known = 0

    def __init__(
        self,
        function: UserFunction,
        worker: Callable[[str], durabletask_worker.TaskHubGrpcWorker],
        payload: str,
        root: Path,
        payloads: LargePayloads | None = None,
    ) -> None:
        """Prepare the execution for ``payload``, the JSON object of its first turn.

        ``worker`` returns the SDK's worker in which ``function`` has a given name. ``root`` is the
        app's folder. Positions in messages are relative to it.
        """
        document = json.loads(payload)
        self.instance_id: str = document["instanceId"]
        self.execution_id: str = document["executionId"]
        self.seen = 0
        self._suspensions = SuspensionFilter()
        self._past, self._new = self._messages(document)
        started = [e for e in chain(self._past, self._new) if e.HasField("executionStarted")]
        if not started:
            raise ValueError("the history has no ExecutionStarted")
        first = started[0].executionStarted
        self._trace_context = (
            first.parentTraceContext if first.HasField("parentTraceContext") else None
        )
        self._worker = worker(started[-1].executionStarted.name)
        self._executor = _new_executor(self._worker)
        self._executor._orchestration_name = first.name
        self._context = _new_context(self._worker, self.instance_id)
        self._context.root, self._context.function = root, function
        self._context.event_names, self._context.replay_checks = {}, set()
        self._payloads = payloads
        self._sent: list[pb.HistoryEvent] = []
        """The requests to entities. The list is empty if there is no store of payloads."""
        self._is_kept = bool(document.get("keep", True))
        self._ended = False
        self._is_first_turn = True
        self._event_id = self._differs_at = -1
        self._variables = contextvars.copy_context()
        """Context variables of the orchestrator. Its turns can run in different threads."""

    def report_lines(self) -> None:
        """Determine the lines of the calls. Call this method before the first turn."""
        self._context.calls = []

    @property
    def lines(self) -> CallLineData | None:
        """The lines of the calls, or None if ``report_lines`` was not called."""
        calls, steps = self._context.calls, self._context.steps
        if calls is None:
            return None
        return CallLineData(
            [call for call in calls if call[1] != "?"],
            "" if steps is None else steps.waits,
            self._differs_at,
        )

    def run_turn(self, events: str | None = None) -> str:
        """Run a turn and return the JSON of its response.

        ``events`` is None for the first turn, and the JSON object of the new events for later
        turns.
        """
        if events is not None:
            self._past, self._new = self._messages(json.loads(events))
        return self._variables.run(self._run_turn)

    def _messages(
        self, document: Mapping[str, list[EventJson]]
    ) -> tuple[list[pb.HistoryEvent], list[pb.HistoryEvent]]:
        """Return the SDK's messages of the past and new events of a turn, and count the events."""
        self.seen += len(document["past"]) + len(document["new"])
        return (
            self._suspensions.filtered(history_events(document["past"])),
            self._suspensions.filtered(history_events(document["new"])),
        )

    def _run_turn(self) -> str:
        if self._payloads is not None:
            self._fetch_payloads(self._payloads)
        response = self._response()
        if self._payloads is not None:
            externalize_payloads(response, self._payloads.store, instance_id=self.instance_id)
        context = self._context
        names = [context.event_names.get(name, name) for name in context._pending_events]
        if self._ended:
            return orchestrator_response(response)
        return orchestrator_response(response, names, getattr(context, "_received_events", ()))

    def _fetch_payloads(self, payloads: LargePayloads) -> None:
        """Replace the references to large payloads in the events of this turn."""
        request = pb.OrchestratorRequest(
            instanceId=self.instance_id,
            pastEvents=[*self._sent, *self._past],
            newEvents=self._new,
        )
        payloads.discard_unread(request)
        deexternalize_payloads(request, payloads.store)
        payloads.hydrate_entities(request, payloads.store)
        self._past = list(request.pastEvents)[len(self._sent) :]
        self._new = list(request.newEvents)
        self._sent += [e for e in chain(self._past, self._new) if e.HasField("eventSent")]

    def _response(self) -> pb.OrchestratorResponse:
        context = self._context
        try:
            with tracing.suppress_span_emission(), tracing.use_trace_context(self._trace_context):
                actions = self._actions()
            status = context._encoded_custom_status
        except Exception as error:  # for example, the new input cannot be serialized
            self._ended = True
            _remove_foreign_frames(error)
            failure = ph.new_failure_details(
                error, self._worker._exception_properties_provider, self._worker._logger
            )
            failed = ph.new_complete_orchestration_action(
                -1, pb.ORCHESTRATION_STATUS_FAILED, "", failure
            )
            return pb.OrchestratorResponse(instanceId=self.instance_id, actions=[failed])
        finally:
            self._past, self._new = [], []
        self._ended = self._ended or context._is_complete
        return pb.OrchestratorResponse(
            instanceId=self.instance_id,
            actions=actions,
            customStatus=ph.get_string_value(status),
            orchestrationTraceContext=pb.OrchestrationTraceContext(),
        )

    def _actions(self) -> list[pb.OrchestratorAction]:
        """Process the events and return the actions that the history does not contain."""
        if any(event.HasField("executionRewound") for event in self._new) and any(
            event.HasField("executionCompleted") for event in self._past
        ):
            self._ended = True  # the SDK rewrites the history
            return self._executor.execute(self.instance_id, self._past, self._new).actions
        context = self._context
        try:
            context._is_replaying = True
            for event in self._past:
                self._process_past(event)
            if self._is_first_turn:
                _confirmed_checks.update(context.replay_checks)
                self._is_first_turn = False
            context._is_replaying = False
            for event in self._new:
                self._executor.process_event(context, event)
        except Exception as error:
            if isinstance(error, task.NonDeterminismError):
                self._differs_at = self._event_id
            context.set_failed(error)
        actions: list[pb.OrchestratorAction] = context.get_actions()
        return actions

    def _process_past(self, event: pb.HistoryEvent) -> None:
        executor, self._event_id = self._executor, event.eventId
        if executor._is_suspended and event.WhichOneof("eventType") in DECISIONS:
            # SuspensionFilter explains these decisions, which the turn of the suspension made.
            executor._is_suspended = False
            try:
                executor.process_event(self._context, event)
            finally:
                executor._is_suspended = True
        else:
            executor.process_event(self._context, event)

    @property
    def is_replaying(self) -> bool:
        """True while the orchestrator runs code that an earlier turn has already run."""
        return bool(self._context._is_replaying)

    def never_yielded(self) -> list[str]:
        """Return an empty list: the SDK schedules calls whose task is never yielded."""
        return []

    def offset_timers(self) -> list[str]:
        """Return an empty list: the SDK converts times with an offset to UTC."""
        return []

    @property
    def finished(self) -> bool:
        """True if the host does not need the session for another turn."""
        return (
            self._ended or not self._is_kept or not self._context.replay_checks <= _confirmed_checks
        )

    def close(self) -> None:
        """Break the reference cycles between the context and its tasks.

        Python then frees the memory without a full garbage collection. This method must not raise
        an exception, because the turn of another orchestrator calls it to make room. Therefore, it
        tolerates a context whose attributes the orchestrator has replaced.
        """
        with contextlib.suppress(Exception):
            self._break_cycles()

    def _break_cycles(self) -> None:
        context = self._context
        for task_ in chain(context._pending_tasks.values(), *context._pending_events.values()):
            task_._parents.clear()
            if isinstance(task_, task.CancellableTask):
                task_._cancel_handler = None
        for part in (context._pending_tasks, context._pending_events, context._pending_actions):
            part.clear()
        context._generator = context._previous_task = context.steps = None


def _remove_foreign_frames(error: BaseException) -> None:
    """Remove the frames of this package and of the SDK from the traceback of ``error``.

    If the SDK itself has raised an exception without frames of the app, its frames remain. The only
    exception is NonDeterminismError, which the SDK raises to report a mistake of the app.
    """
    frames: list[types.TracebackType] = []
    part = error.__traceback__
    while part is not None:
        frames.append(part)
        part = part.tb_next
    shown = [part for part in frames if not _is_foreign(part.tb_frame)]
    if (
        not shown
        and frames
        and is_sdk_module(frames[-1].tb_frame.f_globals.get("__name__"))
        and not isinstance(error, task.NonDeterminismError)
    ):
        shown = [part for part in frames if not _is_own(part.tb_frame)]
    linked: types.TracebackType | None = None
    for part in reversed(shown):
        linked = types.TracebackType(linked, part.tb_frame, part.tb_lasti, part.tb_lineno)
    error.__traceback__ = linked


def _is_own(frame: types.FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_OWN_FOLDER)


def _is_foreign(frame: types.FrameType) -> bool:
    """Return True for a frame of this package, of the SDK, or of a frozen module of Python."""
    return (
        _is_own(frame)
        or frame.f_code.co_filename.startswith("<frozen ")
        or is_sdk_module(frame.f_globals.get("__name__"))
    )
