"""The command ``diagnose``: the reason why an instance does not continue."""

from __future__ import annotations

import os
from pathlib import Path

import click
from msgspec.structs import replace

from embedded_host.cli.arguments import as_json, instance_id
from embedded_host.cli.command import command
from embedded_host.cli.instances import require
from embedded_host.cli.output import print_json, print_lines, print_table, printable
from embedded_host.cli.reader import InstanceStatus, Json
from embedded_host.cli.target import Target, target_options
from embedded_host.engine.sdk_protocols import SDK_1X, SDK_2X
from embedded_host.history import HistoryView, joined, open_waits
from embedded_host.task_hub.diagnosis import Diagnosis, suspended_diagnosis
from embedded_host.task_hub.other_sdk import other_sdk_reason


@command()
@instance_id
@as_json
@target_options
def diagnose(target: Target, instance_id: str, as_json: bool) -> None:
    """Show why an instance does not continue.

    The output lists the calls, timers and events that the instance waits for. A running embedded
    host returns a complete diagnosis. For a state file or the Azure Functions host, the command
    derives the diagnosis from the history. The history does not contain the external events that
    an orchestrator waits for.

    Examples:
      embedded-host diagnose --id order-7
      embedded-host diagnose --id order-7 --json
    """
    reader = target.reader()
    status = require(
        reader.instance(instance_id, history=True, diagnosis=True), instance_id, reader.name
    )
    is_from_host = "diagnosis" in status.document
    diagnosis: Json = (
        (status.document["diagnosis"] or {"waitsFor": [], "text": "The instance is an entity."})
        if is_from_host
        else (_of_other_sdk(status, target.root) or from_history(status)).document()
    )
    if as_json:
        source = "host" if is_from_host else "history"
        print_json(
            {
                "instanceId": instance_id,
                "runtimeStatus": status.runtime_status,
                "source": source,
                **diagnosis,
            }
        )
        return
    click.echo(f"{printable(status.name)} '{printable(instance_id)}' is {status.runtime_status}.")
    click.echo(printable(diagnosis["text"]))
    if status.runtime_status == "Failed":
        print_lines(status.output)
        print_lines(status.traceback)
    waits = diagnosis["waitsFor"]
    if waits:
        rows = [
            (
                wait["kind"],
                wait.get("name") or wait.get("due") or wait.get("operation") or "",
                ", ".join(wait.get("entityIds") or [wait.get("instanceId") or ""]),
                wait["since"],
                wait.get("state") or "",
            )
            for wait in waits
        ]
        print_table(("waits for", "name", "instance", "since", "state"), rows, "")


def _of_other_sdk(status: InstanceStatus, root: Path) -> Diagnosis | None:
    """Return the diagnosis of an instance that another version of the SDK must continue, or None.

    The interpreter of the app in the folder ``root`` reports the version of its SDK.
    """
    if status.protocol is None or status.is_finished:
        return None
    from embedded_host.doctor.app_environment import AppEnvironmentError, read_environment
    from embedded_host.workers.app_interpreter import AppInterpreterError, find_app_interpreter

    if not (root / "host.json").is_file():
        return None
    try:
        interpreter = find_app_interpreter(root.absolute(), os.environ)
        environment = read_environment(interpreter, os.environ, root.absolute())
    except (AppInterpreterError, AppEnvironmentError):
        return None
    installed = environment.installed("azure-functions-durable")
    if installed is None:
        return None
    protocol = SDK_1X if installed.startswith("1.") else SDK_2X
    if protocol == status.protocol:
        return None
    return Diagnosis([], f"It waits, {other_sdk_reason(status.protocol, protocol)}")


def from_history(status: InstanceStatus) -> Diagnosis:
    """Derive a diagnosis from a history. The diagnosis does not list awaited external events."""
    if status.is_finished:
        return Diagnosis([], f"It has finished: {status.runtime_status}.", status.traceback)
    if status.runtime_status == "Suspended":
        return suspended_diagnosis(status.updated, str(status.output) if status.output else None)
    if status.runtime_status == "Pending":
        return Diagnosis([], "It has not started yet: no host has run its first turn.")
    view = HistoryView.of(status.events())
    # The API returns no task ids. The ids in this view are generated, so they are removed.
    waits = [replace(wait, task_id=None) for wait in open_waits(view)]
    if waits:
        return Diagnosis(
            waits, f"It waits for {joined(waits)}. It may also wait for external events."
        )
    since = view.events[-1].timestamp if view.events else status.updated
    return Diagnosis(
        [],
        f"It has had no open calls or timers since {since}. It waits for an external event or for "
        "its next turn. On the Azure Functions host, it may also wait for a function that does not "
        "exist.",
    )
