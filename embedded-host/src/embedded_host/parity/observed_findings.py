"""The parity findings of the differences that the engine has observed in a turn."""

from __future__ import annotations

from collections.abc import Iterable

from embedded_host.app.definitions import is_built_in
from embedded_host.engine.observations import Difference, Observation
from embedded_host.parity.findings import Findings
from embedded_host.parity.kinds import Kind, calls, events, sdk2, timers, values

_KINDS: dict[Difference, tuple[Kind, str]] = {
    Difference.EVENT_BEFORE_WAIT: (events.EVENT_BEFORE_WAIT, "The name of the event is {}."),
    Difference.NEWEST_WAIT: (events.NEWEST_WAIT, "The name of the event is {}."),
    Difference.EVENT_CASE: (
        events.EVENT_CASE,
        "The name of the event is {}, and the orchestrator awaits {}.",
    ),
    Difference.CARRIED_EVENT: (events.CARRIED_EVENT, "The lost events are: {}."),
    Difference.SHORT_TIMER: (
        timers.EARLY_TIMER,
        "A timer of {} s fires at once, because the host waits for whole seconds only.",
    ),
    Difference.CLOSE_RACE: (
        timers.EARLY_TIMER,
        "In a task_any, another task was done in the last second of the timer. There, the timer "
        "fires first.",
    ),
    Difference.LONG_TIMER: (
        timers.LATE_CONTINUATION,
        "The SDK splits a timer of more than six days into parts of three days. An event has no "
        "effect before the current part ends.",
    ),
    Difference.SUSPENDED_RETRY: (
        timers.LATE_CONTINUATION,
        "An activity failed while the instance was suspended. The retry interval starts when the "
        "instance is resumed.",
    ),
    Difference.NOT_A_NUMBER: (values.NOT_A_NUMBER, "The value contains {}."),
    Difference.METADATA: (values.METADATA, "The value loses {}."),
    Difference.LONE_SURROGATE: (values.LONE_SURROGATE, ""),
    Difference.LOST_ACTIONS: (values.LOST_ACTIONS, ""),
    Difference.UNKNOWN_FUNCTION: (calls.UNKNOWN_FUNCTION, "The {} {} does not exist."),
    Difference.UNKNOWN_FUNCTION_OF_2X: (
        calls.UNKNOWN_FUNCTION_OF_2X,
        "The {} {} does not exist.",
    ),
    Difference.CHILD_ID: (calls.CHILD_ID, "The id is {}."),
    Difference.NEWER_VERSION: (sdk2.NEWER_VERSION, ""),
    Difference.OTHER_VERSION: (calls.OTHER_VERSION, ""),
    Difference.ENTITY_BATCH: (calls.ENTITY_BATCH, "{}"),
}
"""The kind and the detail of each difference. ``{}`` is replaced by the subjects."""

_WITHOUT_QUOTES = (Difference.SHORT_TIMER, Difference.NOT_A_NUMBER, Difference.ENTITY_BATCH)
_LISTS = (Difference.CARRIED_EVENT, Difference.METADATA)


def add_observed_findings(
    findings: Findings, function: str, instance_id: str, observations: Iterable[Observation]
) -> None:
    """Add a finding for each observation of a turn or a result of ``function``.

    The functions of ``call_http`` have none, because their code is not the app's.
    """
    if is_built_in(function):
        return
    for difference, subjects in observations:
        kind, detail = _KINDS[difference]
        findings.add(
            kind,
            function,
            instance_id=instance_id,
            detail=detail.format(*_shown(difference, subjects)),
        )


def _shown(difference: Difference, subjects: tuple[str, ...]) -> tuple[str, ...]:
    """Return the subjects as in a message: names in quotes, and other texts as they are."""
    if difference in _WITHOUT_QUOTES:
        return subjects
    if difference in (Difference.UNKNOWN_FUNCTION, Difference.UNKNOWN_FUNCTION_OF_2X):
        kind, name = subjects
        return kind, f"'{name}'"
    names = tuple(f"'{name}'" for name in subjects)
    return (", ".join(names),) if difference in _LISTS else names
