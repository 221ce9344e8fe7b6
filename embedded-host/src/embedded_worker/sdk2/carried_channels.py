"""Carries the gRPC channels of the durable client over the connection to the host.

The SDK's client opens a gRPC channel to ``rpcBaseUrl``. A normal channel would need a gRPC server
in the host, with a port that other programs can reach. Therefore, this module replaces the two
functions of grpc that open a channel. A channel to the host's target sends its requests over the
connection between worker and host. A channel to any other target is a normal channel.

Import this module only if the app has SDK 2.x, which imports grpc in any case.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from functools import cache, wraps
from typing import Optional

import grpc
import grpc.aio

from embedded_worker.sdk2.async_channel import AsyncChannel
from embedded_worker.sdk2.carrier import Carrier, add_carrier, carried_target
from embedded_worker.sdk2.rpc import Send
from embedded_worker.sdk2.sync_channel import SyncChannel

Options = Optional[Sequence[tuple[str, object]]]


def carry_channels(send: Send, target: str, endpoint: str = "") -> None:
    """Use ``send`` for channels to ``target``, which is ``HOST:PORT``.

    ``endpoint`` is the URL for requests of a synchronous client that blocks the event loop, or an
    empty string if the host runs in the same loop.

    Call this function in the event loop in which ``send`` runs, before the app is imported.
    A second call with the same target replaces ``send``, also for open channels.
    ``carrier.remove_carrier`` ends the effect of this function.
    """
    add_carrier(target, Carrier(send, asyncio.get_running_loop(), os.getpid(), endpoint))
    _replace_functions()


@cache
def _replace_functions() -> None:
    """Replace the functions of grpc at the first call only.

    Other packages may wrap the replacements.
    """
    open_sync, open_async = grpc.insecure_channel, grpc.aio.insecure_channel

    @wraps(open_sync)
    def insecure_channel(
        target: str, options: Options = None, compression: grpc.Compression | None = None
    ) -> grpc.Channel:
        carried = carried_target(target)
        if carried is None:
            return open_sync(target, options, compression)
        return SyncChannel(carried)

    @wraps(open_async)
    def aio_insecure_channel(
        target: str,
        options: Options = None,
        compression: grpc.Compression | None = None,
        interceptors: Sequence[grpc.aio.ClientInterceptor] | None = None,
    ) -> grpc.aio.Channel:
        carried = carried_target(target)
        if carried is None:
            return open_async(target, options, compression, interceptors)
        return AsyncChannel(carried, interceptors or ())

    grpc.insecure_channel = insecure_channel
    grpc.aio.insecure_channel = aio_insecure_channel
