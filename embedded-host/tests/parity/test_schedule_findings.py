"""The findings of schedules."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from embedded_host.app.definitions import Binding, Function, HostJson
from embedded_host.app.timer_trigger import TimerTrigger
from embedded_host.parity.findings import Findings
from embedded_host.parity.schedule_findings import add_schedule_findings

NOW = datetime(2026, 11, 30, tzinfo=timezone.utc)
BERLIN, TOKYO = "Europe/Berlin", "Asia/Tokyo"


def details(schedule: str, **environ: str) -> list[str]:
    binding = Binding("timerTrigger", "timer", "in", {"schedule": schedule})
    function = Function("Tick", Path("Tick"), Path("Tick/__init__.py"), "main", (binding,))
    findings = Findings(HostJson())
    add_schedule_findings(findings, [TimerTrigger.of(function, environ)], NOW)
    assert all(finding.kind.code == "EH879" for finding in findings)
    return [finding.detail for finding in findings]


@pytest.mark.parametrize(
    ("schedule", "environ", "detail"),
    [
        ("0 0 9 * * *", {"TZ": TOKYO}, "uses the time zone in the environment variable TZ"),
        ("0 */5 * * * *", {"WEBSITE_TIME_ZONE": BERLIN}, "the next time of the schedule"),
        ("0 0 9 1 5 *", {"WEBSITE_TIME_ZONE": BERLIN}, "can be skipped"),
    ],
)
def test_a_schedule_with_other_due_times_is_a_finding(
    schedule: str, environ: dict[str, str], detail: str
) -> None:
    [found] = details(schedule, **environ)
    assert detail in found


@pytest.mark.parametrize(
    ("schedule", "environ"),
    [
        ("0 0 9 * * *", {}),
        ("0 0 9 * * *", {"TZ": "UTC"}),
        ("0 0 9 * * *", {"WEBSITE_TIME_ZONE": BERLIN}),
        ("0 */5 * * * *", {"WEBSITE_TIME_ZONE": TOKYO}),
        ("00:05:00", {"TZ": TOKYO}),
    ],
)
def test_a_schedule_with_the_same_due_times_is_no_finding(
    schedule: str, environ: dict[str, str]
) -> None:
    assert details(schedule, **environ) == []
