from __future__ import annotations

from embedded_host.engine.trace_contexts import TraceContext
from embedded_host.task_hub.tracer import NOTED_INVOCATIONS, InvocationTraces


def test_only_the_newest_invocations_are_known() -> None:
    traces = InvocationTraces()
    for number in range(NOTED_INVOCATIONS + 1):
        traces.note(str(number), TraceContext(str(number)))
    assert traces.of("0") is None
    assert traces.of("1") == TraceContext("1")
    assert traces.of(str(NOTED_INVOCATIONS)) is not None
