from __future__ import annotations

import os

import pytest

from embedded_host.task_hub.settings import HubSettings


@pytest.mark.parametrize(("processors", "limit"), [(2, 20), (None, 10)])
def test_the_default_limits_are_10_for_each_processor(
    processors: int | None, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    settings = HubSettings()
    assert (settings.max_activities, settings.max_orchestrators) == (limit, limit)
