"""The interpretation of an instance's history, shared by all readers.

``HistoryView.of(events)`` derives calls, timers, external events, suspensions, turns and times from
history events. ``execution_waits`` and ``open_waits`` return the open waits of an execution.
"""

from embedded_host.history.failures import (
    execution_traceback,
    failure_text,
    failure_trace,
    failure_traceback,
)
from embedded_host.history.inferred_turns import infer_turns
from embedded_host.history.status_api import events_as_shown, events_of_status
from embedded_host.history.step_groups import (
    StepGroup,
    StepRow,
    positions,
    step_end,
    step_groups,
    step_start,
)
from embedded_host.history.step_inputs import input_label
from embedded_host.history.steps import (
    Action,
    Call,
    CallKind,
    Outcome,
    Step,
    Suspension,
    Timer,
    Turn,
)
from embedded_host.history.view import HistoryView, TimeSpent
from embedded_host.history.waits import (
    LISTED,
    Wait,
    WaitKind,
    execution_waits,
    joined,
    open_waits,
    waiting_since,
)

__all__ = [
    "LISTED",
    "Action",
    "Call",
    "CallKind",
    "HistoryView",
    "Outcome",
    "Step",
    "StepGroup",
    "StepRow",
    "Suspension",
    "TimeSpent",
    "Timer",
    "Turn",
    "Wait",
    "WaitKind",
    "events_as_shown",
    "events_of_status",
    "execution_traceback",
    "execution_waits",
    "failure_text",
    "failure_trace",
    "failure_traceback",
    "infer_turns",
    "input_label",
    "joined",
    "open_waits",
    "positions",
    "step_end",
    "step_groups",
    "step_start",
    "waiting_since",
]
