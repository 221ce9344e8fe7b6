"""Tests of the filters of workers."""

from __future__ import annotations

import durabletask.internal.orchestrator_service_pb2 as pb

from embedded_host.scheduler.worker_filter import WorkerFilter

FILTERS = pb.WorkItemFilters(
    orchestrations=[
        pb.OrchestrationFilter(name="O", versions=["1", "2"]),
        pb.OrchestrationFilter(name="O", versions=["3"]),
        pb.OrchestrationFilter(name="Any"),
        pb.OrchestrationFilter(name="Any", versions=["1"]),
        pb.OrchestrationFilter(name="None", versions=[""]),
    ],
    entities=[pb.EntityFilter(name="Counter")],
)


def test_a_worker_without_filters_accepts_everything() -> None:
    worker = WorkerFilter(pb.GetWorkItemsRequest())
    assert worker.accepts("orchestrator", "O", "1")
    assert worker.accepts("activity", "A", "")


def test_a_filter_names_functions_and_their_versions() -> None:
    worker = WorkerFilter(pb.GetWorkItemsRequest(workItemFilters=FILTERS))
    assert [v for v in ("", "1", "2", "3", "4") if worker.accepts("orchestrator", "O", v)] == [
        "1",
        "2",
        "3",
    ]
    assert worker.accepts("orchestrator", "Any", "7")
    assert worker.accepts("orchestrator", "None", "")
    assert not worker.accepts("orchestrator", "None", "1")
    assert not worker.accepts("orchestrator", "o", "1")


def test_entities_are_compared_in_lower_case() -> None:
    worker = WorkerFilter(pb.GetWorkItemsRequest(workItemFilters=FILTERS))
    assert worker.accepts("entity", "counter", "")


def test_an_empty_list_accepts_nothing_of_its_kind() -> None:
    worker = WorkerFilter(pb.GetWorkItemsRequest(workItemFilters=FILTERS))
    assert not worker.accepts("activity", "A", "")
