"""The parity findings that the functions of an app have at load."""

from __future__ import annotations

from collections.abc import Sequence

from embedded_host.app.definitions import Function
from embedded_host.parity.findings import Findings
from embedded_host.parity.kinds import Kind, sdk2

INVALID_NAME = "_durable_input"
"""The name of a trigger of SDK 2.x that the Azure Functions host refuses."""
_OF_SDK: dict[str, Kind] = {
    "Schedule": sdk2.SCHEDULED_TASKS,
    "execute_schedule_operation_orchestrator": sdk2.SCHEDULED_TASKS,
    "FunctionsExportJobEntity": sdk2.HISTORY_EXPORT,
    "export_job_orchestrator": sdk2.HISTORY_EXPORT,
}
"""The kinds of findings of the SDK's own functions, by name of the function."""


def is_of_sdk(function: str) -> bool:
    """Return True for the name of a function of scheduled tasks or of the history export."""
    return function in _OF_SDK


def add_function_findings(findings: Findings, functions: Sequence[Function]) -> None:
    """Add the findings of the functions of a loaded app.

    Scheduled tasks and the history export have one finding each, although each consists of several
    functions.
    """
    found: set[Kind] = set()
    invalid: list[str] = []
    for function in functions:
        if (
            function.is_built_in
            or not function.requires_grpc
            or function.trigger.name != INVALID_NAME
        ):
            continue
        kind = None if function.code_file else _OF_SDK.get(function.name)
        if kind is None:
            invalid.append(function.durable_name)
        elif kind not in found:
            found.add(kind)
            findings.add(kind, function.durable_name)
    findings.add_all(sdk2.CONTEXT_NAME, invalid)
