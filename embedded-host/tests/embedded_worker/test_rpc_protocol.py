"""The status codes of RPCs."""

from __future__ import annotations

import pytest

from embedded_worker.rpc_protocol import RpcStatus


def test_the_codes_are_those_of_grpc() -> None:
    grpc = pytest.importorskip("grpc")
    codes = {code.name: code.value[0] for code in grpc.StatusCode}
    assert {status.name: int(status) for status in RpcStatus}.items() <= codes.items()
