"""Payloads for orchestrators, and their outputs.

Source: functions-host.md#orchestration-trigger-payload to #event-order-in-a-turn and
#response-object.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from embedded_host.engine.actions import WhenAny
from embedded_host.engine.events import (
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    SchedulingEvent,
    TaskCompleted,
    TaskFailed,
    TimerCreated,
    encode_events,
)
from embedded_host.engine.failures import UserError
from embedded_host.engine.history import is_continuation_mark
from embedded_host.engine.invocations import (
    InvocationFailure,
    OrchestratorInput,
    OrchestratorOutput,
    ReplayProgress,
)
from embedded_host.engine.json_codec import compact, compact_plain, compact_text, encodable
from embedded_host.protocols.v1.actions import parse_action
from embedded_host.protocols.v1.errors import MalformedOutputError, output_in_message

_NEVER_PLAYED = (SchedulingEvent, OrchestratorStarted, OrchestratorCompleted)
_NOT_OF_SDK = ("FunctionLoadError", "FunctionTimeoutException", "LookupError")
"""The classes of errors of turns in which the SDK did not run, or did not end."""
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def orchestrator_payload(turn: OrchestratorInput) -> str:
    """Return the payload of a turn with the whole history, as JSON.

    A worker needs this payload if it does not have the orchestrator in memory.
    """
    new_from = 0 if turn.is_continuation else len(turn.past)
    envelope = compact_plain(
        {
            "instanceId": turn.instance_id,
            "isReplaying": new_from > 1,
            "parentInstanceId": turn.parent_instance_id,
            "upperSchemaVersion": 1,
            "upperSchemaVersionNew": 3,
            "longRunningTimerIntervalDuration": "3.00:00:00",
            "maximumShortTimerDuration": "6.00:00:00",
            "defaultHttpAsyncRequestSleepTimeMillseconds": turn.http_sleep_ms,
        }
    )
    events = [*turn.past, *turn.new]
    history = encode_events(
        _as_played(event, events, at, at < new_from) for at, event in enumerate(events)
    )
    # Insert the input as text: it is JSON already, and may be large.
    return f'{{"history":{history},"input":{turn.input or "null"},{envelope[1:]}'


def unseen_events(turn: OrchestratorInput) -> str:
    """Return the JSON array of the events that the worker has not seen."""
    return encode_events(map(_public, (*turn.past[turn.seen :], *turn.new)))


def _public(event: HistoryEvent) -> HistoryEvent:
    """Return the event without the host's private fields."""
    if isinstance(event, TimerCreated) and event.retry_of is not UNSET:
        return replace(event, retry_of=UNSET)
    if isinstance(event, TaskCompleted):
        return event if event.started_at is UNSET else replace(event, started_at=UNSET)
    if isinstance(event, TaskFailed):
        return replace(event, started_at=UNSET, failed_input=UNSET)
    return event


def _as_played(
    event: HistoryEvent, events: Sequence[HistoryEvent], at: int, earlier: bool
) -> HistoryEvent:
    """Return the event with ``is_played`` set if an earlier turn delivered it to the orchestrator.

    A turn delivers messages. The first turn after continue-as-new also delivers an
    OrchestratorCompleted (functions-host.md#event-order-in-a-turn).
    """
    event = _public(event)
    if earlier and (not isinstance(event, _NEVER_PLAYED) or is_continuation_mark(events, at)):
        return replace(event, is_played=True)
    return event


def orchestrator_result(
    returned: str | UserError, progress: ReplayProgress | None = None
) -> OrchestratorOutput | InvocationFailure:
    """Parse the value that an orchestrator returned, or the exception that it raised.

    If an orchestrator fails, the SDK raises an exception whose message contains the output. Returns
    an InvocationFailure if the output is missing or malformed.
    """
    stack = ""
    document: object = returned
    if isinstance(returned, UserError):
        document, stack = output_in_message(returned), returned.stack
        if document is None:
            lacks_state = returned.type not in _NOT_OF_SDK
            return InvocationFailure(returned.text, stack, lacks_state=lacks_state)
    try:
        return parse_orchestrator_output(document, progress, stack)
    except MalformedOutputError as error:
        return InvocationFailure(str(error))
    except Exception as error:  # an unforeseen output must fail its own instance, not the host
        message = (
            "the host cannot process the output of the orchestrator: "
            f"{type(error).__name__}: {error}"
        )
        return InvocationFailure(message, host_error=traceback.format_exc())


def parse_orchestrator_output(
    document: object, progress: ReplayProgress | None = None, stack: str = ""
) -> OrchestratorOutput:
    """Parse the SDK's output, which is JSON or a parsed JSON object.

    An empty output completes the orchestration with null (functions-host.md#response-object).
    Raises MalformedOutputError if the output does not have the form of the SDK's output.
    """
    progress = progress or ReplayProgress()
    output = None
    if isinstance(document, (str, bytes)):
        if not document.strip():
            return OrchestratorOutput(is_done=True, actions=(), progress=progress)
        try:
            document, output = _parsed(document)
        except (ValueError, RecursionError) as malformed:
            raise MalformedOutputError(
                "Out of proc orchestrators must return a valid JSON schema"
            ) from malformed
    else:
        document = _storable(document)
    if document is None:
        return OrchestratorOutput(is_done=True, actions=(), progress=progress)
    if not isinstance(document, Mapping):
        raise MalformedOutputError("Out of proc orchestrators must return a valid JSON schema")
    lists = document.get("actions") or []
    if not isinstance(lists, list) or not all(isinstance(inner, list) for inner in lists):
        raise MalformedOutputError(
            "the 'actions' in the output of the orchestrator are not a list of lists"
        )
    if document.get("schemaVersion"):
        if len(lists) > 1:
            raise MalformedOutputError(
                "the output of the orchestrator has more than one list of actions"
            )
        actions = [parse_action(raw) for inner in lists for raw in inner]
    else:  # the first schema has a list for each yield; any action of the list completes the yield
        actions = [
            parse_action(inner[0]) if len(inner) == 1 else WhenAny(tuple(map(parse_action, inner)))
            for inner in lists
            if inner
        ]
    status, error = document.get("customStatus"), document.get("error")
    if output is None and document.get("output") is not None:
        output = compact(document["output"])
    return OrchestratorOutput(
        is_done=bool(document.get("isDone")),
        actions=tuple(actions),
        output=output,
        error=str(error) if error else None,
        custom_status=None if status is None else compact(status),
        stack=stack,
        progress=progress,
    )


def _parsed(text: str | bytes) -> tuple[object, str | None]:
    """Return the parsed object without its output, and the output as compact JSON.

    The output is not parsed, because it may be large. Raises ValueError for invalid JSON.
    """
    try:
        raw = _members(text)
    except (ValueError, RecursionError):
        # The document is not an object, or it has lone surrogates, which only ``json`` accepts.
        return _storable(json.loads(text)), None
    output = bytes(raw.pop("output", b"null"))
    return {key: json.loads(bytes(value)) for key, value in raw.items()}, (
        None if output == b"null" else compact_text(output.decode())
    )


def _storable(document: object) -> object:
    """Return the object, with actions and error changed so that UTF-8 can encode them."""
    if not isinstance(document, dict):
        return document
    return {
        **document,
        **{key: encodable(document[key]) for key in ("actions", "error") if key in document},
    }
