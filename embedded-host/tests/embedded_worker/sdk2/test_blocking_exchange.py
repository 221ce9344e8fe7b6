"""A synchronous client that blocks the event loop of the worker."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import durabletask.internal.orchestrator_service_pb2 as pb
import grpc
import pytest
from durabletask.internal.orchestrator_service_pb2_grpc import TaskHubSidecarServiceStub

from embedded_worker.protocol import ClientResponse
from embedded_worker.rpc_protocol import STATUS_HEADER
from embedded_worker.sdk2.carried_channels import carry_channels
from embedded_worker.sdk2.carrier import remove_carrier

TARGET = "127.0.0.1:7"
SECRET = "/code=secret/"


class Host:
    """An HTTP server that responds to RPCs as the host's endpoint does."""

    def __init__(self) -> None:
        self.responses: dict[str, tuple[int, dict[str, object]]] = {}
        self.requests: list[tuple[str, dict[str, object]]] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                name = self.path.rpartition("/")[2]
                if not self.path.startswith(f"{SECRET}rpc/"):
                    self.send_response(403)
                    self.end_headers()
                    return
                host.requests.append((name, json.loads(body)))
                status, document = host.responses[name]
                self.send_response(200)
                self.send_header(STATUS_HEADER, str(status))
                self.end_headers()
                self.wfile.write(json.dumps(document).encode())

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    thread = threading.Thread(target=host.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield host
    host.server.shutdown()
    host.server.server_close()
    remove_carrier(TARGET)


async def never(method: str, path: str, body: bytes) -> ClientResponse:
    raise AssertionError("the request uses the connection that the caller blocks")


def stub(endpoint: str) -> Any:
    carry_channels(never, TARGET, endpoint)
    create: Callable[[grpc.Channel], Any] = TaskHubSidecarServiceStub
    return create(grpc.insecure_channel(TARGET))


async def test_a_call_in_the_event_loop_goes_over_http(host: Host) -> None:
    host.responses["GetInstance"] = (0, {"exists": True})
    client = stub(host.url + SECRET)
    assert client.GetInstance(pb.GetInstanceRequest(instanceId="i"), timeout=10).exists
    assert host.requests == [("GetInstance", {"instanceId": "i"})]


async def test_a_stream_in_the_event_loop_goes_over_http(host: Host) -> None:
    host.responses["StreamInstanceHistory"] = (0, {"events": []})
    client = stub(host.url + SECRET)
    assert list(client.StreamInstanceHistory(pb.StreamInstanceHistoryRequest(), timeout=10)) == []


async def test_a_status_in_the_header_is_the_error(host: Host) -> None:
    host.responses["GetInstance"] = (5, {"details": "there is none"})
    client = stub(host.url + SECRET)
    with pytest.raises(grpc.RpcError) as raised:
        client.GetInstance(pb.GetInstanceRequest(), timeout=10)
    error: Any = raised.value
    assert (error.code(), error.details()) == (grpc.StatusCode.NOT_FOUND, "there is none")


async def test_a_wait_in_the_event_loop_ends_at_its_deadline(host: Host) -> None:
    host.responses["WaitForInstanceStart"] = (0, {"timeout": True})
    client = stub(host.url + SECRET)
    with pytest.raises(grpc.RpcError) as raised:
        client.WaitForInstanceStart(pb.GetInstanceRequest(), timeout=0.1)
    error: Any = raised.value
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize("path", ["/code=wrong/", "/"])
async def test_a_refused_request_is_unavailable(host: Host, path: str) -> None:
    client = stub(host.url + path)
    with pytest.raises(grpc.RpcError) as raised:
        client.GetInstance(pb.GetInstanceRequest(), timeout=10)
    error: Any = raised.value
    assert (error.code(), error.details()) == (
        grpc.StatusCode.UNAVAILABLE,
        "the host responded with the HTTP status 403",
    )
