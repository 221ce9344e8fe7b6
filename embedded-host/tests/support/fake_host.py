"""A host that processes the durable client's RPCs with the responses of a test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from embedded_worker.protocol import ClientResponse

Response = dict[str, Any] | tuple[int, str] | Exception


class FakeHost:
    """Responds to each RPC as the test has set.

    A dict is the response's JSON, a tuple a status and its details, an exception is raised, and a
    function returns one of these. An RPC without a response waits until it is cancelled.
    """

    def __init__(self) -> None:
        self.responses: dict[str, Response | Callable[[dict[str, Any]], Response]] = {}
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.cancelled: list[str] = []

    async def send(self, method: str, rpc: str, body: bytes) -> ClientResponse:
        """Respond to a request."""
        assert method == "RPC"
        document = json.loads(body)
        self.requests.append((rpc, document))
        response = self.responses.get(rpc)
        if response is None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.cancelled.append(rpc)
                raise
        await asyncio.sleep(0)
        if callable(response):
            response = response(document)
        if isinstance(response, Exception):
            raise response
        if isinstance(response, tuple):
            return ClientResponse(1, response[0], json.dumps({"details": response[1]}).encode())
        return ClientResponse(1, 0, json.dumps(response).encode())
