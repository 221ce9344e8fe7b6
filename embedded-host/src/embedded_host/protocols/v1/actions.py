"""The SDK's JSON actions (functions-host.md#orchestrator-actions)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from math import isnan

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
from embedded_host.engine.timestamps import parse_utc
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


_Members = Mapping[str, object]
"""The members of an action's JSON object."""


def parse_action(document: object) -> Action:
    """Parse one action of the SDK's output. Raises MalformedOutputError."""
    try:
        members = _members(document)
        kind = members["actionType"]
        number = kind if isinstance(kind, int) else _NUMBER[str(kind).lower()]
        return _READERS[number](members)
    except MalformedOutputError:  # the error of a nested action
        raise
    except (KeyError, IndexError, TypeError, ValueError, ArithmeticError) as error:
        raise MalformedOutputError(
            f"the orchestrator returned an action that the host cannot read: {str(document)[:200]}"
        ) from error


def _members(document: object) -> _Members:
    if not isinstance(document, dict):
        raise TypeError("not a JSON object")
    return document


def _encoded(value: object) -> str | None:
    """Return a string unchanged, because it is JSON from the SDK. Encode every other value."""
    return value if value is None or isinstance(value, str) else compact(value)


def _number(value: object) -> float:
    if not isinstance(value, (int, float, str)):
        raise TypeError("not a number")
    return float(value)


def _retry(document: object) -> RetryPolicy | None:
    """Return the policy of ``retryOptions``, or None if the call has no such options."""
    if not document:
        return None
    members = _members(document)

    def span(key: str) -> timedelta | None:
        value = members.get(key)
        return None if value is None else timedelta(milliseconds=_number(value))

    attempts = _number(members.get("maxNumberOfAttempts") or 1)
    backoff = _number(members.get("backoffCoefficient") or 1.0)
    if not attempts.is_integer() or abs(attempts) >= 2**31 or isnan(backoff):
        # The SDK would count the attempts differently, and the instance would wait forever.
        raise ValueError("the attempts are not an integer, or the coefficient is not a number")
    return RetryPolicy(
        first_interval=span("firstRetryIntervalInMilliseconds") or timedelta(0),
        max_attempts=int(attempts),
        backoff=backoff,
        max_interval=span("maxRetryIntervalInMilliseconds") or timedelta(days=6),
        timeout=span("retryTimeoutInMilliseconds"),
    )


def _activity(members: _Members) -> CallActivity:
    return CallActivity(
        str(members["functionName"]),
        _encoded(members.get("input")) or "null",
        _retry(members.get("retryOptions")),
    )


def _sub_orchestrator(members: _Members) -> CallSubOrchestrator:
    instance_id = members.get("instanceId") or ""
    if not isinstance(instance_id, (str, int)):
        raise TypeError("the id is not a string")
    version = members.get("version")
    return CallSubOrchestrator(
        str(members["functionName"]),
        _encoded(members.get("input")),
        str(instance_id).strip() or None,
        None if version is None else str(version),
        _retry(members.get("retryOptions")),
    )


def _timer(members: _Members) -> CreateTimer:
    return CreateTimer(parse_utc(str(members["fireAt"])), bool(members.get("isCanceled")))


def _operation(members: _Members, signal: bool) -> EntityOperation:
    fire_at = members.get("fireAt")
    return EntityOperation(
        str(members["instanceId"]),
        str(members.get("operation") or ""),
        _encoded(members.get("input")),
        signal,
        parse_utc(str(fire_at)) if fire_at else None,
    )


def _compound(members: _Members) -> tuple[Action, ...]:
    actions = members["compoundActions"]
    if not isinstance(actions, (list, tuple)):
        raise TypeError("not a list of actions")
    return tuple(map(parse_action, actions))


_READERS: tuple[Callable[[_Members], Action], ...] = (
    _activity,
    _activity,
    _sub_orchestrator,
    _sub_orchestrator,
    lambda members: ContinueAsNew(_encoded(members.get("input"))),
    _timer,
    lambda members: WaitForEvent(str(members["externalEventName"])),
    partial(_operation, signal=False),
    lambda members: CallHttp(compact(dict(_members(members["httpRequest"])))),
    partial(_operation, signal=True),
    partial(_operation, signal=True),
    lambda members: WhenAny(_compound(members)),
    lambda members: WhenAll(_compound(members)),
)
"""One parser for each name in ``_NAMES``, in the same order."""
