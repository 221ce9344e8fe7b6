"""The parity findings that an app has at load."""

from __future__ import annotations

from datetime import datetime, timezone

from embedded_host.engine.sdk_protocols import SDK_1X
from embedded_host.parity.findings import Findings
from embedded_host.workers.invoker import protocol_of
from embedded_host.workers.loaded_app import LoadedApp


def add_load_findings(findings: Findings, loaded: LoadedApp) -> None:
    """Replace the findings of the previous code with the findings of the loaded app."""
    findings.use([*loaded.app.functions, *loaded.nameless])
    usable = [function for function in loaded.enabled if function.name not in loaded.broken]
    usable += loaded.nameless
    if protocol_of(usable) != SDK_1X:
        # An app of SDK 1.x does not load the module.
        from embedded_host.parity.function_findings import add_function_findings

        add_function_findings(findings, usable)
    if loaded.timers:
        # Many apps have no timer functions.
        from embedded_host.parity.schedule_findings import add_schedule_findings

        add_schedule_findings(findings, loaded.timers.values(), datetime.now(timezone.utc))
    for finding in loaded.findings:
        findings.add_reported(finding)
