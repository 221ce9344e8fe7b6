"""The status codes of gRPC, and the error that ends an RPC with one of them."""

from __future__ import annotations

from enum import IntEnum

from embedded_host.errors import EmbeddedHostError


class RpcStatus(IntEnum):
    """The status codes of gRPC in the responses of the service."""

    OK = 0
    INVALID_ARGUMENT = 3
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    FAILED_PRECONDITION = 9
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14


class RpcError(EmbeddedHostError):
    """The RPC ends with the status ``status``. The message is the detail text of the response."""

    def __init__(self, status: RpcStatus, details: str) -> None:
        super().__init__(details)
        self.status = status
