"""Tests of the composition root with an in-memory store, a fake worker and a fixed clock."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from embedded_host.app.definitions import App, Binding, Function, HostJson, LocalSettings
from embedded_host.app.function_retry import FunctionRetry
from embedded_host.app.http_route import HttpRoute
from embedded_host.app.timer_trigger import TimerTrigger
from embedded_host.composition import AppRuntime, Dependencies, hub_settings
from embedded_host.engine.failures import UserError
from embedded_host.engine.invocations import (
    EntityInput,
    EntityOutput,
    InvocationFailure,
    OrchestratorInput,
    OrchestratorOutput,
)
from embedded_host.management.urls import ManagementUrls
from embedded_host.store.sqlite import SqliteStore
from embedded_host.task_hub.commit import InlineCommit
from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.workers.current_app import CurrentApp
from embedded_host.workers.loaded_app import LoadedApp
from embedded_worker.protocol import ErrorData, InvocationResult, RetryData
from tests.http.api import request
from tests.http.test_functions import FakeWorker
from tests.parity import kit as parity_kit
from tests.task_hub.kit import ManualClock


def function(name: str, kind: str, **properties: object) -> Function:
    return Function(
        name, Path(name), Path(name, "__init__.py"), "main", (Binding(kind, "x", "in", properties),)
    )


def loaded(*functions: Function, host: HostJson | None = None) -> LoadedApp:
    app = App(Path("app"), host or HostJson(hub_name="Hub"), LocalSettings(), functions)
    return LoadedApp(
        app,
        {f.name: HttpRoute.of(f, "api") for f in functions if f.trigger.type == "httpTrigger"},
        {f.name: TimerTrigger.of(f, {}) for f in functions if f.trigger.type == "timerTrigger"},
    )


class RecordingInvoker:
    """Completes every turn at once, and records the functions that ran."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, str]] = []
        self.outcome: InvocationResult | Exception = InvocationResult(1)
        self.ids: list[str] = []
        self.retries: list[RetryData | None] = []
        self.gate: asyncio.Event | None = None

    async def orchestrator(
        self, name: str, turn: OrchestratorInput, *, alone: bool = False
    ) -> OrchestratorOutput | InvocationFailure:
        self.ran.append((name, turn.instance_id))
        return OrchestratorOutput(True, (), '"done"')

    async def activity(
        self, name: str, instance_id: str, input: str, task_id: int, *, alone: bool = False
    ) -> str | UserError | None:
        raise NotImplementedError

    async def entity(
        self, name: str, instance_id: str, batch: EntityInput, *, alone: bool = False
    ) -> EntityOutput | InvocationFailure:
        raise NotImplementedError

    async def http(self, request: str, is_wanted: Callable[[], bool]) -> str | UserError:
        raise NotImplementedError

    async def function(
        self,
        function: Function,
        trigger: str,
        invocation_id: str = "",
        retry: RetryData | None = None,
    ) -> InvocationResult:
        if self.gate is not None:
            await self.gate.wait()
        self.ran.append((function.name, trigger))
        self.ids.append(invocation_id)
        self.retries.append(retry)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class Composed:
    def __init__(self, *functions: Function) -> None:
        self.app = CurrentApp(loaded(*functions))
        self.store, self.clock, self.invoker, self.worker = (
            SqliteStore(None),
            ManualClock(),
            RecordingInvoker(),
            FakeWorker(),
        )
        dependencies = Dependencies(
            self.worker,
            self.invoker,
            self.store,
            InlineCommit(self.store),
            ManagementUrls("Hub", sdk_url="http://127.0.0.1:17071/durabletask/"),
            self.clock,
            automatic_timers=False,
        )
        self.runtime = AppRuntime(self.app, hub_settings(self.app.loaded), dependencies)

    async def idle(self) -> None:
        while self.runtime.hub.busy or self.runtime.timers.running:  # noqa: ASYNC110 - each round runs the ready tasks
            await asyncio.sleep(0)


CHAIN = function("Chain", "orchestrationTrigger")
PING = function("Ping", "httpTrigger", route="ping")
TICK = function("Tick", "timerTrigger", schedule="0 0 * * * *")


