"""The error that ends an RPC with a status other than OK."""

from __future__ import annotations

from embedded_host.errors import EmbeddedHostError
from embedded_worker.rpc_protocol import RpcStatus


class RpcError(EmbeddedHostError):
    """The RPC ends with the status ``status``. The message is the detail text of the response."""

    def __init__(self, status: RpcStatus, details: str) -> None:
        super().__init__(details)
        self.status = status
