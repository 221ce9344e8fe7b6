"""The metrics in Prometheus's text format, and the metrics that the Grafana dashboard reads."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from pathlib import Path

from embedded_host.http.metrics_text import metrics_text
from embedded_host.management.host_report import (
    FunctionReport,
    HostReport,
    ProcessReport,
    QueueReport,
)
from embedded_host.store.instance_counts import InstanceCount
from embedded_host.task_hub.measurements import BOUNDS, CommitMeasurements, HubMeasurements

DASHBOARD = Path(__file__).parents[2] / "docs" / "how-to" / "grafana-dashboard.json"
NOON = datetime(2026, 1, 2, 12, tzinfo=timezone.utc)
LABEL = r'[a-z_]+="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"([a-z_]+)(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)")


def report() -> HostReport:
    return HostReport(
        version="1.0",
        task_hub="Hub",
        folder="app",
        mode="helpful",
        started_time=NOON,
        loaded_time=NOON,
        failed_reload=None,
        problem=None,
        warnings=[],
        worker_processes=[ProcessReport(7, "ready", {"A": 2}), ProcessReport(8, "loading", {})],
        worker_restarts=3,
        reloads=4,
        failed_reloads=1,
        turns=QueueReport(1, 2, 10),
        activities=QueueReport(3, 4, 10),
        http_calls=QueueReport(0, 0, 1000),
        timers=5,
        instances_in_memory=6,
        state_bytes=4096,
        functions=[
            FunctionReport("A", "activityTrigger", "A", False, None),
            FunctionReport("B", "", "B", False, "no such file"),
            FunctionReport("C", "activityTrigger", "C", True, None),
        ],
    )


def text() -> str:
    hub, commits = HubMeasurements(), CommitMeasurements()
    hub.turns.observe(0.003, "orchestrator", "Flow")
    hub.turns.observe(5000, "orchestrator", "Flow")
    hub.activities.observe(0.2, 'A "quoted"\\\n', "failed")
    hub.activity_waits.observe(0.1, "A")
    commits.durations.observe(0.002)
    commits.changes = 9
    counts = [
        InstanceCount("Flow", "Running", False, 2),
        InstanceCount("@counter", "Running", True, 1),
    ]
    return metrics_text(report(), counts, hub, commits)


def samples() -> dict[str, float]:
    """Return the samples by name and labels. Fail if a line has another format."""
    found: dict[str, float] = {}
    kinds: dict[str, str] = {}
    for line in text().splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in kinds, "a family has one header"
            kinds[name] = kind
        elif not line.startswith("# HELP "):
            match = SAMPLE.fullmatch(line)
            assert match, line
            family = re.sub(r"_(bucket|sum|count)$", "", match[1])
            assert family in kinds or match[1] in kinds, line
            found[f"{match[1]}{{{match[2] or ''}}}"] = float(match[3])
    return found


def test_the_format_is_valid_and_has_the_numbers() -> None:
    found = samples()
    assert found['embedded_host_instances{function="Flow",status="Running"}'] == 2
    assert found['embedded_host_entities{function="counter"}'] == 1
    assert found['embedded_host_work_queued{work="activity"}'] == 4
    assert found['embedded_host_worker_processes{state="ready"}'] == 1
    assert found["embedded_host_worker_calls{}"] == 2
    assert found["embedded_host_worker_restarts_total{}"] == 3
    assert found['embedded_host_functions{state="out_of_service"}'] == 1
    assert found['embedded_host_functions{state="disabled"}'] == 1
    assert found["embedded_host_committed_changes_total{}"] == 9
    assert found["embedded_host_commit_duration_seconds_count{}"] == 1
    assert found["embedded_host_start_time_seconds{}"] == NOON.timestamp()
    assert found["embedded_host_reload_failed{}"] == 0
    assert found['embedded_host_reloads_total{result="failed"}'] == 1


def test_the_buckets_of_a_histogram_are_cumulative() -> None:
    labels = 'kind="orchestrator",function="Flow"'
    name = "embedded_host_turn_duration_seconds"
    buckets = [samples()[f'{name}_bucket{{{labels},le="{bound}"}}'] for bound in (*BOUNDS, "+Inf")]
    assert buckets == sorted(buckets)
    assert (buckets[BOUNDS.index(0.0025)], buckets[BOUNDS.index(0.005)]) == (0, 1)
    assert (buckets[-2], buckets[-1]) == (1, 2)
    assert samples()[f"{name}_count{{{labels}}}"] == 2
    assert samples()[f"{name}_sum{{{labels}}}"] == 5000.003


def test_the_value_of_a_label_is_escaped() -> None:
    assert 'function="A \\"quoted\\"\\\\\\n",result="failed"' in text()


def test_the_grafana_dashboard_reads_existing_metrics_and_labels() -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    queries = [
        target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())
    ]
    assert len(queries) > 20
    found = samples()
    labels = {key.partition("{")[0]: set(re.findall(r'([a-z_]+)="', key)) for key in found}
    for query in queries:
        for name, selector in re.findall(r"(embedded_host_[a-z_]+)\{([^}]*)\}", query):
            assert name in labels, query
            used = set(re.findall(r"([a-z_]+)=", selector)) - {"instance"}
            used |= {
                label
                for group in re.findall(r"by \(([^)]*)\)", query)
                for label in group.split(", ")
            }
            assert used <= labels[name] | {"le"}, query
        assert query.count("embedded_host_") == len(
            re.findall(r"embedded_host_[a-z_]+\{", query)
        ), "each metric has a selector of the host"


def test_each_metric_is_in_the_grafana_dashboard() -> None:
    dashboard = DASHBOARD.read_text(encoding="utf-8")
    families = {line.split(" ")[2] for line in text().splitlines() if line.startswith("# TYPE ")}
    unused = {name for name in families if name not in dashboard}
    assert unused == {"embedded_host_reloads_total"}
