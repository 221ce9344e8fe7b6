"""A fuzz target for the outputs that a worker returns for orchestrators and entities.

An invalid output may make only its own instance fail.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import NoReturn

from embedded_host.engine.entity_messages import EntityId
from embedded_host.engine.failures import UserError
from embedded_host.engine.invocations import (
    EntityInput,
    EntityOutput,
    InvocationFailure,
    OrchestratorInput,
    OrchestratorOutput,
)
from embedded_host.http.call_http import CallHttpClient
from embedded_host.protocols.v1 import entity_result, orchestrator_result
from tests.http.api import counter, done
from tests.task_hub.kit import HubUnderTest, InlineInvoker

_TURNS = 3
"""The number of turns that return the fuzzed output.

Later turns complete the orchestration. Otherwise an output with continue-as-new would repeat
without end."""
_SECONDS = 10.0


class _FuzzedInvoker(InlineInvoker):
    output = ""
    turns_left = 0

    async def orchestrator(
        self, name: str, turn: OrchestratorInput, *, alone: bool = False
    ) -> OrchestratorOutput | InvocationFailure:
        self.turns_left -= 1
        return orchestrator_result(
            self.output if self.turns_left >= 0 else '{"isDone": true, "actions": []}'
        )

    async def activity(
        self, name: str, instance_id: str, input: str, task_id: int, *, alone: bool = False
    ) -> str | UserError | None:
        return input  # the worker would parse the input, but it is not part of this target

    async def http(self, request: str, is_wanted: Callable[[], bool]) -> str | UserError:
        return await _OfflineClient().call(request, is_wanted)

    async def entity(
        self, name: str, instance_id: str, batch: EntityInput, *, alone: bool = False
    ) -> EntityOutput | InvocationFailure:
        return entity_result(self.output, len(batch.operations))


class _OfflineClient(CallHttpClient):
    async def _send(
        self, method: str, url: str, headers: dict[str, str], content: str | None
    ) -> NoReturn:
        raise OSError("no network here")


class WorkerOutputs:
    """A target that raises AssertionError if the task hub stops or has an internal error."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._host: HubUnderTest | None = None
        self._count = 0

    def __call__(self, data: bytes) -> None:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            # Failed instances are logged, which is the expected behavior.
            logging.getLogger("embedded_host").addHandler(logging.NullHandler())
        self._loop.run_until_complete(
            asyncio.wait_for(self._run(data.decode("utf-8", "surrogateescape")), _SECONDS)
        )

    async def _run(self, output: str) -> None:
        if self._host is None or self._count % 100 == 0:
            invoker = _FuzzedInvoker(
                {"Done": done, "Child": done}, {"Echo": lambda value: value}, {"Counter": counter}
            )
            self._host = HubUnderTest(invoker)
        self._count += 1
        host, instance_id = self._host, f"i-{self._count}"
        assert isinstance(host.invoker, _FuzzedInvoker)
        host.invoker.output, host.invoker.turns_left = output, _TURNS
        await host.start("Done", instance_id)
        _, instance_output = host.outcome(instance_id)
        assert "the host cannot process the output" not in str(instance_output), instance_output
        entity = EntityId("counter", str(self._count % 7))
        await host.client.signal_entity(entity, "add", None)
        await host.idle()
        await host.client.raise_event(str(entity), "op", output)
        await host.idle()
