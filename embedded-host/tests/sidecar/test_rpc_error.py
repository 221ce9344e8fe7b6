"""The error of an RPC."""

from __future__ import annotations

from embedded_host.sidecar.rpc_error import RpcError
from embedded_worker.rpc_protocol import RpcStatus


def test_the_message_of_an_error_is_its_detail_text() -> None:
    error = RpcError(RpcStatus.NOT_FOUND, "text")
    assert (error.status, str(error)) == (RpcStatus.NOT_FOUND, "text")
