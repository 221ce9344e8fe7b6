"""The metrics of the host for Prometheus, at ``/metrics`` and ``/admin/host/metrics``."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from embedded_host.management.host_report import HostDetails
from embedded_host.task_hub.measurements import CommitMeasurements

if TYPE_CHECKING:
    from embedded_host.store.instance_counts import InstanceCount, InstanceCounter


class Metrics:
    """Reads the metrics. The first request loads the modules."""

    def __init__(self, details: HostDetails, commits: CommitMeasurements) -> None:
        self._details, self._commits = details, commits
        self._counter: InstanceCounter | None = None
        self._thread: ThreadPoolExecutor | None = None

    async def text(self) -> str:
        """Return the metrics in Prometheus's text format. Raises sqlite3.Error."""
        from embedded_host.http.metrics_text import metrics_text

        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "metrics")
        # The count of many instances takes seconds and must not block the event loop.
        counts = await asyncio.get_running_loop().run_in_executor(
            self._thread, partial(self._count, self._details.hub.name)
        )
        return metrics_text(
            self._details.report(), counts, self._details.hub.measurements, self._commits
        )

    def _count(self, hub: str) -> list[InstanceCount]:
        from embedded_host.store.instance_counts import InstanceCounter

        if self._counter is None:
            self._counter = InstanceCounter(self._details.state)
        return self._counter.count(hub)

    def close(self) -> None:
        """Interrupt the running query and close the connection to the state file."""
        if self._counter is not None:
            self._counter.interrupt()
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)
        if self._counter is not None:
            self._counter.close()
