"""Test orchestrations in microseconds: the app in this process, its state in memory, its time in the test's hand.

``durable_app`` is the fixture of the pytest plugin (``plugin.py``); everything else is imported from here. What is named here is
imported when it is used: pytest loads this package in every run, also in those that have no use for it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embedded_host.testing.app import DurableApp
    from embedded_host.testing.crashes import CrashChangedOutcome, CrashRun, crash_everywhere
    from embedded_host.testing.fakes import Fake, HttpFake
    from embedded_host.testing.http import HttpAnswer
    from embedded_host.testing.instance import Instance, OrchestrationFailed
    from embedded_host.testing.life import NeverIdle
    from embedded_host.testing.loading import UnknownFunction
    from embedded_host.testing.replaying import HistoryMismatch, Replayed, replay
    from embedded_host.testing.steps import RecordedSteps
    from embedded_host.testing.sync import SyncDurableApp
    from embedded_host.testing.time_line import NotFinished

__all__ = [
    "CrashChangedOutcome",
    "CrashRun",
    "DurableApp",
    "Fake",
    "HistoryMismatch",
    "HttpAnswer",
    "HttpFake",
    "Instance",
    "NeverIdle",
    "NotFinished",
    "OrchestrationFailed",
    "RecordedSteps",
    "Replayed",
    "SyncDurableApp",
    "UnknownFunction",
    "crash_everywhere",
    "replay",
]
_HOME = {
    "CrashChangedOutcome": "crashes",
    "CrashRun": "crashes",
    "DurableApp": "app",
    "Fake": "fakes",
    "HistoryMismatch": "replaying",
    "HttpAnswer": "http",
    "HttpFake": "fakes",
    "Instance": "instance",
    "NeverIdle": "life",
    "NotFinished": "time_line",
    "OrchestrationFailed": "instance",
    "RecordedSteps": "steps",
    "Replayed": "replaying",
    "SyncDurableApp": "sync",
    "UnknownFunction": "loading",
    "crash_everywhere": "crashes",
    "replay": "replaying",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
