"""The messages between host and worker."""

from __future__ import annotations

import pytest

from embedded_worker.protocol import BindingSpec


@pytest.mark.parametrize(
    ("type_", "expected"), [("activityTrigger", True), ("TIMERTRIGGER", True), ("http", False)]
)
def test_a_binding_whose_type_ends_in_trigger_is_the_trigger(type_: str, expected: bool) -> None:
    assert BindingSpec(type_, "value").is_trigger is expected


@pytest.mark.parametrize(
    ("direction", "expected"), [("in", False), ("out", True), ("inout", False)]
)
def test_only_the_direction_out_makes_an_output(direction: str, expected: bool) -> None:
    assert BindingSpec("http", "response", direction).is_output is expected
