"""The SDK's JSON actions (functions-host.md#orchestrator-actions)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from math import isnan
from typing import Any

from embedded_host.engine.actions import (
    Action,
    CallActivity,
    CallHttp,
    CallSubOrchestrator,
    ContinueAsNew,
    CreateTimer,
    EntityOperation,
    RetryPolicy,
    WaitForEvent,
    WhenAll,
    WhenAny,
)
from embedded_host.engine.json_codec import compact
from embedded_host.engine.timestamps import parse_moment
from embedded_host.protocols.v1.errors import MalformedOutputError

_NAMES = (
    "CallActivity",
    "CallActivityWithRetry",
    "CallSubOrchestrator",
    "CallSubOrchestratorWithRetry",
    "ContinueAsNew",
    "CreateTimer",
    "WaitForExternalEvent",
    "CallEntity",
    "CallHttp",
    "SignalEntity",
    "ScheduledSignalEntity",
    "WhenAny",
    "WhenAll",
)
_NUMBER = {name.lower(): number for number, name in enumerate(_NAMES)}


def parse_action(raw: Any) -> Action:
    """Parse one action. Raises MalformedOutputError."""
    try:
        kind = raw["actionType"]
        number = kind if isinstance(kind, int) else _NUMBER[str(kind).lower()]
        action: Action = _READERS[number](raw)
        return action
    except MalformedOutputError:  # of a nested action
        raise
    except (KeyError, IndexError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise MalformedOutputError(
            f"the orchestrator's answer has an action that cannot be read: {str(raw)[:200]}"
        ) from error


def _text(value: Any) -> str | None:
    """Return JSON text unchanged, anything else as JSON."""
    return value if value is None or isinstance(value, str) else compact(value)


def _retry(raw: Mapping[str, Any]) -> RetryPolicy:
    def span(key: str) -> timedelta | None:
        value = raw.get(key)
        return None if value is None else timedelta(milliseconds=float(value))

    attempts, backoff = (
        float(raw.get("maxNumberOfAttempts") or 1),
        float(raw.get("backoffCoefficient") or 1.0),
    )
    if not attempts.is_integer() or abs(attempts) >= 2**31 or isnan(backoff):
        # The SDK would count attempts differently, and wait forever.
        raise ValueError("no whole number of attempts, or no backoff coefficient")
    return RetryPolicy(
        first_interval=span("firstRetryIntervalInMilliseconds") or timedelta(0),
        max_attempts=int(attempts),
        backoff=backoff,
        max_interval=span("maxRetryIntervalInMilliseconds") or timedelta(days=6),
        timeout=span("retryTimeoutInMilliseconds"),
    )


def _activity(raw: Mapping[str, Any]) -> CallActivity:
    options = raw.get("retryOptions")
    return CallActivity(
        str(raw["functionName"]),
        _text(raw.get("input")) or "null",
        _retry(options) if options else None,
    )


def _sub_orchestrator(raw: Mapping[str, Any]) -> CallSubOrchestrator:
    options = raw.get("retryOptions")
    instance_id = raw.get("instanceId") or ""
    instance_id = (str(instance_id) if isinstance(instance_id, int) else instance_id).strip()
    return CallSubOrchestrator(
        str(raw["functionName"]),
        _text(raw.get("input")),
        instance_id or None,
        raw.get("version"),
        _retry(options) if options else None,
    )


def _entity(signal: bool) -> Any:
    def read(raw: Mapping[str, Any]) -> EntityOperation:
        fire_at = raw.get("fireAt")
        return EntityOperation(
            str(raw["instanceId"]),
            str(raw.get("operation") or ""),
            _text(raw.get("input")),
            signal,
            parse_moment(fire_at) if fire_at else None,
        )

    return read


_READERS: tuple[Any, ...] = (
    _activity,
    _activity,
    _sub_orchestrator,
    _sub_orchestrator,
    lambda raw: ContinueAsNew(_text(raw.get("input"))),
    lambda raw: CreateTimer(parse_moment(raw["fireAt"]), bool(raw.get("isCanceled"))),
    lambda raw: WaitForEvent(str(raw["externalEventName"])),
    _entity(signal=False),
    lambda raw: CallHttp(compact(dict(raw["httpRequest"]))),
    _entity(signal=True),
    _entity(signal=True),
    lambda raw: WhenAny(tuple(map(parse_action, raw["compoundActions"]))),
    lambda raw: WhenAll(tuple(map(parse_action, raw["compoundActions"]))),
)
