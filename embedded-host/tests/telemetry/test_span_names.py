"""The names, attributes and messages of spans."""

from __future__ import annotations

import pytest

from embedded_host.telemetry.span_names import (
    entity_span_name,
    name_with_version,
    one_line,
    operation_request,
)
from embedded_host.telemetry.spans import AttributeValue


@pytest.mark.parametrize(
    ("recorded", "shown"),
    [
        ("Activity function 'F' failed:  ValueError: boom", "'F' failed: ValueError: boom"),
        ("Orchestrator function 'M' failed: x \n {json}", "Orchestrator function 'M' failed: x"),
        (None, ""),
    ],
)
def test_the_message_of_a_failure_has_one_line(recorded: str | None, shown: str) -> None:
    assert one_line(recorded).endswith(shown)
    assert "  " not in one_line(recorded)


def test_only_a_version_adds_to_the_name_and_the_attributes() -> None:
    attributes: dict[str, AttributeValue] = {}
    assert name_with_version("orchestration", "Main", None, attributes) == "orchestration:Main"
    assert attributes == {}
    assert name_with_version("orchestration", "Main", "2", attributes) == "orchestration:Main@(2)"
    assert attributes == {"durabletask.task.version": "2"}


def test_the_name_of_an_entity_is_in_its_span_without_the_key() -> None:
    assert entity_span_name("@counter@visits", "add") == "entity:counter:add"
    assert entity_span_name("other", "add") == "entity:other:add"


@pytest.mark.parametrize("text", [None, "", "no JSON", "{}"])
def test_another_message_has_no_operation(text: str | None) -> None:
    assert operation_request(text) is None
