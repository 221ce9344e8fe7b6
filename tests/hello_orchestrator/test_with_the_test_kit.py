"""Tests of the app with the test kit. The guide embedded-host/docs/how-to/testing.md uses them."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.message import hello_world

pytest.importorskip("embedded_host", reason="the embedded host is not installed")
pytest.importorskip("pytest_asyncio", reason="runs tests that are coroutines")
from embedded_host.testing import DurableApp, crash_everywhere

RECORDED = Path(__file__).parent / "hello.history.json"
"""A history recorded with the deployed code.

Create it with ``embedded-host export --id hello-1``, or with ``app.run(...)`` and
``.history.save(...)``.
"""


async def test_the_output_is_the_hello_message(durable_app: DurableApp) -> None:
    hello = await durable_app.run("HelloOrchestrator")
    assert hello.output == hello_world()
    assert [call.name for call in hello.history.activities] == ["HelloActivity"]


async def test_the_result_of_the_activity_is_the_output(durable_app: DurableApp) -> None:
    activity = durable_app.fake("HelloActivity", return_value="Grüße, 世界")
    assert (await durable_app.run("HelloOrchestrator")).output == "Grüße, 世界"
    assert activity.calls == [None]


async def test_a_failed_activity_fails_the_orchestration(durable_app: DurableApp) -> None:
    durable_app.fake("HelloActivity", side_effect=ValueError("boom"))
    hello = await durable_app.run("HelloOrchestrator")
    assert hello.status == "Failed"
    assert "Activity function 'HelloActivity' failed: ValueError: boom" in hello.output


async def test_the_starter_starts_the_orchestrator(durable_app: DurableApp) -> None:
    started = await durable_app.http("GET", "/api/orchestrators/hello-orchestrator")
    assert started.status == 202
    assert durable_app.instance(started.json()["id"]).output == hello_world()


async def test_a_crash_does_not_change_the_result(durable_app: DurableApp) -> None:
    await crash_everywhere(durable_app, "HelloOrchestrator")


def test_instances_of_the_deployed_code_can_continue_with_this_code(
    durable_app: DurableApp,
) -> None:
    durable_app.replay(RECORDED)


def test_the_synchronous_kit_runs_the_orchestrator(durable_app: DurableApp) -> None:
    app = durable_app.sync
    assert app.run("HelloOrchestrator").result() == hello_world()
