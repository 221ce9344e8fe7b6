"""Calls of functions, and calls that cannot run."""

from __future__ import annotations

import asyncio

import pytest

from embedded_worker.protocol import FindingData, InvocationRequest, TraceData
from embedded_worker.runner import Runner
from tests.embedded_worker.conftest import MakeRunner
from tests.support.app_folder import (
    AppFolder,
    activity_trigger,
)
from tests.support.worker_calls import error, load_of, request, run, value


@pytest.mark.parametrize("define", ["def", "async def"])
@pytest.mark.parametrize("raised", ["StopIteration('x')", "StopAsyncIteration('x')"])
async def test_exceptions_with_a_meaning_for_the_event_loop_fail_the_function(
    app: AppFolder, running: MakeRunner, define: str, raised: str
) -> None:
    app.function("Hello", f"{define} main(value):\n    raise {raised}\n", activity_trigger())
    app.activity("Echo", "return value")
    runner = running(app)
    failed = await asyncio.wait_for(error(runner, "Hello"), 5)
    assert raised.split("(")[0] in failed.type + failed.stack + failed.message
    assert await value(runner, "Echo", "1") == "1"


async def test_a_function_that_cannot_be_loaded_fails_with_the_reason(app: AppFolder) -> None:
    app.activity("Good", "return 1")
    app.function("Bad", "import no_such_thing", activity_trigger())
    runner = Runner()
    loaded = runner.load(load_of(app))
    assert [problem.function for problem in loaded.problems] == ["Bad"]
    assert "no_such_thing" in loaded.problems[0].text
    failed = await error(runner, "Bad")
    assert "No module named 'no_such_thing'" in failed.message
    assert await value(runner, "Good") == "1"


async def test_an_unknown_function_fails(app: AppFolder, running: MakeRunner) -> None:
    app.activity("Good", "return 1")
    assert "no function 'Bad'" in (await error(running(app), "Bad")).message


_TRACED = """
def main(req, context):
    return context.trace_context.Traceparent + context.trace_context.Tracestate
"""


@pytest.mark.parametrize(
    ("strict", "trace", "returned", "found"),
    [
        (False, None, b"00-a-b-01k=v", ["EH828"]),
        (True, None, b"", []),
        (False, TraceData("00-c-d-01"), b"00-c-d-01", []),
        (True, TraceData("00-c-d-01"), b"00-c-d-01", []),
    ],
)
async def test_the_trace_context_is_that_of_the_invocation_or_of_the_request(
    app: AppFolder, strict: bool, trace: TraceData | None, returned: bytes, found: list[str]
) -> None:
    app.http("Traced", _TRACED)
    runner, findings = Runner(), list[FindingData]()
    runner.load(load_of(app)._replace(strict=strict))
    runner.report = findings.append
    sent = request()
    sent.headers.update({"traceparent": "00-a-b-01", "tracestate": "k=v"})
    for _ in range(2):
        invocation = InvocationRequest(1, "Traced", sent, "id", trace=trace)
        result = await run(runner, invocation)
        assert getattr(result.value, "body", None) == returned
    assert [finding.code for finding in findings] == found
