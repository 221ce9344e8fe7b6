"""The turns of an orchestration: they consume its inbox and record their results."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import chain
from time import perf_counter
from typing import Protocol

from embedded_host.engine.events import ExecutionTerminated
from embedded_host.engine.messages import Message
from embedded_host.engine.observations import Difference, Observation
from embedded_host.engine.orchestration import Orchestration, TurnResult, deliverable
from embedded_host.engine.sdk_protocols import SDK_1X
from embedded_host.engine.status import Status
from embedded_host.engine.trace_contexts import TraceContext, orchestration_trace
from embedded_host.parity.kinds.events import ORPHANS
from embedded_host.task_hub.diagnosis import running_children
from embedded_host.task_hub.inbox import InboxItem
from embedded_host.task_hub.instances import LoadedInstance
from embedded_host.task_hub.measurements import HubMeasurements
from embedded_host.task_hub.other_sdk import OtherSdkReporter, needs_other_sdk
from embedded_host.task_hub.replays import Replays
from embedded_host.task_hub.termination import TerminatingHub, terminate_children
from embedded_host.task_hub.tracer import Tracer, in_trace
from embedded_host.task_hub.turns import orchestrator_turn
from embedded_host.task_hub.unit_of_work import UnitOfWork

log = logging.getLogger("embedded_host.task_hub")


class OrchestrationHub(TerminatingHub, Protocol):
    """The parts of a task hub that the turns of an orchestration use."""

    @property
    def code_version(self) -> int:
        """Number of reloads. A turn that started before a reload does not keep its execution."""

    @property
    def tracer(self) -> Tracer | None:
        """The telemetry, or None without telemetry."""

    @property
    def replays(self) -> Replays:
        """The selection of the instances whose histories are replayed."""

    @property
    def measurements(self) -> HubMeasurements:
        """The measurements of the task hub."""

    def cached(self, instance_id: str) -> LoadedInstance | None:
        """Return the instance if it is in memory, else None."""

    async def record(self, unit: UnitOfWork, apply: Callable[[], None] | None = None) -> None:
        """Commit a unit of work, call ``apply``, and start the effects."""

    @property
    def other_sdk(self) -> OtherSdkReporter:
        """The reporter of instances that the app's version of the SDK cannot continue."""

    def complete_waits(self, instance: LoadedInstance) -> None:
        """Respond to the requests that wait for the status that a turn has set."""

    def finish_turns(self, instance: LoadedInstance) -> None:
        """Mark an instance without messages as idle, or remove it if it has finished."""


async def run_orchestration(hub: OrchestrationHub, instance: LoadedInstance) -> None:
    """Run turns until the inbox is empty, or the instance has finished."""
    state = instance.state
    assert isinstance(state, Orchestration)
    while instance.inbox or state.continued:
        items = _take_inbox(instance, state)
        messages = deliverable(state, [item.message for item in items])
        if state.status.is_terminal or not (messages or state.continued):
            await hub.record(UnitOfWork(list(hub.units.take(instance.key, items))))
            if state.status.is_terminal:
                break
            continue
        if not _replays(hub, state, messages):
            instance.inbox[:0] = items
            instance.busy = False
            return
        code = hub.code_version
        replays = hub.replays.of_instance(instance.replays, state.name, code)
        instance.replays = replays
        began = perf_counter()
        state.is_replayed = replays.is_due(len(state.history), hub.settings.replayed_up_to, began)
        if state.is_replayed:
            state.drop_execution()
        with in_trace(_trace(hub, state, messages)):
            result = await orchestrator_turn(
                state, messages, hub.invoker, hub.settings, hub.clock, hub.findings
            )
            if state.is_replayed:
                replays.replayed(began, perf_counter())
            if result.host_error:
                log.error(
                    "Instance '%s' failed because of a bug in the host. Report the bug with this "
                    "traceback [EH410]:\n%s",
                    instance.id,
                    result.host_error,
                    extra={"instance_id": instance.id},
                )
            if result.problem:
                log.error(
                    "Orchestrator '%s' of instance '%s' failed [EH401]: %s",
                    state.name,
                    instance.id,
                    result.problem.strip(),
                    extra={"instance_id": instance.id},
                )
        if result.differs_at is not None and result.lines is not None:
            # Most apps never load the module.
            from embedded_host.parity.replay_findings import add_replay_finding

            add_replay_finding(hub.findings, state, result.differs_at, replays.lines, result.lines)
        if hub.cached(instance.id) is not instance:
            return  # the instance was replaced or purged meanwhile
        past = state.history.events
        await _record(hub, instance, state, items, result, code)
        hub.measurements.turns.observe(perf_counter() - began, "orchestrator", state.name)
        if hub.tracer is not None:
            received = [message.event for message in messages]
            hub.tracer.turn_recorded(state, past, received, result)
        if result.replaces:
            replays.lines.clear()  # the ids start again
        elif result.lines is not None:
            replays.lines = {**result.lines.calls, **replays.lines}
    hub.finish_turns(instance)


