"""Recursive termination."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from embedded_host.app.definitions import HostJson
from embedded_host.engine.functions import DurableFunctions
from embedded_host.engine.invocations import (
    Completion,
    OrchestratorDecisions,
    OrchestratorInput,
    OrchestratorResult,
)
from embedded_host.engine.status import Status
from embedded_host.parity.findings import Findings
from embedded_host.store.interface import Change
from embedded_host.task_hub.commit import InlineCommit
from tests.parity.kit import codes
from tests.task_hub.kit import HubUnderTest, InlineInvoker

pytestmark = pytest.mark.filterwarnings("ignore:Potential duplicate Task completion")


def parent(context: Any) -> Any:
    id, depth = f"{context.instance_id}.0", (context.get_input() or 1) - 1
    name, input = ("Parent", depth) if depth else ("Waits", None)
    return (yield context.call_sub_orchestrator(name, input, id))


def waits(context: Any) -> Any:
    return (yield context.wait_for_external_event("Go"))


def new_hub(**options: Any) -> HubUnderTest:
    return HubUnderTest(InlineInvoker({"Parent": parent, "Waits": waits}), **options)


IDS = ["i-1", "i-1.0", "i-1.0.0", "i-1.0.0.0"]


async def running_family(host: HubUnderTest) -> None:
    await host.start("Parent", input=3)
    assert [host.row(id).status for id in IDS] == ["Running"] * 4


async def test_descendants_are_terminated_with_the_reason() -> None:
    host = new_hub()
    await running_family(host)
    await host.client.terminate("i-1", '"enough"', recursive=True)
    await host.idle()
    assert [host.outcome(id) for id in IDS] == [("Terminated", "enough")] * 4
    assert host.left_over() == []


async def test_ancestors_are_not_terminated() -> None:
    host = new_hub()
    await running_family(host)
    await host.client.terminate("i-1.0.0", None, recursive=True)
    await host.idle()
    assert [host.row(id).status for id in IDS] == ["Failed", "Failed", "Terminated", "Terminated"]


async def test_an_instance_with_the_id_of_a_former_child_is_kept() -> None:
    host = new_hub(any_state_is_overridable=True)
    await running_family(host)
    await host.start("Waits", "i-1.0")  # replaces the child
    await host.client.terminate("i-1", None, recursive=True)
    await host.idle()
    assert [host.row(id).status for id in ("i-1", "i-1.0")] == ["Terminated", "Running"]


async def test_a_child_that_a_running_turn_starts_is_terminated_too() -> None:
    host = new_hub()
    await host.client.start("Parent", None, "i-1")
    await host.client.terminate("i-1", None, recursive=True)
    await host.idle()
    assert host.row().status == "Terminated"
    child = host.client.status("i-1.0")
    assert child is None or child.status == "Terminated"


async def test_a_kill_at_any_commit_leaves_no_running_descendant() -> None:
    class KillingCommit(InlineCommit):
        left = 1_000_000

        def commit(self, changes: Sequence[Change]) -> asyncio.Future[None]:
            if not self.left:
                return asyncio.get_running_loop().create_future()
            self.left -= 1
            return super().commit(changes)

    for commits in range(1, 9):
        made: list[KillingCommit] = []

        def new_commit(store: Any, made: list[KillingCommit] = made) -> KillingCommit:
            made.append(KillingCommit(store))
            return made[0]

        host = new_hub(commit=new_commit)
        await running_family(host)
        made[0].left = commits
        request = asyncio.ensure_future(host.client.terminate("i-1", None, recursive=True))
        for _ in range(100):
            await asyncio.sleep(0)
        request.cancel()
        await host.kill()
        again = new_hub(store=host.store)
        again.hub.start()
        await again.idle()
        assert [again.row(id).status for id in IDS] == ["Terminated"] * 4, commits


async def test_a_recursive_termination_with_children_is_a_finding() -> None:
    findings = Findings(HostJson())
    host = new_hub(findings=findings)
    await running_family(host)
    await host.client.terminate("i-1.0.0.0", None, recursive=True)
    await host.client.terminate("i-1.0.0", None, recursive=False)
    await host.idle()
    assert codes(findings) == []
    await host.start("Parent", "i-2")
    await host.client.terminate("i-2", None, recursive=True)
    await host.idle()
    assert codes(findings) == [("EH807", "Parent")]


async def test_storages_other_than_azure_storage_terminate_recursively() -> None:
    findings = Findings(HostJson(uses_azure_storage=False))
    host = new_hub(findings=findings)
    await running_family(host)
    await host.client.terminate("i-1", None, recursive=True)
    await host.idle()
    assert codes(findings) == []


async def test_a_strict_host_leaves_the_children_as_azure_storage_does() -> None:
    findings = Findings(HostJson())
    host = new_hub(findings=findings, strict=True)
    await running_family(host)
    await host.client.terminate("i-1", None, recursive=True)
    await host.idle()
    assert [host.row(id).status for id in IDS] == ["Terminated", "Running", "Running", "Running"]
    assert codes(findings) == [("EH807", "Parent")]


async def test_a_strict_host_terminates_recursively_on_another_storage() -> None:
    host = new_hub(findings=Findings(HostJson(uses_azure_storage=False)), strict=True)
    await running_family(host)
    await host.client.terminate("i-1", None, recursive=True)
    await host.idle()
    assert [host.row(id).status for id in IDS] == ["Terminated"] * 4


class _TerminatingInvoker(InlineInvoker):
    """Responds as if the SDK had terminated the orchestration itself."""

    @property
    def functions(self) -> DurableFunctions:
        return DurableFunctions.of(["Ends"], protocol=2)

    async def orchestrator(
        self, name: str, turn: OrchestratorInput, *, alone: bool = False
    ) -> OrchestratorResult:
        return OrchestratorDecisions((), Completion(1, Status.TERMINATED, '"enough"'))


async def test_a_worker_may_terminate_its_orchestration() -> None:
    host = HubUnderTest(_TerminatingInvoker({}))
    await host.start("Ends")
    assert host.outcome() == ("Terminated", "enough")


async def test_sub_orchestrations_that_continue_are_a_finding_of_the_parent() -> None:
    findings = Findings(HostJson())
    host = new_hub(findings=findings)
    await running_family(host)
    await host.client.terminate("i-1", None)
    await host.idle()
    assert codes(findings) == [("EH877", "Parent")]
