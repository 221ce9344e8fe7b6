"""A host that runs an app of SDK 2.x in its own process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.running_host import RunningHost
from tests.testing.sdk2.conftest import shop_app

pytestmark = [
    pytest.mark.process,
    pytest.mark.needs_durable("2.0.0rc3", "the app is written for SDK 2.x"),
]


def test_the_app_runs_in_the_process_of_the_host(tmp_path: Path) -> None:
    root = shop_app(tmp_path / "app").root
    with RunningHost(root, tmp_path / "state", "--in-process") as host:
        started = host.post("/api/start/transfer", 5)
        assert started.status == 202, host.log
        assert host.end(started.json)["output"] == "moved"
        assert host.get("/api/sync/order").json == ["paid 7", "shipped"]
        assert host.workers == []
        assert host.stop() == 0, host.log
