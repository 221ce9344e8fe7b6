"""The parity findings of the schedules of timer functions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone

from embedded_host.app.schedule import CronSchedule
from embedded_host.app.timer_trigger import TimerTrigger
from embedded_host.parity.findings import Findings
from embedded_host.parity.kinds.timers import SCHEDULE


def add_schedule_findings(
    findings: Findings, triggers: Iterable[TimerTrigger], now: datetime
) -> None:
    """Add a finding for each schedule that has other due times on the Azure Functions host.

    ``now`` is a time in the year for which the function compares the offsets of time zones.
    """
    for trigger in triggers:
        detail = _difference(trigger, now)
        if detail is not None:
            findings.add(SCHEDULE, trigger.function.name, detail=detail)


def _difference(trigger: TimerTrigger, now: datetime) -> str | None:
    schedule = trigger.schedule
    if not isinstance(schedule, CronSchedule):
        return None  # an interval depends on no time zone
    offsets = {
        datetime(now.year, month, 1, tzinfo=timezone.utc).astimezone(schedule.zone).utcoffset()
        for month in range(1, 13)
    }
    if not trigger.has_zone_setting and any(offsets):
        return (
            f"The app does not set WEBSITE_TIME_ZONE. Here, the schedule '{trigger.text}' uses "
            f"the time zone in the environment variable TZ ({schedule.zone}), and Azure uses UTC."
        )
    if len(offsets) > 1 and schedule.is_interval:
        return (
            f"When daylight saving time ends in {schedule.zone}, the next time of the schedule "
            f"'{trigger.text}' can be wrong."
        )
    if len(offsets) > 1 and schedule.is_yearly:
        return (
            f"When daylight saving time ends in {schedule.zone}, a run of the schedule "
            f"'{trigger.text}' can be skipped."
        )
    return None
