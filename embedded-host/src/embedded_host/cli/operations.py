"""The commands that change one instance."""

from __future__ import annotations

import click

from embedded_host.cli.arguments import NonEmpty, as_json, instance_id, json_argument, reason
from embedded_host.cli.command import command
from embedded_host.cli.output import print_result
from embedded_host.cli.target import Target, host_options


@command("raise-event")
@instance_id
@click.option(
    "--event-name",
    required=True,
    type=NonEmpty(),
    metavar="NAME",
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
@instance_id
@reason
@as_json
@host_options
def terminate(target: Target, instance_id: str, reason: str | None, as_json: bool) -> None:
    """Terminate an instance. Running activities are not canceled.

    Example:
      embedded-host terminate --id order-7 --reason "ordered twice"
    """
    _operate(target, instance_id, "terminate", reason, as_json, f"Terminating '{instance_id}'.")


@command()
@instance_id
@reason
@as_json
@host_options
def suspend(target: Target, instance_id: str, reason: str | None, as_json: bool) -> None:
    """Suspend an instance. The command resume continues it.

    Example:
      embedded-host suspend --id order-7 --reason lunch
    """
    _operate(target, instance_id, "suspend", reason, as_json, f"Suspending '{instance_id}'.")


@command()
@instance_id
@reason
@as_json
@host_options
def resume(target: Target, instance_id: str, reason: str | None, as_json: bool) -> None:
    """Resume a suspended instance.

    Example:
      embedded-host resume --id order-7
    """
    _operate(target, instance_id, "resume", reason, as_json, f"Resuming '{instance_id}'.")


@command()
@instance_id
@reason
@as_json
@host_options
def rewind(target: Target, instance_id: str, reason: str | None, as_json: bool) -> None:
    """Rewind a failed instance: run its failed calls again.

    Example:
      embedded-host rewind --id order-7 --reason "the bank is back"
    """
    _operate(target, instance_id, "rewind", reason, as_json, f"Rewinding '{instance_id}'.")


@command()
@instance_id
@click.option(
    "--same-id",
    is_flag=True,
    help="Replace the finished instance and keep its id. Default: a new instance with a new id.",
)
@as_json
@host_options
def restart(target: Target, instance_id: str, same_id: bool, as_json: bool) -> None:
    """Restart an instance: start its orchestrator again with the same input.

    Examples:
      embedded-host restart --id order-7
      embedded-host restart --id order-7 --same-id
    """
    query = {"restartWithNewInstanceId": str(not same_id).lower()}
    started = target.host().operate(instance_id, "restart", query).json_object()
    print_result(as_json, started, f"Restarted '{instance_id}' as instance '{started['id']}'.")


def _operate(
    target: Target,
    instance_id: str,
    operation: str,
    reason: str | None,
    as_json: bool,
    sentence: str,
) -> None:
    target.host().operate(instance_id, operation, {"reason": reason})
    print_result(as_json, {"instanceId": instance_id, "operation": operation}, sentence)
