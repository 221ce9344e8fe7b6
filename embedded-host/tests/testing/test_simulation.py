"""The parts of an app under test: names, time, restarts and replays."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from embedded_host.engine.invocations import OrchestratorInput
from embedded_host.parity.kinds.sdk2 import CALL_HTTP
from embedded_host.testing import (
    DurableApp,
    FunctionLoadError,
    LivelockError,
    ParityError,
    UnknownFunctionError,
)
from embedded_host.testing.simulation import Parity, Simulation
from embedded_host.testing.virtual_clock import START
from tests.support.app_folder import (
    HTTP_OUT,
    AppFolder,
    activity_trigger,
    http_trigger,
    orchestration_trigger,
)

INPUT = OrchestratorInput("i-1", "e", (), (), None, None)


@pytest.fixture
def simulation(shop_root: Path) -> Iterator[Simulation]:
    simulation = Simulation(shop_root, {}, START, 100)
    yield simulation
    simulation.close()


@pytest.mark.parametrize(
    ("name", "kind", "durable_name"),
    [
        ("charge", "activity", "Charge"),
        ("ORDER", "orchestrator", "Order"),
        ("counter", "entity", "Counter"),
    ],
)
def test_a_function_is_found_without_regard_to_case(
    simulation: Simulation, name: str, kind: str, durable_name: str
) -> None:
    assert simulation.kind(name) == kind
    assert simulation.durable_name(kind, name) == durable_name


def test_an_unknown_name_raises_unknown_function_error(simulation: Simulation) -> None:
    with pytest.raises(UnknownFunctionError, match="no activity, orchestrator or entity 'Zzz'"):
        simulation.kind("Zzz")
    with pytest.raises(UnknownFunctionError, match="no activity 'Order'"):
        simulation.durable_name("activity", "Order")


async def test_the_next_due_time_is_that_of_a_timer_or_timer_function(
    simulation: Simulation,
) -> None:
    await simulation.run_until_idle()
    assert simulation.next_due == START + timedelta(days=1), "the function Nightly"
    await simulation.client.start("Approval", '"1"', "a-1")
    await simulation.run_until_idle()
    assert simulation.next_due == START + timedelta(hours=1), "the timer of Approval"
    await simulation.fire_next(START + timedelta(hours=1))
    assert simulation.row("a-1").output == '"timed out"'
    assert simulation.clock.now() == START + timedelta(hours=1)


async def test_a_restart_replaces_the_host_and_keeps_the_state(simulation: Simulation) -> None:
    await simulation.client.start("Order", '"7"', "o-1")
    await simulation.run_until_idle()
    host = simulation.host
    await simulation.restart()
    assert simulation.host is not host
    assert host.is_killed
    assert simulation.row("o-1").status == "Completed"


async def test_waiting_for_replays_an_instance_that_the_new_host_has_not_run(
    shop: DurableApp,
) -> None:
    approval = await shop.start("Approval")
    await shop.restart()
    assert "the external event 'Approval'" in approval.waiting_for


async def test_waiting_for_an_entity_reports_that_it_is_not_an_orchestration(
    simulation: Simulation,
) -> None:
    assert simulation.diagnosis("@counter@a").text == "It is not an orchestration."


def test_open_session_raises_for_code_that_the_sdk_did_not_create(tmp_path: Path) -> None:
    app = AppFolder(tmp_path)
    app.function("Plain", "def main(context):\n    return '{}'\n", orchestration_trigger())
    app.function("Broken", "import no_such_package\n", orchestration_trigger())
    simulation = Simulation(tmp_path, {}, START, 100)
    try:
        with pytest.raises(
            FunctionLoadError,
            match=r"^'Plain' cannot be replayed: it was not created with df\.Orchestrator\.create",
        ):
            simulation.open_session("Plain", INPUT)
    finally:
        simulation.close()


def strict_simulation(root: Path, *ignored: str) -> Simulation:
    return Simulation(root, {}, START, 100, Parity(is_strict=True, ignored=frozenset(ignored)))


async def test_a_new_finding_of_a_strict_app_raises_parity_error_once(shop_root: Path) -> None:
    simulation = strict_simulation(shop_root)
    try:
        simulation.host.findings.add(CALL_HTTP, "Order")
        with pytest.raises(ParityError, match=r"call_http in the orchestrator 'Order'") as raised:
            await simulation.run_until_idle()
        assert raised.value.codes == ("EH802",)
        await simulation.run_until_idle()
    finally:
        simulation.close()


async def test_an_ignored_finding_raises_no_error(shop_root: Path) -> None:
    simulation = strict_simulation(shop_root, "EH802")
    try:
        simulation.host.findings.add(CALL_HTTP, "Order")
        await simulation.run_until_idle()
    finally:
        simulation.close()


async def test_a_finding_of_a_helpful_app_raises_no_error(simulation: Simulation) -> None:
    simulation.host.findings.add(CALL_HTTP, "Order")
    await simulation.run_until_idle()
    assert [finding.kind for finding in simulation.host.findings] == [CALL_HTTP]


FAILING = """\
runs = []


