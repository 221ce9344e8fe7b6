"""Recursive termination: the sub-orchestrations of a terminated instance are terminated too."""

from __future__ import annotations

from typing import Protocol

from embedded_host.engine import history as h
from embedded_host.engine.events import ExecutionTerminated
from embedded_host.engine.messages import Message
from embedded_host.engine.orchestration import Orchestration, TurnResult
from embedded_host.engine.status import Status
from embedded_host.parity.findings import Findings
from embedded_host.parity.kinds.sdk2 import RECURSIVE_TERMINATION
from embedded_host.task_hub.clock import Clock
from embedded_host.task_hub.diagnosis import DiagnosedHub, running_children
from embedded_host.task_hub.unit_of_work import UnitOfWork, UnitOfWorkBuilder


class TerminatingHub(DiagnosedHub, Protocol):
    """The parts of a task hub that a recursive termination uses."""

    @property
    def clock(self) -> Clock:
        """The clock of the task hub."""

    @property
    def units(self) -> UnitOfWorkBuilder:
        """The builder of units of work."""

    @property
    def findings(self) -> Findings:
        """The parity findings of the app."""


def terminate_children(
    hub: TerminatingHub, state: Orchestration, result: TurnResult, unit: UnitOfWork
) -> bool:
    """Add requests to terminate the running sub-orchestrations to ``unit``.

    Returns false and adds nothing, unless ``result`` ends an instance because of a recursive
    termination. On Azure Storage, the sub-orchestrations continue, also here in strict mode.
    """
    if result.status is not Status.TERMINATED:
        return False
    event = next((e for e in result.events if isinstance(e, ExecutionTerminated)), None)
    if event is None or event.recurse is not True:  # not a termination, or not recursive
        return False
    request = h.execution_terminated(hub.clock.now(), event.input, recurse=True)
    for child in running_children(hub, state):
        target = None if child.instance_id is None else hub.find(child.instance_id)
        if (
            target is not None
            and isinstance(target.state, Orchestration)
            and target.state.parent_instance_id == state.instance_id
            and not target.is_terminal
        ):
            if hub.findings.host.uses_azure_storage:
                hub.findings.add(RECURSIVE_TERMINATION, state.name)
                if hub.settings.strict:
                    continue
            hub.units.deliver(target, Message(request), unit)
    return True
