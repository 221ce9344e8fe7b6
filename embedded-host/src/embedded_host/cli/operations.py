"""The commands that change one instance, or all instances that match a filter."""

from __future__ import annotations

import click

from embedded_host.cli.arguments import (
    NonEmpty,
    as_json,
    completed_by,
    instance_id,
    json_argument,
    reason,
)
from embedded_host.cli.bulk import (
    Selection,
    confirm,
    for_each,
    instances_to_change,
    matching_ids,
    sentence,
)
from embedded_host.cli.command import command
from embedded_host.cli.output import print_result
from embedded_host.cli.reader import Json
from embedded_host.cli.target import Target, host_options
from embedded_host.engine.status import FINISHED, UNFINISHED


@command("raise-event")
@instance_id
@click.option(
    "--event-name",
    required=True,
    type=NonEmpty(),
    metavar="NAME",
    shell_complete=completed_by("events"),
    help="The name of the event.",
)
@click.option(
    "--event-data",
    metavar="JSON|@FILE",
    help="The event's data as JSON. @FILE reads a file, and @- reads stdin. Default: null.",
)
@as_json
@host_options
def raise_event(
    target: Target, instance_id: str, event_name: str, event_data: str | None, as_json: bool
) -> None:
    """Raise an external event for an instance.

    Examples:
      embedded-host raise-event --id order-7 --event-name Approval --event-data true
      embedded-host raise-event --id order-7 --event-name Details --event-data @details.json
    """
    data = json_argument(event_data, "--event-data") or "null"
    target.host().raise_event(instance_id, event_name, data)
    print_result(
        as_json,
        {"instanceId": instance_id, "raised": event_name},
        f"Raised the event '{event_name}' for the instance '{instance_id}'.",
    )


@command()
@instances_to_change(UNFINISHED)
@reason
@as_json
@host_options
def terminate(target: Target, selection: Selection, reason: str | None, as_json: bool) -> None:
    """Terminate an instance, or all instances that match a filter.

    Running activities are not canceled.

    Examples:
      embedded-host terminate --id order-7 --reason "ordered twice"
      embedded-host terminate --runtime-status running --created-before 2d
    """
    _operate(target, "terminate", "Terminating", selection, reason, as_json)


@command()
@instances_to_change(("Running", "Pending"))
@reason
@as_json
@host_options
def suspend(target: Target, selection: Selection, reason: str | None, as_json: bool) -> None:
    """Suspend an instance, or all instances that match a filter.

    The command resume continues them.

    Examples:
      embedded-host suspend --id order-7 --reason lunch
      embedded-host suspend --prefix order-
    """
    _operate(target, "suspend", "Suspending", selection, reason, as_json)


@command()
@instances_to_change(("Suspended",))
@reason
@as_json
@host_options
def resume(target: Target, selection: Selection, reason: str | None, as_json: bool) -> None:
    """Resume a suspended instance, or all suspended instances that match a filter.

    Examples:
      embedded-host resume --id order-7
      embedded-host resume --runtime-status suspended
    """
    _operate(target, "resume", "Resuming", selection, reason, as_json)


@command()
@instances_to_change(("Failed",))
@reason
@as_json
@host_options
def rewind(target: Target, selection: Selection, reason: str | None, as_json: bool) -> None:
    """Rewind failed instances: run their failed calls again.

    Examples:
      embedded-host rewind --id order-7 --reason "the bank is back"
      embedded-host rewind --runtime-status failed --created-after 1h
    """
    _operate(target, "rewind", "Rewinding", selection, reason, as_json)


@command()
@instances_to_change(FINISHED)
@click.option(
    "--same-id",
    is_flag=True,
    help="Replace the finished instance and keep its id. Default: a new instance with a new id.",
)
@as_json
@host_options
def restart(
    target: Target,
    selection: Selection,
    same_id: bool,
    as_json: bool,
) -> None:
    """Restart instances: start their orchestrators again with the same inputs.

    A filter selects only finished instances.

    Examples:
      embedded-host restart --id order-7
      embedded-host restart --id order-7 --same-id
      embedded-host restart --runtime-status failed --created-after 1h
    """
    parameters = {"restartWithNewInstanceId": str(not same_id).lower()}
    host = target.host()

    def operation(id: str) -> Json:
        return host.operate(id, "restart", parameters).json_object()

    if selection.instance_id is not None:
        started = operation(selection.instance_id)
        text = f"Restarted '{selection.instance_id}' as instance '{started['id']}'."
        print_result(as_json, started, text)
        return
    ids = matching_ids(host, selection.query)
    confirm("restart", ids, host.name, selection.yes)
    results, left_out = for_each(ids, operation, "Restarting")
    restarted = [{"instanceId": id, "restartedAs": new["id"]} for id, new in results.items()]
    print_result(
        as_json,
        {"operation": "restart", "instances": restarted, "leftOut": left_out},
        sentence("Restarted", len(results), len(left_out)),
    )


def _operate(
    target: Target,
    operation: str,
    verb: str,
    selection: Selection,
    reason: str | None,
    as_json: bool,
) -> None:
    """Run an operation for the selected instances."""
    host = target.host()
    parameters = {"reason": reason}
    if selection.instance_id is not None:
        host.operate(selection.instance_id, operation, parameters)
        document = {"instanceId": selection.instance_id, "operation": operation}
        print_result(as_json, document, f"{verb} '{selection.instance_id}'.")
        return
    ids = matching_ids(host, selection.query)
    confirm(operation, ids, host.name, selection.yes)
    results, left_out = for_each(ids, lambda id: host.operate(id, operation, parameters), verb)
    print_result(
        as_json,
        {"operation": operation, "instances": list(results), "leftOut": left_out},
        sentence(verb, len(results), len(left_out)),
    )
