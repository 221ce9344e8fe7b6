"""The parsed requests."""

from __future__ import annotations

from datetime import datetime, timezone

import msgspec
import pytest

from embedded_host.sidecar import requests as q


def test_fields_have_the_names_of_the_json_of_protobuf_and_unknown_ones_are_ignored() -> None:
    parsed = msgspec.json.decode(
        b'{"instanceId": "i", "taskHub": "H", "parentTraceContext": {"spanID": "s"}, '
        b'"orchestrationIdReusePolicy": {}, "tags": {"a": "b"}}',
        type=q.StartRequest,
    )
    assert parsed.instance_id == "i"
    assert parsed.parent_trace_context is not None
    assert parsed.parent_trace_context.span_id == "s"
    assert parsed.orchestration_id_reuse_policy == q.ReusePolicy()
    assert parsed.tags == {"a": "b"}


def test_timestamps_have_up_to_nine_digits() -> None:
    for text in ("2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123456Z"):
        assert q.time_of(text) == datetime(2026, 1, 2, 3, 4, 5, 123456, timezone.utc)
    assert q.time_of(None) is None
    with pytest.raises(ValueError, match="soon"):
        q.time_of("soon")


def test_durations_are_seconds() -> None:
    assert [q.seconds_of(text) for text in (None, "5s", "1.500s")] == [None, 5.0, 1.5]
    with pytest.raises(ValueError, match="soon"):
        q.seconds_of("soon")


def test_statuses_have_the_names_of_protobuf() -> None:
    names = ("ORCHESTRATION_STATUS_RUNNING", "ORCHESTRATION_STATUS_CONTINUED_AS_NEW")
    assert q.statuses_of(names) == ("Running", "ContinuedAsNew")
    with pytest.raises(ValueError, match="NOPE"):
        q.statuses_of(["ORCHESTRATION_STATUS_NOPE"])
