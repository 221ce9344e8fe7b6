"""The calls and timers that a context records."""

from __future__ import annotations

from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest

from tests.embedded_worker.turns import MakeTurns, Steps, Turns
from tests.engine.scenario import completed, fired


def test_calls_that_were_never_yielded_have_a_warning(turns: MakeTurns) -> None:
    def forgets(context: Any) -> Steps:
        context.call_activity("Lost")
        later = context.call_activity("Later")
        context.signal_entity(df.EntityId("Counter", "k"), "add", 1)
        context.create_timer(context.current_utc_datetime)
        yield context.call_activity("Echo")
        yield context.task_all([later])
        context.call_sub_orchestrator("Child")

    main = turns(forgets)
    main()
    main(completed(1))
    main(completed(2))
    first = forgets.__code__.co_firstlineno
    here = Path(__file__).name
    warnings = main.now.never_yielded()
    expected = [(first + 7, "call_sub_orchestrator")]
    if not main.fresh:  # a replay warns about new calls only
        expected.insert(0, (first + 1, "call_activity"))
    assert warnings == [
        f"{here} line {line}: {method}(...) was called without yield, so it never runs. "
        f"Write yield context.{method}(...)."
        for line, method in expected
    ]


def test_a_timer_whose_time_has_an_offset_has_a_warning(turns: MakeTurns) -> None:
    def waits(context: Any) -> Steps:
        now = context.current_utc_datetime
        yield context.create_timer(now)
        yield context.create_timer(now.astimezone(timezone(timedelta(hours=2))))

    main = turns(waits)
    main()
    assert main.now.offset_timers() == []
    main(fired(0))
    line = waits.__code__.co_firstlineno + 3
    (warning,) = main.now.offset_timers()
    assert warning.startswith(f"{Path(__file__).name} line {line}: create_timer(20")
    assert "+02:00) fires at 20" in warning
    assert "+00:00, because the SDK writes the time without its offset from UTC" in warning
    assert main.now.offset_timers() == []


def test_errors_about_the_context_name_the_class_of_the_sdk() -> None:
    def main(context: Any) -> Any:
        assert context.misspelled

    with pytest.raises(Exception, match="'DurableOrchestrationContext' object has no attribute"):
        Turns(main)()
