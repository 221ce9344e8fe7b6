"""The interface of the component that runs the app's functions."""

from __future__ import annotations

from embedded_host.workers.worker import Invocation, respond_unavailable
from embedded_worker.protocol import InvocationRequest


def test_the_request_of_an_invocation_has_all_its_fields() -> None:
    invocation = Invocation("Echo", "null", "client", "invocation-id")
    assert invocation.request(7) == InvocationRequest(7, "Echo", "null", "invocation-id", "client")


async def test_client_requests_before_the_task_hub_starts_get_status_503() -> None:
    assert await respond_unavailable("GET", "instances/x", b"") == (503, b"")
