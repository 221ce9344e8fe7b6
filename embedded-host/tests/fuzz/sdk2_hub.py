"""A task hub of SDK 2.x whose worker returns mutated responses.

A response may make its own instance fail. It must not stop the hub, and the other instances
continue.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from embedded_host.engine.entity_messages import EntityId
from embedded_host.engine.failures import UserError
from embedded_host.engine.functions import DurableFunctions
from embedded_host.engine.invocations import (
    EntityInput,
    EntityOutput,
    InvocationFailure,
    OrchestratorInput,
    OrchestratorResult,
)
from embedded_host.history.view import HistoryView
from embedded_host.history.waits import open_waits
from embedded_host.protocols.v2 import (
    entity_payload,
    entity_result,
    orchestrator_payload,
    orchestrator_result,
)
from embedded_host.sidecar.service import TaskHubSidecarService
from embedded_host.store.interface import InstanceQuery
from embedded_host.task_hub.client import InstanceFinishedError, InstanceNotFoundError
from tests.support.recorded_turns import RECORDING
from tests.task_hub.kit import HubUnderTest, InlineInvoker

TURNS = 3
"""Number of turns of each instance that return the mutated response. Later turns complete."""
BATCHES_PER_RUN = 5
"""Number of entity batches that return the mutated batch."""
SECONDS = 20.0
"""The maximum time for one response."""
_RECORDED: dict[str, Any] = json.loads(RECORDING.read_text(encoding="utf-8"))
RESPONSES: list[Any] = [
    turn["response"] for turns in _RECORDED["orchestrators"].values() for turn in turns
]
BATCHES: list[Any] = [batch["response"] for batch in _RECORDED["entities"]]
REQUESTS: list[tuple[str, Any]] = [(call["method"], call["request"]) for call in _RECORDED["rpc"]]
BYSTANDER = "bystander"
"""Id of the instance, and key of the entity, that have no part in the test."""
_FINISHED = {
    "orchestrationStatus": "ORCHESTRATION_STATUS_COMPLETED",
    "result": '"done"',
}


class Sdk2Invoker(InlineInvoker):
    """Returns ``response`` for orchestrators and ``batch`` for entities."""

    def __init__(self) -> None:
        super().__init__({})
        self.response, self.batch = "{}", "{}"
        self.turns_left: dict[str, int] = {}
        """The number of turns of each instance that return ``response``."""
        self.batches_left = 0
        """The number of batches that return ``batch``. An entity may signal itself without end."""

    @property
    def functions(self) -> DurableFunctions:
        names = {
            action["scheduleTask"]["name"]
            for response in RESPONSES
            for action in response.get("actions", ())
            if "scheduleTask" in action
        }
        orchestrators = ["Fuzzed", "Bystander", *_RECORDED["orchestrators"]]
        return DurableFunctions.of(orchestrators, sorted(names), ["Counter", "Tally"], protocol=2)

    async def orchestrator(
        self, name: str, turn: OrchestratorInput, *, alone: bool = False
    ) -> OrchestratorResult:
        await asyncio.sleep(0)
        payload = json.loads(orchestrator_payload(turn))
        if name == "Bystander":
            names = [event.get("Name") for event in [*payload["past"], *payload["new"]]]
            actions = [{"id": 2, "completeOrchestration": _FINISHED}] if "finish" in names else []
            return orchestrator_result(json.dumps({"actions": actions}))
        left = self.turns_left.get(turn.instance_id, TURNS if name == "Fuzzed" else 0)
        self.turns_left[turn.instance_id] = left - 1
        if left > 0:
            return orchestrator_result(self.response)
        # This id does not occur in the recordings.
        finished = {"actions": [{"id": 10_000, "completeOrchestration": _FINISHED}]}
        return orchestrator_result(json.dumps(finished))

    async def activity(
        self, name: str, instance_id: str, input: str, task_id: int, *, alone: bool = False
    ) -> str | UserError | None:
        await asyncio.sleep(0)
        return '"result"'

    async def entity(
        self, name: str, instance_id: str, batch: EntityInput, *, alone: bool = False
    ) -> EntityOutput | InvocationFailure:
        await asyncio.sleep(0)
        json.loads(entity_payload(batch))
        self.batches_left -= 1
        if instance_id == f"@counter@{BYSTANDER}" or self.batches_left < 0:
            results = [{"success": {"result": "1"}} for _ in batch.operations]
            return entity_result(
                json.dumps({"results": results, "entityState": "1"}), len(batch.operations)
            )
        return entity_result(self.batch, len(batch.operations))


class ErrorRecords(logging.Handler):
    """The messages with which the host reports its own bugs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if "EH410" in message or "EH330" in message or "EH406" in message:
            self.messages.append(self.format(record))

    def __enter__(self) -> ErrorRecords:
        logging.getLogger("embedded_host").addHandler(self)
        logging.getLogger("embedded_host").setLevel(logging.ERROR)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("embedded_host").removeHandler(self)
        logging.getLogger("embedded_host").setLevel(logging.NOTSET)


