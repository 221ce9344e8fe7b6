"""Test orchestrations in microseconds: the app in this process, its state in memory, its time in the test's hand.

``durable_app`` is the fixture of the pytest plugin (``plugin.py``); everything else is imported from here. What is named here is
imported when it is used: pytest loads this package in every run, also in those that have no use for it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embedded_host.testing.app import DurableApp
    from embedded_host.testing.crashes import CrashChangedOutcomeError, CrashRun, crash_everywhere
    from embedded_host.testing.fakes import Fake, HttpFake
    from embedded_host.testing.history_view import RecordedSteps
    from embedded_host.testing.host_run import LivelockError
    from embedded_host.testing.http import HttpAnswer
    from embedded_host.testing.instance import Instance, OrchestrationFailedError
    from embedded_host.testing.loading import UnknownFunctionError
    from embedded_host.testing.replaying import HistoryMismatchError, Replayed, replay
    from embedded_host.testing.sync import SyncDurableApp
    from embedded_host.testing.virtual_clock import NotFinishedError

__all__ = [
    "CrashChangedOutcomeError",
    "CrashRun",
    "DurableApp",
    "Fake",
    "HistoryMismatchError",
    "HttpAnswer",
    "HttpFake",
    "Instance",
    "LivelockError",
    "NotFinishedError",
    "OrchestrationFailedError",
    "RecordedSteps",
    "Replayed",
    "SyncDurableApp",
    "UnknownFunctionError",
    "crash_everywhere",
    "replay",
]
_HOME = {
    "CrashChangedOutcomeError": "crashes",
    "CrashRun": "crashes",
    "DurableApp": "app",
    "Fake": "fakes",
    "HistoryMismatchError": "replaying",
    "HttpAnswer": "http",
    "HttpFake": "fakes",
    "Instance": "instance",
    "LivelockError": "host_run",
    "NotFinishedError": "virtual_clock",
    "OrchestrationFailedError": "instance",
    "RecordedSteps": "history_view",
    "Replayed": "replaying",
    "SyncDurableApp": "sync",
    "UnknownFunctionError": "loading",
    "crash_everywhere": "crashes",
    "replay": "replaying",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
