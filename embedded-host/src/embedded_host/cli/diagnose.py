"""The command ``diagnose``: what an instance waits for."""

from __future__ import annotations

import click
from msgspec.structs import replace

from embedded_host.cli.arguments import as_json, instance_id
from embedded_host.cli.command import command
from embedded_host.cli.instances import found
from embedded_host.cli.output import print_json, print_table, printable
from embedded_host.cli.reader import Json
from embedded_host.cli.target import Target, target_options
from embedded_host.engine.status import FINISHED
from embedded_host.history import HistoryView, events_of_status, joined, open_waits
from embedded_host.task_hub.diagnosis import Diagnosis


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
    status = found(
        reader.instance(instance_id, history=True, diagnosis=True), instance_id, reader.name
    )
    known = "diagnosis" in status
    diagnosis: Json = (
        (status["diagnosis"] or {"waitsFor": [], "text": "It is an entity."})
        if known
        else from_history(status).document()
    )
    if as_json:
        source = "host" if known else "history"
        print_json(
            {
                "instanceId": instance_id,
                "runtimeStatus": status["runtimeStatus"],
                "source": source,
                **diagnosis,
            }
        )
        return
    click.echo(
        f"{printable(status['name'])} '{printable(instance_id)}' is {status['runtimeStatus']}."
    )
    click.echo(printable(diagnosis["text"]))
    if status["runtimeStatus"] == "Failed":
        # The error's message, with the traceback of the user's code.
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


def from_history(status: Json) -> Diagnosis:
    """Return the diagnosis that a status with ``historyEvents`` allows. It knows no external events and no queues."""
    runtime_status = status["runtimeStatus"]
    if runtime_status in FINISHED:
        return Diagnosis([], f"It has finished: {runtime_status}.")
    if runtime_status == "Suspended":
        why = f" ({status['output']})" if status.get("output") else ""
        return Diagnosis(
            [],
            f"It has been suspended since {status['lastUpdatedTime']}{why}. Resume it to continue.",
        )
    if runtime_status == "Pending":
        return Diagnosis([], "It waits for its first turn: no host has taken it up yet.")
    view = HistoryView.of(events_of_status(status))
    waits = [
        replace(wait, task_id=None) for wait in open_waits(view)
    ]  # the API does not show the ids of tasks
    if waits:
        return Diagnosis(
            waits,
            f"It has begun and not finished {joined(waits)}. It may wait for external events, too.",
        )
    since = view.events[-1].timestamp if view.events else status["lastUpdatedTime"]
    return Diagnosis(
        [],
        f"Nothing that it began is open since {since}: it waits for an external event, for a turn on a host, or, on a real "
        "host, for a function that does not exist.",
    )
