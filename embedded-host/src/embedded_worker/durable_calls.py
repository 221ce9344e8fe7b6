"""Runs orchestrators and entities with the code for the app's version of the SDK.

With SDK 1.x, this module does not import ``sdk2``, durabletask, grpc or protobuf.
"""

from __future__ import annotations

from pathlib import Path

import azure.functions as func

from embedded_worker.durable_client import SendClientRequest, carry_client_requests
from embedded_worker.sdk import USES_DURABLETASK
from embedded_worker.session_cache import Session
from embedded_worker.user_function import UserFunction

if USES_DURABLETASK:
    from embedded_worker.sdk2 import handles
    from embedded_worker.sdk2.carried_channels import carry_channels
    from embedded_worker.sdk2.carrier import remove_carrier
    from embedded_worker.sdk2.version_cache import cache_sdk_version
else:
    from embedded_worker import orchestrator_sessions


def carry_client_calls(
    send: SendClientRequest, rpc_base: str, grpc_target: str, *, in_host: bool
) -> None:
    """Use ``send`` for the calls of durable clients.

    SDK 1.x sends HTTP requests to URLs below ``rpc_base``. SDK 2.x opens gRPC channels to
    ``grpc_target``. Call this function in the event loop in which ``send`` runs. ``in_host`` is
    True if the host uses this event loop too.
    """
    if USES_DURABLETASK:
        carry_channels(send, grpc_target, "" if in_host else rpc_base)
        cache_sdk_version()
    else:
        carry_client_requests(send, rpc_base)


def end_client_calls(grpc_target: str) -> None:
    """Stop carrying gRPC channels to ``grpc_target``.

    With SDK 1.x, this function does nothing.
    """
    if USES_DURABLETASK:
        remove_carrier(grpc_target)


def can_keep(handle: UserFunction) -> bool:
    """Return True if a session can run the orchestrator ``handle``."""
    return handles.can_keep(handle) if USES_DURABLETASK else orchestrator_sessions.can_keep(handle)


def open_session(
    handle: UserFunction, payload: str, root: Path, *, is_strict: bool = False
) -> Session:
    """Return a session of the orchestrator ``handle``. ``payload`` is the JSON of its first turn.

    ``root`` is the app's folder. Positions in messages are relative to it. ``is_strict`` is True
    with ``--parity strict``.
    """
    if USES_DURABLETASK:
        return handles.open_session(handle, payload, root)
    return orchestrator_sessions.OrchestratorSession(handle, payload, root, is_strict=is_strict)


def run_handle(handle: UserFunction, kind: str, trigger: str, context: func.Context) -> str | None:
    """Run an orchestrator or entity of SDK 2.x without a session. Return its result as JSON.

    ``kind`` is the type of the trigger, and ``trigger`` is its value as JSON. Return None for SDK
    1.x, whose handles read and return JSON themselves.
    """
    if not USES_DURABLETASK:
        return None
    if kind.lower() == "entitytrigger":
        return handles.run_batch(handle, trigger, context)
    return handles.replay(handle, trigger, context)
