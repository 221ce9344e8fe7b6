"""The status codes."""

from __future__ import annotations

from embedded_host.sidecar.rpc_status import RpcError, RpcStatus


def test_the_codes_are_those_of_grpc() -> None:
    assert {status.name: int(status) for status in RpcStatus} == {
        "OK": 0,
        "INVALID_ARGUMENT": 3,
        "NOT_FOUND": 5,
        "ALREADY_EXISTS": 6,
        "FAILED_PRECONDITION": 9,
        "UNIMPLEMENTED": 12,
        "INTERNAL": 13,
        "UNAVAILABLE": 14,
    }


def test_the_message_of_an_error_is_its_detail_text() -> None:
    error = RpcError(RpcStatus.NOT_FOUND, "text")
    assert (error.status, str(error)) == (RpcStatus.NOT_FOUND, "text")
