"""The metrics of the host in Prometheus's text format.

The host writes the format itself. ``prometheus_client`` would be another dependency, and would read
the same measurements (see docs/how-to/metrics.md).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

from embedded_host.management.host_report import HostReport
from embedded_host.store.instance_counts import InstanceCount
from embedded_host.task_hub.measurements import (
    BOUNDS,
    CommitMeasurements,
    Histogram,
    HubMeasurements,
)

PREFIX = "embedded_host_"
Labels = Mapping[str, str]


def metrics_text(
    report: HostReport,
    instances: Iterable[InstanceCount],
    hub: HubMeasurements,
    commits: CommitMeasurements,
) -> str:
    """Return all metrics of a host."""
    text = _Text()
    info = {"version": report.version, "task_hub": report.task_hub, "mode": report.mode}
    text.gauge("info", "The version of the host, its task hub and its mode.", ((info, 1),))
    text.gauge(
        "start_time_seconds",
        "Time of the start in seconds since 1970.",
        (({}, report.started_time.timestamp()),),
    )
    text.gauge(
        "code_loaded_time_seconds",
        "Time at which the code in service was loaded, in seconds since 1970.",
        (({}, report.loaded_time.timestamp()),),
    )
    text.gauge(
        "reload_failed",
        "1 if the latest reload has failed, so that the previous code runs.",
        (({}, int(report.failed_reload is not None)),),
    )
    text.counter(
        "reloads_total",
        "Reloads after changes of the code, by result.",
        (
            ({"result": "succeeded"}, report.reloads),
            ({"result": "failed"}, report.failed_reloads),
        ),
    )
    text.counter(
        "cpu_seconds_total",
        "Processor time of the host's process, without the workers.",
        (({}, time.process_time()),),
    )
    _functions(text, report)
    _work(text, report)
    _instances(text, list(instances))
    text.histograms(
        "turn_duration_seconds",
        "Time from the start of a turn until its changes are durable.",
        (({"kind": kind, "function": name}, h) for (kind, name), h in hub.turns),
    )
    text.histograms(
        "activity_duration_seconds",
        "Time that an activity runs.",
        (({"function": name, "result": result}, h) for (name, result), h in hub.activities),
    )
    text.histograms(
        "activity_wait_seconds",
        "Time that an activity waits for a place within the limit.",
        (({"function": name}, h) for (name,), h in hub.activity_waits),
    )
    text.histograms(
        "commit_duration_seconds",
        "Time that a commit waits for the disk. The count is the number of commits.",
        (({}, commits.durations),),
    )
    text.counter("committed_changes_total", "Changes in all commits.", (({}, commits.changes),))
    text.gauge(
        "state_bytes",
        "Size of the state file and its write-ahead log.",
        (({}, report.state_bytes),),
    )
    return text.text()


def _functions(text: _Text, report: HostReport) -> None:
    """Write the number of functions by state."""
    states = {"in_service": 0, "disabled": 0, "out_of_service": 0}
    for function in report.functions:
        if function.problem is not None:
            states["out_of_service"] += 1
        else:
            states["disabled" if function.disabled else "in_service"] += 1
    text.gauge(
        "functions",
        "Functions of the app by state.",
        (({"state": state}, count) for state, count in states.items()),
    )


def _work(text: _Text, report: HostReport) -> None:
    """Write the running and queued work, and the worker processes."""
    queues = (
        ("turn", report.turns),
        ("activity", report.activities),
        ("http_call", report.http_calls),
    )
    text.gauge(
        "work_running",
        "Running turns, activities and calls of call_http.",
        (({"work": work}, queue.running) for work, queue in queues),
    )
    text.gauge(
        "work_queued",
        "Turns, activities and calls of call_http that wait for a place within the limit.",
        (({"work": work}, queue.queued) for work, queue in queues),
    )
    text.gauge(
        "work_limit",
        "Maximum number of running turns, activities and calls of call_http.",
        (({"work": work}, queue.limit) for work, queue in queues),
    )
    text.gauge(
        "timers", "Durable timers and scheduled messages that are not due.", (({}, report.timers),)
    )
    text.gauge(
        "instances_in_memory",
        "Instances and entities in the memory of the host.",
        (({}, report.instances_in_memory),),
    )
    processes = {"loading": 0, "ready": 0, "stopping": 0}
    for process in report.worker_processes:
        processes[process.state] += 1
    text.gauge(
        "worker_processes",
        "Worker processes by state.",
        (({"state": state}, count) for state, count in processes.items()),
    )
    text.gauge(
        "worker_calls",
        "Calls of functions that run in worker processes.",
        (({}, sum(sum(p.calls.values()) for p in report.worker_processes)),),
    )
    text.counter(
        "worker_restarts_total",
        "Worker processes that have ended and were replaced, without reloads.",
        (({}, report.worker_restarts),),
    )


def _instances(text: _Text, instances: Sequence[InstanceCount]) -> None:
    """Write the number of stored instances and entities."""
    text.gauge(
        "instances",
        "Stored orchestration instances by function and status.",
        (
            ({"function": i.name, "status": i.status}, i.instances)
            for i in instances
            if not i.is_entity
        ),
    )
    text.gauge(
        "entities",
        "Stored entities by function.",
        (({"function": i.name.lstrip("@")}, i.instances) for i in instances if i.is_entity),
    )


class _Text:
    """The lines of the text format."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def text(self) -> str:
        """Return all lines."""
        return "\n".join(self._lines) + "\n"

    def gauge(self, name: str, help: str, samples: Iterable[tuple[Labels, float]]) -> None:
        """Write a number that goes up and down."""
        self._family(name, "gauge", help, samples)

    def counter(self, name: str, help: str, samples: Iterable[tuple[Labels, float]]) -> None:
        """Write a number that only goes up."""
        self._family(name, "counter", help, samples)

    def histograms(
        self, name: str, help: str, histograms: Iterable[tuple[Labels, Histogram]]
    ) -> None:
        """Write histograms: cumulative buckets, the sum and the count."""
        self._header(name, "histogram", help)
        for labels, histogram in histograms:
            cumulative = list(accumulate(histogram.counts))
            for bound, count in zip((*map(str, BOUNDS), "+Inf"), cumulative, strict=True):
                self._sample(f"{name}_bucket", {**labels, "le": bound}, count)
            self._sample(f"{name}_sum", labels, histogram.sum)
            self._sample(f"{name}_count", labels, cumulative[-1])

    def _family(
        self, name: str, kind: str, help: str, samples: Iterable[tuple[Labels, float]]
    ) -> None:
        self._header(name, kind, help)
        for labels, value in samples:
            self._sample(name, labels, value)

    def _header(self, name: str, kind: str, help: str) -> None:
        self._lines += [f"# HELP {PREFIX}{name} {help}", f"# TYPE {PREFIX}{name} {kind}"]

    def _sample(self, name: str, labels: Labels, value: float) -> None:
        pairs = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        self._lines.append(
            f"{PREFIX}{name}{{{pairs}}} {value!r}" if pairs else f"{PREFIX}{name} {value!r}"
        )


def _escaped(text: str) -> str:
    # A lone surrogate has no UTF-8 encoding.
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return escaped.encode("utf-8", "replace").decode()