async def _record(
    hub: OrchestrationHub,
    instance: LoadedInstance,
    state: Orchestration,
    items: Sequence[InboxItem],
    result: TurnResult,
    code: int,
) -> None:
    """Record the result of a turn that consumed ``items`` and started with the version ``code``."""
    unit = hub.units.orchestration(instance, items, result)
    is_recursive = terminate_children(hub, state, result, unit)
    if state.protocol != SDK_1X:
        # An app of SDK 1.x does not load the module.
        from embedded_host.parity.turn_findings import add_turn_findings

        add_turn_findings(hub.findings, state.name, result.events)
    observations = list(result.observations)
    observations += [Observation(Difference.CHILD_ID, (id,)) for id in unit.taken_children]
    if observations:
        from embedded_host.parity.observed_findings import add_observed_findings

        add_observed_findings(hub.findings, state.name, instance.id, observations)

    def apply() -> None:
        result.apply(state)
        if code != hub.code_version:
            state.drop_execution()
        instance.turns = 1 if result.replaces else instance.turns + 1

    await hub.record(unit, apply)
    hub.complete_waits(instance)
    if (
        result.status is Status.TERMINATED
        and not is_recursive
        and (children := running_children(hub, state))
    ):
        log.warning(
            "Instance '%s' was terminated, but its sub-orchestrations continue: %s. [EH404]",
            instance.id,
            ", ".join(str(child.instance_id) for child in children),
        )
        hub.findings.add(ORPHANS, state.name, instance_id=instance.id)


def _replays(hub: OrchestrationHub, state: Orchestration, messages: Sequence[Message]) -> bool:
    """Return False if the history cannot be replayed by the SDK that the app now uses.

    In this case, the messages wait until the app uses the other version of the SDK again. The only
    exception is a termination, which needs no replay.
    """
    protocol = hub.settings.functions.protocol
    if state.continued or not len(state.history):
        state.protocol = protocol
    if not needs_other_sdk(state, protocol):
        return True
    if any(isinstance(message.event, ExecutionTerminated) for message in messages):
        return True
    hub.other_sdk.report(state)
    return False


def _trace(
    hub: OrchestrationHub, state: Orchestration, messages: Sequence[Message]
) -> TraceContext | None:
    """Return the span of an orchestration, or None without telemetry."""
    if hub.tracer is None:
        return None
    received = (message.event for message in messages)
    trace = orchestration_trace(chain(state.history.events, received))
    return None if trace is None else trace.own


def _take_inbox(instance: LoadedInstance, state: Orchestration) -> list[InboxItem]:
    items, instance.inbox = instance.inbox, []
    if state.continued and not state.status.is_terminal:
        # The first turn of the new execution delivers only a request to terminate
        # (functions-host.md#event-order-in-a-turn).
        ends = [i for i in items if isinstance(i.message.event, ExecutionTerminated)]
        instance.inbox = [i for i in items if i not in ends]
        return ends
    return items
