from __future__ import annotations

import pytest

from embedded_host.app.definitions import HostJson
from embedded_host.parity.findings import Findings
from embedded_host.task_hub.tracer import current_trace
from embedded_host.telemetry.http_calls import current_call
from embedded_host.telemetry.http_tracing import HttpTracing
from embedded_host.web.request import Request
from embedded_host.web.response import Response, empty_response
from embedded_worker.protocol import RPC_METHOD
from tests.telemetry.kit import TRACE, TRACEPARENT, SpansInMemory, ids


def request(path: str = "/api/start", **headers: str) -> Request:
    async def read() -> bytes:
        return b""

    return Request("POST", path, "code=secret", headers, "http://localhost:7071", read)


async def respond_to_client(method: str, path: str, body: bytes) -> tuple[int, bytes]:
    return 202, b""


class Call:
    """A request to a function that sends one request of its durable client."""

    def __init__(
        self,
        *,
        strict: bool = False,
        worker_continues: bool = False,
        method: str = "POST",
        path: str = "orchestrators/Main",
    ) -> None:
        self.spans = SpansInMemory()
        self.findings = Findings(HostJson(), is_strict=strict, is_logged=False)
        self.tracing = HttpTracing(self.spans, self.findings, worker_continues=worker_continues)
        self._client = method, path

    async def handle(self, request: Request) -> Response:
        call = current_call.get()
        assert call is not None
        call.function, call.route = "Starter", "api/start"
        await self.tracing.client_requests(respond_to_client)(*self._client, b"")
        return empty_response(202)

    async def send(self, **headers: str) -> None:
        await self.tracing.public(request(**headers), self.handle)

    @property
    def codes(self) -> list[str]:
        return [finding.kind.code for finding in self.findings]


async def test_a_call_of_a_function_has_its_route_and_continues_the_trace() -> None:
    call = Call()
    await call.send(traceparent=TRACEPARENT)
    span = call.spans.named("POST api/start")
    assert ids(span)[1:] == (TRACE, TRACEPARENT.split("-")[2])
    attributes = dict(span.attributes or {})
    assert "secret" not in str(attributes)
    assert attributes["http.route"] == "api/start"
    assert attributes["faas.name"] == "Starter"
    assert attributes["faas.trigger"] == "http"
    assert attributes["http.response.status_code"] == 202
    assert attributes["server.port"] == 7071
    client = call.spans.named("POST durabletask/orchestrators")
    assert ids(client)[1:] == (TRACE, ids(span)[0])
    assert current_trace.get() is None
    assert current_call.get() is None


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("POST", "orchestrators/Main", ["EH827"]),
        ("GET", "instances/i", []),
        (RPC_METHOD, "StartInstance", ["EH827"]),
        (RPC_METHOD, "GetInstance", []),
    ],
)
async def test_a_start_that_continues_the_trace_of_a_request_is_a_finding(
    method: str, path: str, found: list[str]
) -> None:
    call = Call(method=method, path=path)
    await call.send(traceparent=TRACEPARENT)
    assert call.codes == found


async def test_a_start_without_a_trace_of_the_request_has_no_finding() -> None:
    call = Call()
    await call.send()
    await call.send(traceparent="invalid")
    assert call.codes == []


async def test_in_strict_mode_the_client_starts_a_new_trace() -> None:
    call = Call(strict=True)
    await call.send(traceparent=TRACEPARENT)
    _, trace, parent = ids(call.spans.named("POST durabletask/orchestrators"))
    assert trace != TRACE
    assert parent == ""
    assert call.codes == []


@pytest.mark.parametrize("strict", [False, True])
async def test_a_worker_with_telemetry_continues_the_trace_on_both_hosts(strict: bool) -> None:
    call = Call(strict=strict, worker_continues=True)
    await call.send(traceparent=TRACEPARENT)
    assert ids(call.spans.named("POST durabletask/orchestrators"))[1] == TRACE
    assert call.codes == []


async def test_a_failed_call_has_an_error() -> None:
    call = Call()

    async def fail(request: Request) -> Response:
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        await call.tracing.public(request(), fail)
    span = call.spans.named("POST")
    assert span.status.status_code.name == "ERROR"
    assert dict(span.attributes or {})["error.type"] == "500"


@pytest.mark.parametrize("path", ["/dashboard/api/instances", "/admin/host/status"])
async def test_the_dashboard_and_the_probes_have_no_spans(path: str) -> None:
    call = Call()

    async def respond(request: Request) -> Response:
        assert current_trace.get() is None
        return empty_response(200)

    await call.tracing.public(request(path), respond)
    assert call.spans.finished == ()
