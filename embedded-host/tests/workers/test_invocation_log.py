"""The two lines for each invocation."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from embedded_host.engine.invocations import OrchestratorInput
from embedded_host.engine.trace_contexts import TraceContext
from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.task_hub.tracer import in_trace, invocation_traces
from embedded_host.workers import invocation_log
from embedded_host.workers.invocation_log import InvocationLog, called_by_admin
from embedded_host.workers.worker import (
    ClientRequestHandler,
    FindingHandler,
    Invocation,
    LogHandler,
    ProcessStatus,
    WorkerStatus,
    ignore_finding,
    ignore_logs,
    respond_unavailable,
)
from embedded_worker.protocol import (
    BindingSpec,
    ErrorData,
    FunctionSpec,
    HttpRequestData,
    InvocationResult,
    LoadRequest,
    LoadResult,
    LogOptions,
    LogReport,
)

HTTP = HttpRequestData("GET", "http://localhost/", {}, {}, {}, b"")


class WorkerDouble:
    """A worker whose functions fail if their name begins with ``bad``."""

    on_client_request: ClientRequestHandler = respond_unavailable
    on_finding: FindingHandler = ignore_finding
    on_logs: LogHandler = ignore_logs

    def status(self) -> WorkerStatus:
        return WorkerStatus([ProcessStatus(7, "ready", ["f"])], 3)

    async def start(self) -> None: ...

    async def load(self, load: LoadRequest) -> LoadResult:
        return LoadResult([])

    async def reload(self, load: LoadRequest, accept: Callable[[LoadResult], bool]) -> LoadResult:
        return LoadResult([])

    async def invoke(self, invocation: Invocation, *, alone: bool = False) -> InvocationResult:
        if invocation.function == "lost":
            raise WorkerLostError("it exited")
        is_bad = invocation.function.startswith("bad")
        return InvocationResult(1, error=ErrorData("E", "x") if is_bad else None)

    async def turn(
        self,
        function: str,
        turn: OrchestratorInput,
        *,
        alone: bool = False,
        invocation_id: str = "",
    ) -> InvocationResult:
        return InvocationResult(1)

    async def close(self, grace: float) -> None: ...


async def log_of(levels: dict[str, str], *, keeps: bool = False) -> InvocationLog:
    log = InvocationLog(WorkerDouble(), "simple")
    timer = FunctionSpec("tick", "", "", "", [BindingSpec("timerTrigger", "t")])
    await log.load(LoadRequest("", [timer], LogOptions(levels, keeps=keeps)))
    return log


async def test_each_invocation_has_two_lines(capsys: pytest.CaptureFixture[str]) -> None:
    log = await log_of({})
    await log.invoke(Invocation("web", HTTP, "", "the-id"))
    assert re.fullmatch(
        r"info: Function\.web\[1\]\n"
        r"      Executing 'Functions\.web' \(Reason='This function was programmatically called via "
        r"the host APIs\.', Id=the-id\)\n"
        r"info: Function\.web\[2\]\n"
        r"      Executed 'Functions\.web' \(Succeeded, Id=the-id, Duration=\d+ms\)\n",
        capsys.readouterr().err,
    )


async def test_the_span_is_known_before_the_first_line() -> None:
    log, span = await log_of({}, keeps=True), TraceContext("span")
    seen: list[tuple[str, TraceContext | None]] = []

    def keep(report: LogReport) -> None:
        [line] = report.lines
        seen.append((line.text[:9], invocation_traces.of(line.invocation_id)))

    log.on_logs = keep
    with in_trace(span):
        await log.invoke(Invocation("work", "1"))
        await log.turn("flow", OrchestratorInput("i", "e", [], [], None, None))
    assert seen == [("Executing", span), ("Executed ", span)] * 2


@pytest.mark.parametrize("function", ["bad", "lost"])
async def test_a_failed_invocation_is_an_error(
    function: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log = await log_of({"Function": "Warning"})
    try:
        await log.invoke(Invocation(function, HTTP))
    except WorkerLostError:
        assert function == "lost"
    error = capsys.readouterr().err
    assert error.startswith(f"fail: Function.{function}[3]\n")
    assert "(Failed, Id=" in error


async def test_the_reason_has_the_kind_of_the_function(capsys: pytest.CaptureFixture[str]) -> None:
    log = await log_of({})
    await log.invoke(Invocation("tick", "{}"))
    assert "(Reason='Timer fired at 2" in capsys.readouterr().err
    await log.invoke(Invocation("work", "1"))
    await log.turn("flow", OrchestratorInput("i", "e", [], [], None, None))
    assert capsys.readouterr().err.count("(Reason='(null)', Id=") == 2
    called_by_admin.set(True)
    await log.invoke(Invocation("tick", "{}"))
    assert "via the host APIs." in capsys.readouterr().err


async def test_the_levels_of_one_function_hide_its_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = await log_of({"Function.web": "Warning", "Function.other.User": "None"})
    await log.invoke(Invocation("web", HTTP))
    assert not capsys.readouterr().err
    await log.invoke(Invocation("other", HTTP))
    assert capsys.readouterr().err.count("\n") == 4


async def test_the_handlers_are_those_of_the_worker() -> None:
    worker = WorkerDouble()
    log = InvocationLog(worker, "func")

    async def respond(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        return 200, b""

    log.on_client_request = respond
    assert worker.on_client_request is respond is log.on_client_request
    log.on_finding = print
    assert worker.on_finding is print is log.on_finding


async def default_log(reports: list[LogReport]) -> InvocationLog:
    log = InvocationLog(WorkerDouble(), "default")
    log.on_logs = reports.append
    await log.load(LoadRequest("", [], LogOptions(keeps=True)))
    return log


async def test_the_lines_of_an_instance_are_stored(capsys: pytest.CaptureFixture[str]) -> None:
    reports: list[LogReport] = []
    log = await default_log(reports)
    await log.turn("flow", OrchestratorInput("i-1", "e", [], [], None, None))
    first, second = [line for report in reports for line in report.lines]
    assert (first.function, first.instance_id) == ("flow", "i-1")
    assert first.invocation_id == second.invocation_id
    assert second.text.startswith("Executed 'Functions.flow' (Succeeded, Id=")
    shown = capsys.readouterr().err.splitlines()
    assert shown[0].partition("] ")[2] == f"INFO flow (i-1): {first.text}"


async def test_a_busy_host_counts_the_other_invocations(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(invocation_log, "LOGGED_INVOCATIONS", 2)
    reports: list[LogReport] = []
    log = await default_log(reports)
    second = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: second[0])
    for _ in range(5):
        await log.invoke(Invocation("work", "1", instance_id="i-1"))
    assert len(reports) == 4
    second[0] += 1
    await log.invoke(Invocation("work", "1"))
    log._write_omitted()
    assert len(reports) == 7
    assert reports[-1].lines[0].text.startswith("3 more invocations within a second")
    assert capsys.readouterr().err.count("\n") == 7


async def test_the_formats_of_the_functions_host_have_all_invocations(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(invocation_log, "LOGGED_INVOCATIONS", 1)
    log = InvocationLog(WorkerDouble(), "func")
    for _ in range(3):
        await log.invoke(Invocation("work", "1"))
    assert capsys.readouterr().err.count("Executed") == 3


def test_the_status_is_that_of_the_worker() -> None:
    assert InvocationLog(WorkerDouble(), "func").status().restarts == 3


async def test_the_replay_of_a_diagnosis_has_no_lines(capsys: pytest.CaptureFixture[str]) -> None:
    reports: list[LogReport] = []
    log = await default_log(reports)
    turn = OrchestratorInput("i-1", "e", [], [], None, None, is_diagnosis=True)
    assert (await log.turn("flow", turn)).error is None
    assert not reports
    assert not capsys.readouterr().err
