"""The labels of messages to entities (functions-host.md#effects-of-actions)."""

from __future__ import annotations

from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import request_message
from embedded_host.engine.message_labels import OutgoingLabels
from tests.engine.scenario import T0, after


def test_each_label_names_its_predecessor() -> None:
    labels = OutgoingLabels([])
    first = labels.next("@a@b", after(0))
    again = labels.next("@a@b", after(0))
    other = labels.next("@a@c", after(0))
    later = labels.next("@a@b", after(1))
    earlier = labels.next("@a@b", after(0.5))
    assert first == ("2026-01-02T03:04:05Z", "0001-01-01T00:00:00")
    assert again == ("2026-01-02T03:04:05.0000001", first[0])
    assert other == ("2026-01-02T03:04:05Z", "0001-01-01T00:00:00")
    assert later == ("2026-01-02T03:04:06Z", again[0])
    assert earlier == ("2026-01-02T03:04:06.0000001", later[0])


def test_labels_continue_from_the_history() -> None:
    sent = request_message(
        request_id="r",
        operation="add",
        input=None,
        signal=True,
        now=T0,
        label=("2026-01-02T03:04:05.0000009", ""),
    )
    labels = OutgoingLabels([h.event_sent(T0, 0, "@a@b", "op", sent), h.orchestrator_completed(T0)])
    assert labels.next("@a@b", T0) == ("2026-01-02T03:04:05.000001", "2026-01-02T03:04:05.0000009")
