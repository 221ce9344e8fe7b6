"""The command ``diagnose``: the reason why an instance does not continue."""

from __future__ import annotations

import os
from pathlib import Path

import click
from msgspec import convert
from msgspec.structs import replace

from embedded_host.cli.arguments import as_json, instance_id
from embedded_host.cli.command import command
from embedded_host.cli.instances import require
from embedded_host.cli.outcome import error_texts
from embedded_host.cli.output import print_json, print_lines, print_text, printable
from embedded_host.cli.reader import InstanceStatus, Json
from embedded_host.cli.target import Target, target_options
from embedded_host.engine.sdk_protocols import SDK_1X, SDK_2X
from embedded_host.history import LISTED, HistoryView, Wait, joined, open_waits
from embedded_host.task_hub.diagnosis import Diagnosis, suspended_diagnosis
from embedded_host.task_hub.other_sdk import other_sdk_reason
from embedded_host.task_hub.undelivered_events import UndeliveredEvent


@command()
@instance_id
@as_json
@target_options
def diagnose(target: Target, instance_id: str, as_json: bool) -> None:
    """Show why an instance does not continue.

    The output lists the calls, timers and events that the instance waits for, and the events that
    nothing waits for. The root cause is the wait of the sub-orchestration, or of the owner of an
    entity's lock, that delays the instance. For an entity, the output lists its queued operations
    and the owner of its lock.

    A running embedded host returns a complete diagnosis. A state file does not contain which
    activities run. For the Azure Functions host, the command derives the diagnosis from the
    history. This history does not contain the external events that an orchestrator waits for.

    Examples:
      embedded-host diagnose --id order-7
      embedded-host diagnose --id order-7 --json
    """
    reader = target.reader()
    status = require(
        reader.instance(instance_id, history=True, diagnosis=True), instance_id, reader.name
    )
    source, diagnosis = _diagnosis(status, target.root)
    if as_json:
        print_json(
            {
                "instanceId": instance_id,
                "runtimeStatus": status.runtime_status,
                "source": source,
                **diagnosis,
            }
        )
        return
    if "entity" in diagnosis:
        click.echo(f"Entity '{printable(instance_id)}'")
    else:
        name = printable(status.name)
        click.echo(f"{name} '{printable(instance_id)}' is {status.runtime_status}.")
    if not status.is_finished:
        print_text(printable(diagnosis["text"]))
    if status.runtime_status == "Failed":
        for text in error_texts(status.output, status.traceback):
            print_lines(text)
    for wait in diagnosis["waitsFor"][LISTED:]:  # the text lists the first waits
        print_text(printable(f"- {convert(wait, Wait).description}"))
    cause = diagnosis.get("rootCause")
    if cause:
        end = "" if cause["text"].endswith("?") else "."
        print_text(printable(f"Root cause: {cause['text']}{end}"))
        if cause["path"][-1] != cause["instanceIds"][-1]:
            click.echo(f"Its id: {printable(cause['instanceIds'][-1])}")
    for event in diagnosis.get("undeliveredEvents") or ():
        print_text(printable(convert(event, UndeliveredEvent).sentence))


def _diagnosis(status: InstanceStatus, root: Path) -> tuple[str, Json]:
    """Return the source of the diagnosis (``host``, ``state`` or ``history``) and its document."""
    if status.document.get("diagnosis"):
        return "host", status.document["diagnosis"]
    other_sdk = _of_other_sdk(status, root)
    if other_sdk is not None:
        return "state", other_sdk.document()
    if status.stored_diagnosis is not None:
        return "state", status.stored_diagnosis
    return "history", from_history(status).document()


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
