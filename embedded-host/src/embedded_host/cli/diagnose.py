"""Why an instance does not go on."""

from __future__ import annotations

import json
from collections import Counter

import click

from embedded_host.cli.arguments import as_json, instance_id
from embedded_host.cli.command import command
from embedded_host.cli.instances import found
from embedded_host.cli.output import print_json, print_table, printable
from embedded_host.cli.reader import Json
from embedded_host.cli.target import Target, target_options
from embedded_host.engine.status import FINISHED


@command()
@instance_id
@as_json
@target_options
def diagnose(target: Target, instance_id: str, as_json: bool) -> None:
    """Say what an instance waits for, and since when.

    A running embedded host knows it all. From a state file, or of a real host, it is read from the history, which does
    not say for which external events an orchestrator waits.

    \b
    Examples:
      embedded-host diagnose --id order-7
      embedded-host diagnose --id order-7 --json
    """
    reader = target.reader()
    status = found(reader.instance(instance_id, history=True, diagnosis=True), instance_id, reader.name)
    known = "diagnosis" in status
    diagnosis = (status["diagnosis"] or {"waitsFor": [], "text": "It is an entity."}) if known else from_history(status)
    if as_json:
        source = "host" if known else "history"
        print_json({"instanceId": instance_id, "runtimeStatus": status["runtimeStatus"], "source": source, **diagnosis})
        return
    click.echo(f"{printable(status['name'])} '{printable(instance_id)}' is {status['runtimeStatus']}.")
    click.echo(printable(diagnosis["text"]))
    if status["runtimeStatus"] == "Failed":
        # The user's own lines of it, with the traceback where there is one.
        click.echo("\n".join(printable(line) for line in str(status.get("output")).splitlines()))
    waits = diagnosis["waitsFor"]
    if waits:
        rows = [
            (
                wait["kind"],
                wait.get("name") or wait.get("due") or wait.get("operation") or "",
                wait.get("instanceId") or "",
                wait["since"],
                wait.get("state") or "",
            )
            for wait in waits
        ]
        print_table(("waits for", "name", "instance", "since", "state"), rows, "")


def from_history(status: Json) -> Json:
    """``waitsFor`` and ``text`` as the embedded host's own diagnosis has them, as far as ``historyEvents`` tell."""
    runtime_status = status["runtimeStatus"]
    if runtime_status in FINISHED:
        return {"waitsFor": [], "text": f"It has finished: {runtime_status}."}
    if runtime_status == "Suspended":
        why = f" ({status['output']})" if status.get("output") else ""
        return {
            "waitsFor": [],
            "text": f"It is suspended since {status['lastUpdatedTime']}{why}; resume it to let it go on.",
        }
    if runtime_status == "Pending":
        return {"waitsFor": [], "text": "It waits for its first turn: no host has taken it up yet."}
    events = status.get("historyEvents") or []
    fired = Counter(event["FireAt"] for event in events if event["EventType"] == "TimerFired")
    answered = {event["Name"] for event in events if event["EventType"] == "EventRaised"}
    waits: list[Json] = []
    for event in events:
        kind, since = event["EventType"], event["Timestamp"]
        if kind == "TaskScheduled":
            waits.append({"kind": "activity", "since": since, "name": event["Name"]})
        elif kind == "SubOrchestrationInstanceCreated":
            child = {"name": event["Name"], "instanceId": event.get("InstanceId")}
            waits.append({"kind": "subOrchestration", "since": since, **child})
        elif kind == "TimerCreated":
            if fired[event["FireAt"]]:
                fired[event["FireAt"]] -= 1
            else:
                waits.append({"kind": "timer", "since": since, "due": event["FireAt"]})
        elif kind == "EventSent" and (operation := _unanswered(event, answered)) is not None:
            waits.append({"kind": "entity", "since": since, "instanceId": event["InstanceId"], "operation": operation})
    if waits:
        from msgspec import convert

        from embedded_host.history import Wait

        listed = "; ".join(convert(wait, Wait).sentence for wait in waits[:5]) + (
            "; and more" if len(waits) > 5 else ""
        )
        return {
            "waitsFor": waits,
            "text": f"It has begun and not finished {listed}. It may wait for external events, too.",
        }
    since = events[-1]["Timestamp"] if events else status["lastUpdatedTime"]
    return {
        "waitsFor": [],
        "text": f"Nothing that it began is open since {since}: it waits for an external event, for a turn on a host, or, on a real "
        "host, for a function that does not exist.",
    }


def _unanswered(event: Json, answered: set[str]) -> str | None:
    """The operation of a call that an entity has not answered; None for what waits for no answer."""
    try:
        request = json.loads(event["Input"])
        waits = not request.get("signal") and request["id"] not in answered
        return str(request["op"]) if waits else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
