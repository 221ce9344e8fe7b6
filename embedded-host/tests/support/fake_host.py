"""A host that answers the durable client's RPCs from a table."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from embedded_worker.protocol import ClientResponse

Answer = dict[str, Any] | tuple[int, str] | Exception


class FakeHost:
    """Answers each RPC with the last answer that a test has set for it.

    A dict is the response's JSON, a tuple a status and its details, an exception is raised, and a
    function returns one of these. An RPC without an answer waits until it is cancelled.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Callable[[dict[str, Any]], Answer]] = {}
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.cancelled: list[str] = []

    async def send(self, method: str, rpc: str, body: bytes) -> ClientResponse:
        """Answer a request."""
        assert method == "RPC"
        document = json.loads(body)
        self.requests.append((rpc, document))
        answer = self.answers.get(rpc)
        if answer is None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.cancelled.append(rpc)
                raise
        await asyncio.sleep(0)
        if callable(answer):
            answer = answer(document)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, tuple):
            return ClientResponse(1, answer[0], json.dumps({"details": answer[1]}).encode())
        return ClientResponse(1, 0, json.dumps(answer).encode())
