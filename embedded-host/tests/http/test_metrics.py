"""The reader of the metrics, with a state file."""

from __future__ import annotations

import time
from pathlib import Path

from embedded_host.app.definitions import App, HostJson, LocalSettings
from embedded_host.http.metrics import Metrics
from embedded_host.management.host_report import HostDetails
from embedded_host.store.sqlite import SqliteStore
from embedded_host.task_hub.measurements import CommitMeasurements
from embedded_host.workers.current_app import CurrentApp
from embedded_host.workers.loaded_app import LoadedApp
from embedded_host.workers.worker import WorkerStatus
from tests.http.api import done
from tests.task_hub.kit import HubUnderTest, InlineInvoker


async def test_the_metrics_count_the_stored_instances(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    store = SqliteStore(file, fsync=False)
    host = HubUnderTest(InlineInvoker({"Done": done}, {}), store)
    await host.start("Done")
    app = CurrentApp(LoadedApp(App(Path("app"), HostJson(), LocalSettings(), ())))
    details = HostDetails(app, host.hub, lambda: WorkerStatus((), 0), file, [], time.time())
    metrics = Metrics(details, CommitMeasurements())
    text = await metrics.text()
    assert 'embedded_host_instances{function="Done",status="Completed"} 1\n' in text
    labels = 'kind="orchestrator",function="Done"'
    assert f"embedded_host_turn_duration_seconds_count{{{labels}}} 1\n" in text
    metrics.close()
    store.close()


def test_the_state_file_is_not_opened_before_the_first_request(tmp_path: Path) -> None:
    app = CurrentApp(LoadedApp(App(Path("app"), HostJson(), LocalSettings(), ())))
    hub = HubUnderTest(InlineInvoker({}, {})).hub
    details = HostDetails(app, hub, lambda: WorkerStatus((), 0), tmp_path / "gone.db", [], 0)
    Metrics(details, CommitMeasurements()).close()
    assert not (tmp_path / "gone.db").exists()
