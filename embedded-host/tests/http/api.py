"""The management API over a task hub in memory: no socket, no process, and a stopped clock."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import azure.durable_functions as df
from multidict import CIMultiDict

from embedded_host.http.management import ManagementApi
from embedded_host.management.urls import ManagementUrls
from embedded_host.parity.findings import Findings
from embedded_host.web.request import Request
from embedded_host.web.response import Response
from tests.task_hub.kit import HubUnderTest, InlineInvoker

BASE = "http://host:7071"
WEBHOOK = f"{BASE}/runtime/webhooks/durabletask"
JSON = {"Content-Type": "application/json"}


def done(context: df.DurableOrchestrationContext) -> Any:
    context.set_custom_status({"step": 1})
    return context.get_input()


def wait(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    value = yield context.wait_for_external_event("Go")
    return value


def fail(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    value = yield context.call_activity("Echo", 1)
    raise ValueError(f"boom {value}")


def counter(context: df.DurableEntityContext) -> None:
    value = context.get_state(lambda: 0)
    value = value + 1 if context.operation_name == "add" else value
    context.set_state(value)
    context.set_result(value)


def request(
    method: str,
    target: str,
    body: bytes | str | None = None,
    headers: Mapping[str, str] | None = None,
    base_url: str = BASE,
) -> Request:
    """Return a request. Without a body (None) it has no Content-Length."""
    data = body.encode() if isinstance(body, str) else body
    path, _, query = target.partition("?")
    sent = CIMultiDict(headers or {})
    if data is not None:
        sent.setdefault("Content-Length", str(len(data)))

    async def read() -> bytes:
        return data or b""

    return Request(method, path, query, sent, base_url, read)


@dataclass(frozen=True)
class ApiResponse:
    response: Response

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def json(self) -> Any:
        return json.loads(self.response.body)

    @property
    def text(self) -> str:
        return self.response.body.decode()

    @property
    def headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.response.headers}

    @property
    def empty(self) -> bool:
        """True if there is neither a body nor a content type."""
        return not self.response.body and "content-type" not in self.headers


class Api:
    def __init__(self, findings: Findings | None = None, **settings: Any) -> None:
        invoker = InlineInvoker(
            {"Done": done, "Wait": wait, "Fail": fail},
            {"Echo": lambda value: value},
            {"Counter": counter},
        )
        self.host = HubUnderTest(invoker, findings=findings, **settings)
        self.management = ManagementApi(self.host.client, ManagementUrls("Hub"))

    async def request(
        self,
        method: str,
        target: str,
        body: bytes | str | None = b"",
        headers: Mapping[str, str] | None = None,
        public_url: str | None = None,
    ) -> ApiResponse:
        """Send a request and wait until the task hub is idle.

        ``target`` is the path and query after ``/runtime/webhooks/durabletask/``.
        """
        sent = request(method, f"/runtime/webhooks/durabletask/{target}", body, headers)
        path = sent.path.removeprefix("/runtime/webhooks/durabletask")
        response = ApiResponse(await self.management.handle(sent, path, public_url))
        await self.host.idle()
        return response

    async def get(self, target: str, **headers: str) -> ApiResponse:
        return await self.request("GET", target, None, headers)

    async def post(
        self, target: str, body: bytes | str | None = b"", **headers: str
    ) -> ApiResponse:
        """Send a POST request. The content type is JSON, unless ``Content_Type`` is passed."""
        return await self.request(
            "POST", target, body, JSON | {k.replace("_", "-"): v for k, v in headers.items()}
        )

    async def start(self, name: str, instance_id: str = "i-1", body: str = "") -> None:
        assert (await self.post(f"orchestrators/{name}/{instance_id}", body)).status == 202

    async def status(self, instance_id: str = "i-1") -> Any:
        return (await self.get(f"instances/{instance_id}")).json
