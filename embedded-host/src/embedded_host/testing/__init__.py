"""The test kit, which runs orchestrations in the test's process.

The state is in memory, and the clock is virtual. The pytest plugin provides the fixture
``durable_app``. Import the classes of history events from ``embedded_host.testing.events``, and all
other names from this module. The other modules are internal.

Example:
    ```python
    from embedded_host.testing import DurableApp


    async def test_order(durable_app: DurableApp):
        order = await durable_app.run("OrderFlow", {"item": "book"})
        assert order.output == "shipped"
    ```
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embedded_host.app.errors import AppError
    from embedded_host.errors import EmbeddedHostError
    from embedded_host.task_hub.undelivered_events import UndeliveredEvent
    from embedded_host.testing.app import DurableApp, SyncDurableApp
    from embedded_host.testing.crashes import CrashChangedOutcomeError, CrashRun, crash_everywhere
    from embedded_host.testing.errors import (
        AppLoadError,
        FakeCallsError,
        FunctionLoadError,
        HistoryMismatchError,
        InstanceNotFoundError,
        InstanceStatusError,
        LivelockError,
        NotFinishedError,
        OrchestrationFailedError,
        ParityError,
        UnknownFunctionError,
        UnreadableHistoryError,
    )
    from embedded_host.testing.fakes import Fake, HttpFake, HttpRequest, SideEffectFunction
    from embedded_host.testing.http import HttpResponse
    from embedded_host.testing.instance_handle import InstanceHandle
    from embedded_host.testing.instance_history import (
        InstanceHistory,
        RecordedCall,
        RecordedEntityCall,
        RecordedEvent,
        RecordedLock,
        RecordedSentEvent,
        RecordedTimer,
    )
    from embedded_host.testing.parity_finding import ParityFinding
    from embedded_host.testing.replaying import Replayed
    from embedded_host.workers.shared_environment import PackageConflictError

# pytest imports this module in every run, so each name is imported when it is first used.
_NAMES = {
    "embedded_host.app.errors": ("AppError",),
    "embedded_host.errors": ("EmbeddedHostError",),
    "embedded_host.task_hub.undelivered_events": ("UndeliveredEvent",),
    "embedded_host.testing.app": ("DurableApp", "SyncDurableApp"),
    "embedded_host.testing.crashes": ("CrashChangedOutcomeError", "CrashRun", "crash_everywhere"),
    "embedded_host.testing.errors": (
        "AppLoadError",
        "FakeCallsError",
        "FunctionLoadError",
        "HistoryMismatchError",
        "InstanceNotFoundError",
        "InstanceStatusError",
        "LivelockError",
        "NotFinishedError",
        "OrchestrationFailedError",
        "ParityError",
        "UnknownFunctionError",
        "UnreadableHistoryError",
    ),
    "embedded_host.testing.fakes": ("Fake", "HttpFake", "HttpRequest", "SideEffectFunction"),
    "embedded_host.testing.http": ("HttpResponse",),
    "embedded_host.testing.instance_handle": ("InstanceHandle",),
    "embedded_host.testing.instance_history": (
        "InstanceHistory",
        "RecordedCall",
        "RecordedEntityCall",
        "RecordedEvent",
        "RecordedLock",
        "RecordedSentEvent",
        "RecordedTimer",
    ),
    "embedded_host.testing.parity_finding": ("ParityFinding",),
    "embedded_host.testing.replaying": ("Replayed",),
    "embedded_host.workers.shared_environment": ("PackageConflictError",),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [
    "AppError",
    "AppLoadError",
    "CrashChangedOutcomeError",
    "CrashRun",
    "DurableApp",
    "EmbeddedHostError",
    "Fake",
    "FakeCallsError",
    "FunctionLoadError",
    "HistoryMismatchError",
    "HttpFake",
    "HttpRequest",
    "HttpResponse",
    "InstanceHandle",
    "InstanceHistory",
    "InstanceNotFoundError",
    "InstanceStatusError",
    "LivelockError",
    "NotFinishedError",
    "OrchestrationFailedError",
    "PackageConflictError",
    "ParityError",
    "ParityFinding",
    "RecordedCall",
    "RecordedEntityCall",
    "RecordedEvent",
    "RecordedLock",
    "RecordedSentEvent",
    "RecordedTimer",
    "Replayed",
    "SideEffectFunction",
    "SyncDurableApp",
    "UndeliveredEvent",
    "UnknownFunctionError",
    "UnreadableHistoryError",
    "crash_everywhere",
]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = importlib.import_module(_MODULES[name])
    except ImportError:
        from embedded_host.workers.shared_environment import check_packages

        check_packages("the test kit")  # an old package may lack a name that is imported
        raise
    return getattr(module, name)
