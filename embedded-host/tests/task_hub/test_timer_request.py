from __future__ import annotations

from datetime import datetime, timezone

from azure.functions import meta
from azure.functions.timer import TimerRequest

from embedded_host.app.schedule import parse_schedule
from embedded_host.store.interface import TimerRow
from embedded_host.task_hub.timer_request import timer_request
from embedded_worker.converters import converter_for

NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)


def test_azure_functions_decodes_the_timer_request() -> None:
    row = TimerRow("Hub", "A", NOON.replace(microsecond=250000), NOON, NOON)
    datum = meta.Datum(timer_request(parse_schedule("0 * * * * *"), row, past_due=True), "json")
    request = converter_for("timerTrigger").decode(datum, trigger_metadata={})
    assert isinstance(request, TimerRequest)
    assert request.past_due
    assert request.schedule == {"AdjustForDST": True}
    assert request.schedule_status["Last"] == "2026-11-23T12:00:00.25+00:00"
    assert converter_for("timerTrigger").decode(
        meta.Datum(timer_request(None, None), "json"), trigger_metadata={}
    )