async def test_an_instance_runs_over_the_given_store_and_clock() -> None:
    composed = Composed(CHAIN)
    composed.runtime.start()
    await composed.runtime.client.start("Chain", None, "i-1")
    await composed.idle()
    row = composed.store.instance("Hub", "i-1")
    assert row is not None
    assert (row.status, row.created) == ("Completed", composed.clock.at)
    assert composed.invoker.ran == [("Chain", "i-1")]


async def test_http_functions_and_the_management_api_respond_without_a_socket() -> None:
    composed = Composed(CHAIN, PING)
    assert (await composed.runtime.functions.handle(request("GET", "/api/ping"))).status == 200
    assert [name for name, _, _ in composed.worker.calls] == ["Ping"]
    listed = await composed.runtime.management.handle(request("GET", "/x"), "/instances")
    assert (listed.status, listed.body) == (200, b"[]")


async def test_a_timer_function_runs_when_the_caller_fires_due_timers() -> None:
    composed = Composed(TICK)
    composed.runtime.start()
    await composed.idle()
    assert composed.invoker.ran == []
    composed.clock.advance(3600)
    composed.runtime.timers.fire_due()
    await composed.idle()
    assert [name for name, _ in composed.invoker.ran] == ["Tick"]


async def test_a_reload_replaces_durable_functions_routes_and_timers() -> None:
    composed = Composed(CHAIN, PING, TICK)
    composed.runtime.start()
    composed.app.replace(
        loaded(function("New", "orchestrationTrigger"), function("Pong", "httpTrigger"))
    )
    orchestrators = composed.runtime.hub.settings.functions.orchestrators
    assert ("New" in orchestrators, "Chain" in orchestrators) == (True, False)
    assert (await composed.runtime.functions.handle(request("GET", "/api/ping"))).status == 404
    assert (await composed.runtime.functions.handle(request("GET", "/api/pong"))).status == 200
    composed.clock.advance(3600)
    composed.runtime.timers.fire_due()
    await composed.idle()
    assert composed.invoker.ran == []


