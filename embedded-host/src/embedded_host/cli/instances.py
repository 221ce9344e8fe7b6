"""Instances: starting them and looking at them."""

from __future__ import annotations

from datetime import datetime

import click

from embedded_host.cli.arguments import (
    NonEmpty,
    as_json,
    continuation_token,
    created_between,
    instance_id,
    json_text,
    runtime_status,
    sdk_encoded,
    statuses,
    top,
)
from embedded_host.cli.command import CommandError, NotFoundError, command, no_instance
from embedded_host.cli.output import (
    print_fields,
    print_json,
    print_result,
    print_table,
    printable,
    shown,
)
from embedded_host.cli.reader import Json
from embedded_host.cli.target import Target, target_options
from embedded_host.store.interface import InstanceQuery


@command("start-new")
@click.option(
    "--function-name", required=True, type=NonEmpty(), metavar="NAME", help="The orchestrator."
)
@click.option(
    "--id",
    "instance_id",
    type=NonEmpty(),
    metavar="ID",
    help="The new instance's id. Default: one is made.",
)
@click.option("--input", metavar="JSON|@FILE", help="The orchestrator's input; @- reads stdin.")
@as_json
@target_options
def start_new(
    target: Target, function_name: str, instance_id: str | None, input: str | None, as_json: bool
) -> None:
    """Start an orchestrator.

    \b
    Examples:
      embedded-host start-new --function-name HelloOrchestrator
      embedded-host start-new --function-name Order --id order-7 --input '{"item": 7}'
      embedded-host start-new --function-name Order --input @order.json --json
    """
    text = json_text(input, "--input")
    if text is not None and not text.lstrip().startswith(("{", "null")):
        text = sdk_encoded(text)  # an object is taken as it is, and its status shows it better so
    host = target.host()
    try:
        known = host.orchestrators()
    except (
        CommandError
    ) as untold:  # then the host, which starts whatever it is asked to, does not check it either
        known = None
        click.echo(
            f"The name '{printable(function_name)}' is not checked. {untold.message}", err=True
        )
    if known is not None and function_name.lower() not in map(str.lower, known):
        from embedded_host.app.suggestion import did_you_mean

        there = f"It has {', '.join(sorted(known))}." if known else "It has none."
        raise NotFoundError(
            f"{host.name} has no orchestrator '{function_name}'. {did_you_mean(function_name, known) or there} [EH512]"
        )
    started = host.start(function_name, instance_id, text)
    print_result(as_json, started, f"Started '{function_name}' as instance '{started['id']}'.")


@command("get-runtime-status")
@instance_id
@click.option(
    "--show-input",
    is_flag=False,
    flag_value="true",
    default="false",
    type=bool,
    help="With the input.",
)
@click.option(
    "--show-output",
    is_flag=False,
    flag_value="true",
    default="false",
    type=bool,
    help="With the output.",
)
@as_json
@target_options
def get_runtime_status(
    target: Target, instance_id: str, show_input: bool, show_output: bool, as_json: bool
) -> None:
    """Show an instance's status.

    \b
    Examples:
      embedded-host get-runtime-status --id order-7
      embedded-host get-runtime-status --id order-7 --show-input --show-output --json
    """
    reader = target.reader()
    status = found(reader.instance(instance_id), instance_id, reader.name)
    if not show_input:
        status.pop("input", None)
    if not show_output:
        status.pop("output", None)
    if as_json:
        print_json(status)
    else:
        print_fields({key: shown(value) for key, value in status.items() if value is not None})


@command("get-history")
@instance_id
@as_json
@target_options
def get_history(target: Target, instance_id: str, as_json: bool) -> None:
    """Show what has happened in an instance.

    \b
    Examples:
      embedded-host get-history --id order-7
      embedded-host get-history --id order-7 --json > history.json
    """
    reader = target.reader()
    status = found(reader.instance(instance_id, history=True), instance_id, reader.name)
    if as_json:
        print_json(status.get("historyEvents") or [])
        return
    from embedded_host.cli.history_table import history_rows

    print_table(("time", "event", "name", "detail"), history_rows(status), "It has no history yet.")


@command("get-instances")
@created_between
@runtime_status
@click.option("--prefix", metavar="TEXT", help="Only ids that begin so.")
@top
@continuation_token
@click.option("--show-input", is_flag=True, help="With the inputs.")
@click.option("--show-output", is_flag=True, help="With the outputs.")
@as_json
@target_options
def get_instances(
    target: Target,
    created_after: datetime | None,
    created_before: datetime | None,
    runtime_status: tuple[str, ...],
    more_statuses: tuple[str, ...],
    prefix: str | None,
    top: int,
    continuation_token: str | None,
    show_input: bool,
    show_output: bool,
    as_json: bool,
) -> None:
    """List instances, in order of id.

    \b
    Examples:
      embedded-host get-instances --runtime-status running failed
      embedded-host get-instances --created-after 2026-01-31T13:00Z --top 100 --json
    """
    query = InstanceQuery(
        id_prefix=prefix,
        statuses=statuses(runtime_status, more_statuses),
        created_from=created_after,
        created_to=created_before,
    )
    page = target.reader().instances(query, top, continuation_token, show_input=show_input)
    for item in page.items:
        if not show_input:
            item.pop("input", None)
        if not show_output:
            item.pop("output", None)
    if as_json:
        print_json({"instances": page.items, "continuationToken": page.token})
        return
    columns = ["instanceId", "name", "runtimeStatus", "createdTime", "lastUpdatedTime"]
    columns += ["input"] * show_input + ["output"] * show_output
    rows = [[shown(item.get(column)) for column in columns] for item in page.items]
    print_table(columns, rows, "No instances.")
    if page.token:
        click.echo(f"There are more: --continuation-token {page.token}", err=True)


def found(status: Json | None, instance_id: str, where: str) -> Json:
    if status is None:
        raise no_instance(instance_id, where)
    return status
