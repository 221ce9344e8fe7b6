"""The test kit: run orchestrations in the test's process, with an in-memory state and a virtual clock.

The pytest plugin has the fixture ``durable_app``. Everything else is imported from here, and from here only: the modules of
this package are internal. A name is loaded when it is first used, because pytest imports this package in every run.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embedded_host.app.errors import AppError
    from embedded_host.errors import EmbeddedHostError
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
        UnknownFunctionError,
        UnreadableHistoryError,
    )
    from embedded_host.testing.fakes import Fake, HttpFake, HttpRequest
    from embedded_host.testing.http import HttpResponse
    from embedded_host.testing.instance_handle import InstanceHandle
    from embedded_host.testing.instance_history import (
        InstanceHistory,
        RecordedCall,
        RecordedEntityCall,
        RecordedEvent,
        RecordedTimer,
    )
    from embedded_host.testing.replaying import Replayed

_NAMES = {
    "embedded_host.app.errors": ("AppError",),
    "embedded_host.errors": ("EmbeddedHostError",),
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
        "UnknownFunctionError",
        "UnreadableHistoryError",
    ),
    "embedded_host.testing.fakes": ("Fake", "HttpFake", "HttpRequest"),
    "embedded_host.testing.http": ("HttpResponse",),
    "embedded_host.testing.instance_handle": ("InstanceHandle",),
    "embedded_host.testing.instance_history": (
        "InstanceHistory",
        "RecordedCall",
        "RecordedEntityCall",
        "RecordedEvent",
        "RecordedTimer",
    ),
    "embedded_host.testing.replaying": ("Replayed",),
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
    "RecordedCall",
    "RecordedEntityCall",
    "RecordedEvent",
    "RecordedTimer",
    "Replayed",
    "SyncDurableApp",
    "UnknownFunctionError",
    "UnreadableHistoryError",
    "crash_everywhere",
]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)