class FuzzedHub:
    """A hub that runs instances with mutated responses, beside a bystander."""

    def __init__(self) -> None:
        self.invoker = Sdk2Invoker()
        self.host = HubUnderTest(self.invoker)
        self._count = 0

    async def start(self) -> None:
        """Start the bystanders."""
        await self.host.client.start("Bystander", None, BYSTANDER)
        await self.host.idle()

    async def run(self, response: str, batch: str, errors: ErrorRecords) -> None:
        """Run an instance and an entity with these responses, and check the bystanders."""
        self._count += 1
        host, invoker, id = self.host, self.invoker, f"i-{self._count}"
        invoker.response, invoker.batch, invoker.batches_left = response, batch, BATCHES_PER_RUN
        await host.client.start("Fuzzed", None, id)
        await self._idle()
        for _ in range(TURNS):
            try:
                await host.client.raise_event(id, "Approval", '{"a": 1}')
            except (InstanceFinishedError, InstanceNotFoundError):
                break
            await self._idle()
        await host.client.signal_entity(EntityId("counter", str(self._count % 7)), "add", "1")
        await self._idle()
        host.clock.advance(100)
        host.hub.timers.fire_due()
        await self._idle()
        assert not errors.messages, errors.messages[0]
        row = host.client.status(id)
        assert row is not None
        assert row.status in ("Running", "Suspended", "Completed", "Failed", "Terminated"), row
        await self._bystanders_respond()

    async def _idle(self) -> None:
        await asyncio.wait_for(self.host.idle(), SECONDS)

    async def _bystanders_respond(self) -> None:
        host, entity = self.host, EntityId("counter", BYSTANDER)
        before = len(host.client.history(host.row(BYSTANDER)))
        await host.client.raise_event(BYSTANDER, "tick", None)
        await host.client.signal_entity(entity, "add", "1")
        await self._idle()
        assert host.row(BYSTANDER).status == "Running"
        assert len(host.client.history(host.row(BYSTANDER))) > before
        stored = host.store.entity(host.row(str(entity)).key)
        assert stored is not None
        assert stored.state == "1"

    async def reopen(self) -> None:
        """Open the state again as after ``kill -9``, read it, and finish the bystander."""
        await self.host.kill()
        host = HubUnderTest(self.invoker, self.host.store, self.host.clock)
        self.invoker.response = json.dumps(
            {"actions": [{"id": 10_001, "completeOrchestration": _FINISHED}]}
        )
        self.invoker.batches_left = 0
        self.host = host
        host.hub.start()
        await self._idle()
        service = TaskHubSidecarService(host.client, is_functions=False)
        rows = host.store.list("Hub", InstanceQuery(), 100_000)
        for row in rows:
            host.hub.find(row.id)
            if not row.id.startswith("@"):
                view = HistoryView.of(host.client.history(row))
                list(view.turns)
                list(view.steps)
                view.time_spent(host.clock.now())
                open_waits(view)
            for method in ("GetInstance", "StreamInstanceHistory"):
                request = {"instanceId": row.id, "getInputsAndOutputs": True}
                status, body = await service.call(method, json.dumps(request).encode())
                assert status == 0 or row.id.startswith("@"), (method, body)
                json.loads(body)
        await host.client.raise_event(BYSTANDER, "finish", None)
        await self._idle()
        assert host.outcome(BYSTANDER) == ("Completed", "done")
        await host.kill()
