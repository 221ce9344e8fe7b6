"""The status of the host in ``GET /admin/host/status`` (functions-host.md#admin-endpoints)."""

from __future__ import annotations

import time
from collections.abc import Sequence

HOST_VERSION = "4.1037.0.0"
"""The version of the Azure Functions host whose behavior the embedded host follows."""


def host_status(
    started: float, errors: Sequence[str], *, in_error: bool, report: object = None
) -> dict[str, object]:
    """Return the status document.

    ``started`` is the monotonic time of the start. ``in_error`` is True if no function is served.
    ``report`` is the embedded host's own report. Clients of the Azure Functions host ignore its
    field.
    """
    status: dict[str, object] = {
        "id": "embedded-host",
        "state": "Error" if in_error else "Running",
        "version": HOST_VERSION,
        "versionDetails": HOST_VERSION.rpartition(".")[0],
        "platformVersion": "",
        "instanceId": "",
        "computerName": "",
        "processUptime": int((time.monotonic() - started) * 1000),
        "functionAppContentEditingState": "Unknown",
    }
    if errors:
        status["errors"] = list(errors)
    if report is not None:
        status["embeddedHost"] = report
    return status
