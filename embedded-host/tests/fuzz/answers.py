"""What a worker answers for an orchestrator or an entity: whatever it is, it fails its own instance at the most."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

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
"""So many turns get the answer; then all is done, as one that continues as new would have no end."""
_SECONDS = 10.0


class _Says(InlineInvoker):
    text = ""
    left = 0

    async def orchestrator(
        self, name: str, turn: OrchestratorInput, *, alone: bool = False
    ) -> OrchestratorOutput | InvocationFailure:
        self.left -= 1
        return orchestrator_result(
            self.text if self.left >= 0 else '{"isDone": true, "actions": []}'
        )

    async def activity(
        self, name: str, instance_id: str, input: str, *, alone: bool = False
    ) -> str | UserError | None:
        return input  # the worker's part, which reads it, is not what is tried here

    async def http(self, request: str, is_wanted: Callable[[], bool]) -> str | UserError:
        return await _Offline().call(request, is_wanted)

    async def entity(
        self, name: str, instance_id: str, batch: EntityInput, *, alone: bool = False
    ) -> EntityOutput | InvocationFailure:
        return entity_result(self.text, len(batch.operations))


class _Offline(CallHttpClient):
    async def _send(
        self, method: str, url: str, headers: dict[str, str], content: str | None
    ) -> Any:
        raise OSError("no network here")


class Answers:
    """Raises AssertionError if the hub stops, or a turn goes wrong in a way that nobody foresaw."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._host: HubUnderTest | None = None
        self._count = 0

    def __call__(self, data: bytes) -> None:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            logging.getLogger("embedded_host").addHandler(
                logging.NullHandler()
            )  # what fails is logged, as it should be
        self._loop.run_until_complete(
            asyncio.wait_for(self._answer(data.decode("utf-8", "surrogateescape")), _SECONDS)
        )

    async def _answer(self, text: str) -> None:
        if self._host is None or self._count % 100 == 0:
            invoker = _Says(
                {"Done": done, "Child": done}, {"Echo": lambda value: value}, {"Counter": counter}
            )
            self._host = HubUnderTest(invoker)
        self._count += 1
        host, instance_id = self._host, f"i-{self._count}"
        assert isinstance(host.invoker, _Says)
        host.invoker.text, host.invoker.left = text, _TURNS
        await host.start("Done", instance_id)
        _, output = host.outcome(instance_id)
        assert "the host cannot act on" not in str(output), output
        entity = EntityId("counter", str(self._count % 7))
        await host.client.signal_entity(entity, "add", None)
        await host.idle()
        await host.client.raise_event(str(entity), "op", text)
        await host.idle()
