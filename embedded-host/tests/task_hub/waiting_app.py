"""An app with an orchestrator for each kind of wait, and a hub whose calls wait for gates."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from embedded_host.engine.invocations import (
    EntityInput,
    EntityOutput,
    InvocationFailure,
    OrchestratorInput,
    OrchestratorResult,
)
from embedded_host.task_hub.diagnosis import diagnose
from tests.task_hub.kit import HubUnderTest, InlineInvoker

Steps = Generator[Any, Any, Any]
BEGAN = "2026-01-02T03:04:05Z"
"""Start time of the kit's clock."""


def waits(context: Any) -> Steps:
    return (yield context.wait_for_external_event("Go"))


def sleeps(context: Any) -> Steps:
    yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))


def works(context: Any) -> Steps:
    yield context.task_all(
        [context.call_activity("Double", n) for n in range(context.get_input() or 1)]
    )


def retries(context: Any) -> Steps:
    yield context.call_activity_with_retry("Flaky", df.RetryOptions(5000, 3), None)


def parent(context: Any) -> Steps:
    count = context.get_input() or 1
    yield context.task_all(
        [context.call_sub_orchestrator("Waits", None, f"child-{n}") for n in range(count)]
    )


def grandparent(context: Any) -> Steps:
    yield context.call_sub_orchestrator("Parent", None, f"{context.instance_id}:west")


def parent_of_work(context: Any) -> Steps:
    yield context.call_sub_orchestrator("Works", 1)


def leaves_child(context: Any) -> Steps:
    child = context.call_sub_orchestrator("Waits", None, "child-0")
    yield context.task_any([child, context.wait_for_external_event("Go")])


def calls_entity(context: Any) -> Steps:
    yield context.call_entity(df.EntityId("Counter", "k"), "add", 1)


def several(context: Any) -> Steps:
    timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    yield context.task_any(
        [timer, context.wait_for_external_event("Go"), context.wait_for_external_event("Stop")]
    )


def counter(context: Any) -> None:
    context.set_result(1)


def fails(_: Any) -> None:
    raise RuntimeError("not yet")


class GatedInvoker(InlineInvoker):
    """An invoker whose turns and entities wait for gates too."""

    turn_gate: asyncio.Event | None = None
    entity_gate: asyncio.Event | None = None

    async def orchestrator(
        self, name: str, turn: OrchestratorInput, *, alone: bool = False
    ) -> OrchestratorResult:
        if self.turn_gate is not None:
            await self.turn_gate.wait()
        return await super().orchestrator(name, turn)

    async def entity(
        self, name: str, instance_id: str, batch: EntityInput, *, alone: bool = False
    ) -> EntityOutput | InvocationFailure:
        if self.entity_gate is not None:
            await self.entity_gate.wait()
        return await super().entity(name, instance_id, batch)


def new_gated_hub(**settings: Any) -> tuple[HubUnderTest, GatedInvoker]:
    orchestrators = {
        "Waits": waits,
        "Sleeps": sleeps,
        "Works": works,
        "Retries": retries,
        "Parent": parent,
        "Grandparent": grandparent,
        "ParentOfWork": parent_of_work,
        "LeavesChild": leaves_child,
        "CallsEntity": calls_entity,
        "Several": several,
    }
    invoker = GatedInvoker(
        orchestrators, {"Double": lambda n: 2 * n, "Flaky": fails}, {"Counter": counter}
    )
    return HubUnderTest(invoker, **settings), invoker


async def diagnosed(host: HubUnderTest, instance_id: str = "i-1") -> dict[str, Any]:
    diagnosis = await diagnose(host.hub, instance_id)
    assert diagnosis is not None
    return diagnosis.document()


async def until(host: HubUnderTest, text: str, instance_id: str = "i-1") -> dict[str, Any]:
    """Return the diagnosis once it contains ``text``, for an instance that waits at a gate."""
    for _ in range(2000):
        diagnosis = await diagnose(host.hub, instance_id)
        if diagnosis is not None and text in diagnosis.text:
            return diagnosis.document()
        await asyncio.sleep(0)
    raise AssertionError(f"the diagnosis does not contain {text!r}: {diagnosis}")
