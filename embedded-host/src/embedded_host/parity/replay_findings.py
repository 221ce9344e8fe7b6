"""The parity finding of an orchestrator whose replay makes other calls than its history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from embedded_host.engine.events import (
    EventSent,
    HistoryEvent,
    SchedulingEvent,
    SubOrchestrationInstanceCreated,
    TaskScheduled,
    TimerCreated,
)
from embedded_host.engine.invocations import CallLines
from embedded_host.engine.orchestration import Orchestration
from embedded_host.parity.findings import Findings
from embedded_host.parity.kinds.replay import NOT_DETERMINISTIC


def add_replay_finding(
    findings: Findings,
    state: Orchestration,
    differs_at: int,
    recorded: Mapping[int, str],
    replayed: CallLines,
) -> None:
    """Add a finding with the line of the recorded call and the line of the replay.

    ``differs_at`` is the id of the first decision that differs. ``recorded`` has the lines of the
    recorded decisions. If it has no such decision, other code may have made the call. There is no
    finding then.
    """
    before = recorded.get(differs_at)
    if before is None:
        return
    call = _call(state.history.events, differs_at)
    now = replayed.calls.get(differs_at)
    if now is not None:
        instead = f"The replay made another call in {now}."
    elif replayed.waits:
        instead = f"The replay did not make this call, and waited in {replayed.waits}."
    else:
        instead = "The replay ended without this call."
    file, _, line = (now or before).rpartition(" line ")
    findings.add(
        NOT_DETERMINISTIC,
        state.name,
        instance_id=state.instance_id,
        detail=f"{call} was scheduled in {before}. {instead}",
        file=file,
        line=int(line),
    )


def _call(events: Iterable[HistoryEvent], id: int) -> str:
    """Return a text such as "The activity 'A'" for the decision with an id."""
    for event in events:
        if isinstance(event, SchedulingEvent) and event.event_id == id:
            if isinstance(event, TaskScheduled):
                return f"The activity '{event.name}'"
            if isinstance(event, SubOrchestrationInstanceCreated):
                return f"The sub-orchestration '{event.name}'"
            if isinstance(event, TimerCreated):
                return "A timer"
            if isinstance(event, EventSent):
                return f"A message to '{event.instance_id}'"
    return "A call"
