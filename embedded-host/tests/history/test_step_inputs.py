from __future__ import annotations

import pytest
from msgspec.structs import replace

from embedded_host.engine import history as h
from embedded_host.history import Call, CallKind, HistoryView, input_label
from embedded_host.history.step_inputs import unwrapped_input
from tests.engine.scenario import T0, after


@pytest.mark.parametrize(
    ("recorded", "in_array", "shown"),
    [
        ('["1"]', True, "1"),
        ('["\\"A-17\\""]', True, '"A-17"'),
        ('["{\\"n\\": 1}"]', True, '{"n":1}'),
        ('["[1]"]', True, "[1]"),
        ("[null]", True, "null"),
        ("[1,2]", True, "[1,2]"),
        ("[1]", False, "[1]"),
        ('"{}"', False, "{}"),
        ('["{\\"cut"]', True, '{"cut'),
        ("{not JSON", False, "{not JSON"),
    ],
)
def test_the_array_and_the_strings_around_an_input_are_removed(
    recorded: str, in_array: bool, shown: str
) -> None:
    assert unwrapped_input(recorded, in_array=in_array) == shown


def test_a_label_is_the_start_of_the_input() -> None:
    call = Call(CallKind.ACTIVITY, 0, "Step", T0, input=f'["\\"{"x" * 200}\\""]')
    label = input_label(call) or ""
    assert (len(label), label[:3], label[-1]) == (100, '"xx', "…")
    assert input_label(Call(CallKind.ACTIVITY, 0, "Step", T0)) is None


def test_the_history_keeps_the_input_of_a_failed_activity_in_any_case() -> None:
    failed = replace(h.task_failed(after(2), 0, "boom", None), failed_input='{"n":17}')
    [call] = HistoryView.of([h.task_scheduled(after(1), 0, "Step"), failed]).calls
    assert input_label(call) == '{"n":17}'
