"""What an orchestrator answers: the actions of one turn, read from the SDK's JSON (contract, 4.1 and 4.2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isnan
from typing import Any

import msgspec

from embedded_host.engine.json_codec import compact, compact_text, encodable
from embedded_host.engine.timestamps import parse_moment
from embedded_host.errors import EmbeddedHostError

_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class MalformedAnswerError(EmbeddedHostError, ValueError):
    """The worker answered something that is not an orchestrator's answer."""


@dataclass(frozen=True)
class RetryPolicy:
    first_interval: timedelta
    max_attempts: int
    backoff: float = 1.0
    max_interval: timedelta = timedelta(days=6)
    timeout: timedelta | None = None

    def delay_after(self, attempt: int) -> timedelta:
        """The wait after the ``attempt``-th failure, counted from 0 (contract, 4.4)."""
        first = self.first_interval.total_seconds()
        try:
            seconds = first * self.backoff**attempt
        except OverflowError:
            seconds = self.max_interval.total_seconds() if first else 0.0
        return min(timedelta(seconds=min(seconds, self.max_interval.total_seconds())), self.max_interval)


@dataclass(frozen=True)
class CallActivity:
    name: str
    input: str
    retry: RetryPolicy | None = None


@dataclass(frozen=True)
class CallSubOrchestrator:
    name: str
    input: str | None
    instance_id: str | None
    version: str | None = None
    retry: RetryPolicy | None = None


@dataclass(frozen=True)
class ContinueAsNew:
    input: str | None


@dataclass(frozen=True)
class CreateTimer:
    fire_at: datetime
    cancelled: bool = False


@dataclass(frozen=True)
class WaitForEvent:
    name: str


@dataclass(frozen=True)
class EntityOperation:
    """A call, or a signal when ``signal`` is set (``fire_at``: a scheduled one)."""

    instance_id: str
    operation: str
    input: str | None
    signal: bool
    fire_at: datetime | None = None


@dataclass(frozen=True)
class CallHttp:
    request: Mapping[str, Any]


@dataclass(frozen=True)
class WhenAny:
    actions: tuple[Action, ...]


@dataclass(frozen=True)
class WhenAll:
    actions: tuple[Action, ...]


Action = (
    CallActivity
    | CallSubOrchestrator
    | ContinueAsNew
    | CreateTimer
    | WaitForEvent
    | EntityOperation
    | CallHttp
    | WhenAny
    | WhenAll
)

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


@dataclass(frozen=True)
class Answer:
    """One turn's answer. ``output`` and ``custom_status`` are JSON texts, None where the answer has none."""

    is_done: bool
    actions: tuple[Action, ...]
    output: str | None = None
    error: str | None = None
    custom_status: str | None = None


@dataclass(frozen=True)
class TurnAnswer:
    """What a worker answers to a turn: the SDK's text, and how many actions there were after each event that it was handed
    (the last of ``counts`` is the last event's); None where that is not known."""

    text: str
    counts: tuple[int, ...] | None = None
    known: int = 0
    """So many actions of the turn before are left out at the beginning: they are the same."""


def parse_answer(document: Any) -> Answer:
    """Read the SDK's answer, as text or parsed. Raises MalformedAnswerError with what is wrong.

    An empty answer completes with null (``TOS:157`` in the contract, 4.1).
    """
    output = None
    if isinstance(document, (str, bytes)):
        if not document.strip():
            return Answer(is_done=True, actions=())
        try:
            document, output = _parsed(document)
        except (ValueError, RecursionError) as malformed:
            raise MalformedAnswerError("Out of proc orchestrators must return a valid JSON schema") from malformed
    else:
        document = _storable(document)
    if document is None:
        return Answer(is_done=True, actions=())
    if not isinstance(document, Mapping):
        raise MalformedAnswerError("Out of proc orchestrators must return a valid JSON schema")
    lists = document.get("actions") or []
    if not isinstance(lists, list) or not all(isinstance(inner, list) for inner in lists):
        raise MalformedAnswerError("the orchestrator's answer has no list of lists as its 'actions'")
    if document.get("schemaVersion"):
        if len(lists) > 1:
            raise MalformedAnswerError("the orchestrator's answer has more than one list of actions")
        actions = [_action(raw) for inner in lists for raw in inner]
    else:  # the first schema: one list for each yield, of which any one lets the orchestrator go on
        actions = [
            _action(inner[0]) if len(inner) == 1 else WhenAny(tuple(map(_action, inner))) for inner in lists if inner
        ]
    status, error = document.get("customStatus"), document.get("error")
    if output is None and document.get("output") is not None:
        output = compact(document["output"])
    return Answer(
        is_done=bool(document.get("isDone")),
        actions=tuple(actions),
        output=output,
        error=str(error) if error else None,
        custom_status=None if status is None else compact(status),
    )


def _parsed(text: str | bytes) -> tuple[Any, str | None]:
    """The answer without its output, and that as compact text: it may be large, and nobody here looks into it."""
    try:
        raw = _members(text)
    except (ValueError, RecursionError):  # no object, or something that only ``json`` takes: lone surrogates, for one
        return _storable(json.loads(text)), None
    output = bytes(raw.pop("output", b"null"))
    return {key: json.loads(bytes(value)) for key, value in raw.items()}, (
        None if output == b"null" else compact_text(output.decode())
    )


def _storable(document: Any) -> Any:
    """An answer whose names, ids and error, which are stored as they are, have a form in UTF-8."""
    if not isinstance(document, dict):
        return document
    return {**document, **{key: encodable(document[key]) for key in ("actions", "error") if key in document}}


def _action(raw: Any) -> Action:
    try:
        kind = raw["actionType"]
        number = kind if isinstance(kind, int) else _NUMBER[str(kind).lower()]
        action: Action = _READERS[number](raw)
        return action
    except MalformedAnswerError:  # of an action in it
        raise
    except (KeyError, IndexError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise MalformedAnswerError(
            f"the orchestrator's answer has an action that cannot be read: {str(raw)[:200]}"
        ) from error


def _text(value: Any) -> str | None:
    """Inputs come as JSON text already; anything else is made into it."""
    return value if value is None or isinstance(value, str) else compact(value)


def _retry(raw: Mapping[str, Any]) -> RetryPolicy:
    def span(key: str) -> timedelta | None:
        value = raw.get(key)
        return None if value is None else timedelta(milliseconds=float(value))

    attempts, backoff = float(raw.get("maxNumberOfAttempts") or 1), float(raw.get("backoffCoefficient") or 1.0)
    if not attempts.is_integer() or abs(attempts) >= 2**31 or isnan(backoff):
        # The SDK would count other attempts than we do, and wait for ever.
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
        str(raw["functionName"]), _text(raw.get("input")) or "null", _retry(options) if options else None
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
    lambda raw: CallHttp(dict(raw["httpRequest"])),
    _entity(signal=True),
    _entity(signal=True),
    lambda raw: WhenAny(tuple(map(_action, raw["compoundActions"]))),
    lambda raw: WhenAll(tuple(map(_action, raw["compoundActions"]))),
)
