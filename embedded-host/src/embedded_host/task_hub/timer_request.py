"""The trigger data that a timer function receives."""

from __future__ import annotations

import re
from datetime import datetime, timezone, tzinfo

from embedded_host.app.schedule import Schedule
from embedded_host.engine.json_codec import compact
from embedded_host.store.interface import TimerRow

_NEVER_RAN = "0001-01-01T00:00:00+00:00"
_NO_NEXT = "9999-12-31T23:59:59.9999999+00:00"
_ZEROS = re.compile(r"\.?0+(?=[+-]\d\d:\d\d$)")


def timer_request(
    schedule: Schedule | None, status: TimerRow | None, past_due: bool = False
) -> str:
    """Return the JSON that azure-functions decodes to a ``func.TimerRequest``.

    The Azure Functions host sends the same JSON. ``status`` is None if the host does not store the
    status of the timer.
    """
    zone = schedule.zone if schedule else timezone.utc
    schedule_status = status and {
        "Last": _timestamp(status.last, zone) if status.last else _NEVER_RAN,
        "Next": _timestamp(status.next, zone) if status.next else _NO_NEXT,
        "LastUpdated": _timestamp(status.updated, zone),
    }
    adjusts = schedule.adjusts_for_dst if schedule else True
    return compact(
        {
            "Schedule": {"AdjustForDST": adjusts},
            "ScheduleStatus": schedule_status,
            "IsPastDue": past_due,
        }
    )


def _timestamp(time: datetime, zone: tzinfo) -> str:
    text = time.astimezone(zone).isoformat()
    return _ZEROS.sub("", text) if "." in text else text
