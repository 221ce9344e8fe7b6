"""The status codes of gRPC."""

from __future__ import annotations

import grpc

from embedded_worker.rpc_protocol import RpcStatus
from embedded_worker.sdk2.status_codes import STATUS_CODES


def test_the_codes_of_the_host_are_those_of_grpc() -> None:
    assert all(STATUS_CODES[status].name == status.name for status in RpcStatus)
    assert set(STATUS_CODES.values()) == set(grpc.StatusCode)