@pytest.mark.parametrize(
    ("outcome", "logged"),
    [
        (
            InvocationResult(1, error=ErrorData("ValueError", "boom", "File x")),
            "Function 'F' failed: ValueError: boom",
        ),
        (WorkerLostError("it exited"), "ran the function 'F': it exited. [EH325]"),
    ],
)
async def test_the_failure_of_a_started_function_is_logged(
    outcome: InvocationResult | Exception, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    composed = Composed()
    composed.invoker.outcome = outcome
    composed.runtime.start_function(function("F", "queueTrigger"), "input")
    await composed.runtime.drain(10)
    assert composed.invoker.ran == [("F", "input")]
    assert logged in caplog.text


async def test_a_started_timer_function_gets_a_timer_request() -> None:
    composed = Composed(TICK)
    composed.runtime.start_function(TICK, "ignored")
    await composed.runtime.drain(10)
    ((name, trigger),) = composed.invoker.ran
    assert (name, "ScheduleStatus" in json.loads(trigger)) == ("Tick", True)


async def test_a_failing_timer_function_is_retried_with_one_id_by_the_clock() -> None:
    policy = FunctionRetry(2, timedelta(seconds=5), timedelta(seconds=5))
    composed = Composed(replace(TICK, retry=policy))
    composed.invoker.outcome = InvocationResult(1, error=ErrorData("ValueError", "boom"))
    composed.runtime.start()
    composed.clock.advance(3600)
    composed.runtime.timers.fire_due()
    for run in (1, 2, 3):
        while len(composed.invoker.ran) < run or (run < 3 and not composed.runtime.delays.waiting):  # noqa: ASYNC110 - each round runs the ready tasks
            await asyncio.sleep(0)
        composed.clock.advance(4.9)
        composed.runtime.delays.fire_due()
        composed.clock.advance(0.1)
        composed.runtime.delays.fire_due()
    await composed.idle()
    counts = [r and (r.retry_count, r.max_retry_count) for r in composed.invoker.retries]
    assert counts == [(0, 2), (1, 2), (2, 2)]
    assert len(set(composed.invoker.ids)) == 1


async def test_a_reload_ends_the_retries_of_the_previous_code(
    caplog: pytest.LogCaptureFixture,
) -> None:
    forever = replace(
        function("F", "queueTrigger"),
        retry=FunctionRetry(-1, timedelta(hours=1), timedelta(hours=1)),
    )
    composed = Composed()
    composed.invoker.outcome = InvocationResult(1, error=ErrorData("ValueError", "boom"))
    composed.runtime.start_function(forever, "input")
    while not composed.runtime.delays.waiting:  # noqa: ASYNC110 - each round runs the ready tasks
        await asyncio.sleep(0)
    with caplog.at_level("INFO"):
        composed.app.replace(loaded())
        await composed.runtime.drain(10)
    assert composed.invoker.ran == [("F", "input")]
    assert "Invocation cancelled - exiting retry loop." in caplog.text


@pytest.mark.parametrize(("kind", "warned"), [("httpTrigger", True), ("timerTrigger", False)])
def test_the_policy_of_an_http_function_is_reported_as_on_the_azure_functions_host(
    kind: str, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    retried = replace(
        function("F", kind, schedule="0 0 0 1 1 *"),
        retry=FunctionRetry(1, timedelta(), timedelta()),
    )
    Composed(retried)
    assert ("not be supported for function 'Functions.F'" in caplog.text) == warned


async def test_an_orchestrator_cannot_be_started_directly(
    caplog: pytest.LogCaptureFixture,
) -> None:
    composed = Composed(CHAIN)
    composed.runtime.start_function(CHAIN, "{}")
    await composed.runtime.drain(10)
    assert composed.invoker.ran == []
    assert "do not support direct invocation" in caplog.text


async def test_drain_returns_after_the_grace_period() -> None:
    composed = Composed()
    composed.invoker.gate = asyncio.Event()
    composed.runtime.start_function(function("F", "queueTrigger"), "")
    await composed.runtime.drain(0)
    assert composed.invoker.ran == []
    composed.invoker.gate.set()
    await composed.runtime.drain(10)
    assert composed.invoker.ran == [("F", "")]


def test_hub_settings_follow_host_json() -> None:
    host = HostJson(
        hub_name="Hub",
        max_concurrent_activities=3,
        max_concurrent_orchestrators=4,
        store_inputs_in_history=True,
        overridable_existing_states="AnyState",
    )
    settings = hub_settings(loaded(CHAIN, host=host))
    assert (settings.max_activities, settings.max_orchestrators, settings.store_inputs) == (
        3,
        4,
        True,
    )
    assert settings.any_state_is_overridable
    assert "Chain" in settings.functions.orchestrators


async def test_rpcs_of_clients_go_to_the_sidecar_and_other_requests_to_the_management_api() -> None:
    composed = Composed(function("Hello", "orchestrationTrigger"))

    async def to_management(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        return 202, f"{method} {path} {body.decode()}".encode()

    handle = composed.runtime.client_requests(to_management)
    assert await handle("POST", "orchestrators/Hello", b"{}") == (
        202,
        b"POST orchestrators/Hello {}",
    )
    started = await handle("RPC", "StartInstance", b'{"name": "Hello", "instanceId": "i-1"}')
    assert started == (0, b'{"instanceId":"i-1"}')
    status, body = await handle("RPC", "WaitForInstanceCompletion", b'{"instanceId": "i-1"}')
    assert status == 0
    assert json.loads(body)["orchestrationState"]["instanceId"] == "i-1"


async def test_a_load_finds_functions_that_fail_on_azure_and_a_reload_finds_them_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    invalid = parity_kit.function("Chain", "_durable_input")
    unusable = parity_kit.function("Broken", "_durable_input")
    composed = Composed()
    composed.app.replace(replace(loaded(invalid, unusable), broken={"Broken": "no"}))
    findings = composed.runtime.hub.findings
    assert parity_kit.codes(findings) == [("EH801", "Chain")]
    composed.app.replace(loaded(parity_kit.function("Chain")))
    assert parity_kit.codes(findings) == []
    composed.app.replace(loaded(invalid))
    assert parity_kit.codes(findings) == [("EH801", "Chain")]
    assert caplog.text.count("EH801") == 1


async def test_the_findings_have_the_settings_of_host_json() -> None:
    assert Composed().runtime.findings.host.hub_name == "Hub"