def main({name}, context):
    retry = context.retry_context
    runs.append((retry.retry_count, retry.max_retry_count))
    if retry.retry_count < {failures}:
        raise ValueError("not yet")
    return {returned}
"""
POLICY = {"strategy": "fixedDelay", "maxRetryCount": 3, "delayInterval": "01:00:00"}


def retried_app(root: Path) -> Path:
    app = AppFolder(root)
    timer = {"name": "t", "type": "timerTrigger", "direction": "in", "schedule": "0 0 12 * * *"}
    noon = FAILING.format(name="t", failures=9, returned="None")
    app.function("Noon", noon, timer, retry=POLICY)
    web = FAILING.format(name="req", failures=2, returned='"done"')
    app.function("Web", web, http_trigger("web"), HTTP_OUT, retry=POLICY)
    return root


def runs(name: str) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = sys.modules[f"__app__.{name}"].runs
    return found


def test_a_retry_of_a_timer_function_runs_when_the_clock_reaches_it(tmp_path: Path) -> None:
    with DurableApp(retried_app(tmp_path)) as app:
        app.sync.advance(hours=12)
        assert runs("Noon") == [(0, 3)]
        app.sync.advance(minutes=59)
        assert runs("Noon") == [(0, 3)]
        app.sync.advance(minutes=1)
        assert runs("Noon") == [(0, 3), (1, 3)]
        app.sync.advance(days=1)
        assert runs("Noon")[2:] == [(2, 3), (3, 3), (0, 3), (1, 3)]


def test_each_run_of_a_timer_function_that_does_not_load_fails(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trigger = {
        "name": "t",
        "type": "timerTrigger",
        "direction": "in",
        "schedule": "0 0 12 * * *",
        "runOnStartup": True,
    }
    app = AppFolder(tmp_path)
    app.function("Import", "import no_such", trigger, retry=POLICY)
    app.function("Refused", "def main(t: int): ...", trigger)
    with DurableApp(tmp_path) as opened:
        opened.sync.advance(hours=4)
        first = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
        of_import = [text for text in first if "No module named 'no_such'" in text]
        assert len(of_import) == 4, "the run on startup and its three retries"
        (refused,) = set(first) - set(of_import)
        assert "'Refused' is out of service: cannot load the Refused function: type of t" in refused
        assert refused.endswith("[EH310]")
        caplog.clear()
        opened.sync.advance(hours=8)
        at_noon = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
        assert sorted(at_noon) == sorted([of_import[0], refused])


def test_a_request_moves_the_clock_over_the_retries_of_its_function(tmp_path: Path) -> None:
    with DurableApp(retried_app(tmp_path)) as app:
        before = app.now
        response = app.sync.http("GET", "/api/web")
        assert (response.status, response.text) == (200, "done")
        assert runs("Web") == [(0, 3), (1, 3), (2, 3)]
        assert app.now - before == timedelta(hours=2)


def test_endless_retries_of_an_http_function_raise_an_error(tmp_path: Path) -> None:
    app = AppFolder(tmp_path)
    code = FAILING.format(name="req", failures=10**9, returned="None")
    endless = {**POLICY, "maxRetryCount": -1}
    app.function("Web", code, http_trigger("web"), HTTP_OUT, retry=endless)
    with DurableApp(tmp_path, limit=5) as opened, pytest.raises(LivelockError, match="EH610"):
        opened.sync.http("GET", "/api/web")


def test_endless_retries_of_an_activity_end_at_the_limit(tmp_path: Path) -> None:
    app = AppFolder(tmp_path)
    app.orchestrator("Main", 'return (yield context.call_activity("Once", 1))')
    code = FAILING.format(name="value", failures=10**9, returned="None")
    app.function("Once", code, activity_trigger(), retry={**POLICY, "maxRetryCount": -1})
    with DurableApp(tmp_path, limit=50) as opened:
        assert opened.sync.run("Main").status == "Failed"
        assert len(runs("Once")) == 50
