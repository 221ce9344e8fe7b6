from __future__ import annotations

import json

from embedded_host.recovery.report import CONTINUED, FAILED, FINISHED, LOST, InstanceOutcome, Report

REPORT = Report(
    [
        InstanceOutcome("Hub", "a", "Running", CONTINUED),
        InstanceOutcome("Hub", "b", "Completed", FINISHED, "its history"),
        InstanceOutcome("Hub", "c", "Running", FAILED, "its history"),
        InstanceOutcome(None, None, None, LOST, "its row"),
    ],
    ["page 3 is not readable"],
)


def test_instances_are_counted_by_outcome() -> None:
    assert REPORT.count() == {"continued": 1, "finished": 1, "entity": 0, "failed": 1, "lost": 1}
    assert [one.id for one in REPORT.of(FAILED)] == ["c"]


def test_recovered_instances_that_lack_data_are_incomplete() -> None:
    assert [one.id for one in REPORT.incomplete] == ["b"]


def test_a_report_survives_its_json_document() -> None:
    assert Report.parse(json.loads(json.dumps(REPORT.document()))) == REPORT
