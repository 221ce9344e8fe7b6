"""The values that a worker and the host use for the RPCs of SDK 2.x.

The path of a ``ClientRequest`` with the method ``RPC_METHOD`` is the name of an RPC. Its body and
the body of the response are JSON. The status of the response is one of ``RpcStatus``.
"""

from __future__ import annotations

from enum import IntEnum

LONGEST_WAIT = 20.0
"""Maximum seconds of one request that waits. The worker repeats the request."""
STATUS_HEADER = "Grpc-Status"
"""The header with the status of an RPC whose request was sent over HTTP."""


class RpcStatus(IntEnum):
    """The status codes of gRPC that are used here."""

    OK = 0
    CANCELLED = 1
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16
