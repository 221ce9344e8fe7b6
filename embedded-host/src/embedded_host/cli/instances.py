"""The commands that start and read instances."""

from __future__ import annotations

import click

from embedded_host.cli.arguments import (
    NonEmpty,
    Order,
    as_json,
    completed_by,
    continuation_token,
    instance_id,
    json_argument,
    sdk_encoded,
    top,
)
from embedded_host.cli.command import CommandError, NotFoundError, command, no_instance
from embedded_host.cli.instance_filter import instance_filter
from embedded_host.cli.output import (
    format_cell,
    print_fields,
    print_json,
    print_lines,
    print_result,
    print_table,
    print_text,
    printable,
)
from embedded_host.cli.reader import InstanceStatus, Reader
from embedded_host.cli.target import Target, host_options, target_options
from embedded_host.store.interface import InstanceQuery


@command("start-new")
@click.option(
    "--function-name",
    required=True,
    type=NonEmpty(),
    metavar="NAME",
    shell_complete=completed_by("orchestrators"),
    help="The orchestrator's name.",
)
@click.option(
    "--id",
    "instance_id",
    type=NonEmpty(),
    metavar="ID",
    help="The new instance id. Default: a random id.",
)
@click.option(
    "--input",
    metavar="JSON|@FILE",
    help="The orchestrator's input as JSON. @FILE reads a file, and @- reads stdin.",
)
@click.option(
    "--wait",
    is_flag=True,
    help="Wait until the instance has finished, and print its output. If the instance has not "
    "completed, print its error, and exit with 1.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0),
    metavar="SECONDS",
    help="The longest time to wait with --wait. The command then exits with 5, and the instance "
    "continues.",
)
@as_json
@host_options
def start_new(
    target: Target,
    function_name: str,
    instance_id: str | None,
    input: str | None,
    wait: bool,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Start an instance of an orchestrator.

    With --wait and --json, the command prints the status of the finished instance.

    Examples:
      embedded-host start-new --function-name HelloOrchestrator
      embedded-host start-new --function-name Order --id order-7 --input '{"item": 7}'
      embedded-host start-new --function-name Order --input @order.json --json
      embedded-host start-new --function-name HelloOrchestrator --wait --timeout 30
    """
    if timeout is not None and not wait:
        raise click.UsageError("--timeout limits the wait of --wait: pass --wait too.")
    data = json_argument(input, "--input")
    if data is not None and not data.lstrip().startswith(("{", "null")):
        # The SDK accepts an object without this encoding, and the status then contains the object
        # instead of a string.
        data = sdk_encoded(data)
    host = target.host()
    try:
        known = host.orchestrators()
    except CommandError as error:
        # Continue: a host accepts any name, and reports an unknown name in the instance's output.
        known = None
        click.echo(
            f"The name '{printable(function_name)}' was not checked. {error.message}", err=True
        )
    if known is not None and function_name.lower() not in map(str.lower, known):
        from embedded_host.app.suggestion import did_you_mean

        names = (
            f"The app's orchestrators: {', '.join(sorted(known))}."
            if known
            else "The app has no orchestrators."
        )
        raise NotFoundError(
            f"{host.name} has no orchestrator '{function_name}'. "
            f"{did_you_mean(function_name, known) or names} [EH512]"
        )
    started = host.start(function_name, instance_id, data)
    text = f"Started '{function_name}' as instance '{started['id']}'."
    if not wait:
        print_result(as_json, started, text)
        return
    from embedded_host.cli.outcome import failure, print_error, print_output, wait_until_finished

    print_text(printable(text), err=True)
    status = wait_until_finished(host, started["id"], timeout)
    if as_json:
        print_json(status.document)
    elif status.runtime_status == "Completed":
        print_output(status)
    if status.runtime_status != "Completed":
        print_error(host, status)
        raise failure(status)


@command("get-runtime-status")
@instance_id
@click.option(
    "--show-input",
    is_flag=False,
    flag_value="true",
    default="false",
    type=bool,
    metavar="[BOOLEAN]",
    help="Show the input (true or false). Default: false. The option without a value means true.",
)
@click.option(
    "--show-output",
    is_flag=False,
    flag_value="true",
    default="false",
    type=bool,
    metavar="[BOOLEAN]",
    help="Show the output (true or false). Default: false. The option without a value means true.",
)
@as_json
@target_options
def get_runtime_status(
    target: Target, instance_id: str, show_input: bool, show_output: bool, as_json: bool
) -> None:
    """Show an instance's status.

    Examples:
      embedded-host get-runtime-status --id order-7
      embedded-host get-runtime-status --id order-7 --show-input --show-output --json
    """
    reader = target.reader()
    status = require(reader.instance(instance_id), instance_id, reader.name)
    document = status.without(*["input"] * (not show_input), *["output"] * (not show_output))
    if as_json:
        print_json(document)
    else:
        print_fields(
            {name: format_cell(value) for name, value in document.items() if value is not None}
        )
        _print_traceback(reader, status)


@command("get-history")
@instance_id
@as_json
@target_options
def get_history(target: Target, instance_id: str, as_json: bool) -> None:
    """Show the history of an instance.

    Examples:
      embedded-host get-history --id order-7
      embedded-host get-history --id order-7 --json > history.json
    """
    reader = target.reader()
    status = require(reader.instance(instance_id, history=True), instance_id, reader.name)
    if as_json:
        print_json(status.document.get("historyEvents") or [])
        return
    from embedded_host.cli.history_table import history_rows

    print_table(
        ("time", "event", "name", "detail"),
        history_rows(status),
        "The instance has no history yet.",
    )
    _print_traceback(reader, status)


@command("get-instances")
@instance_filter()
@click.option(
    "--order",
    type=Order(),
    metavar="NAME",
    help="The order: createdTime, lastUpdatedTime, duration, name, id or status. With - before the "
    "name, the order is descending. Default: id.",
)
@top
@continuation_token
@click.option("--show-input", is_flag=True, help="Show the inputs.")
@click.option("--show-output", is_flag=True, help="Show the outputs.")
@as_json
@target_options
def get_instances(
    target: Target,
    query: InstanceQuery,
    order: str | None,
    top: int,
    continuation_token: str | None,
    show_input: bool,
    show_output: bool,
    as_json: bool,
) -> None:
    """List instances. If there are failed instances, show the first lines of their errors.

    The options --name, --search, --failed-with, --parent, --top-level and --order require an
    embedded host or a state file.

    Examples:
      embedded-host get-instances --runtime-status running failed
      embedded-host get-instances --failed-with "card refused" --order -createdTime --limit 20
      embedded-host get-instances --created-after 2026-01-31T13:00Z --top 100 --json
    """
    page = target.reader().instances(
        query, top, continuation_token, show_input=show_input, order=order
    )
    hidden = [*["input"] * (not show_input), *["output"] * (not show_output)]
    documents = [status.without(*hidden) for status in page.items]
    if as_json:
        print_json({"instances": documents, "continuationToken": page.token})
        return
    columns = ["instanceId", "name", "runtimeStatus", "createdTime", "lastUpdatedTime"]
    if not show_output and any(status.runtime_status == "Failed" for status in page.items):
        columns.append("error")
        documents = [
            {**document, "error": _error_line(status)}
            for document, status in zip(documents, page.items, strict=True)
        ]
    columns += ["input"] * show_input + ["output"] * show_output
    rows = [[format_cell(document.get(column)) for column in columns] for document in documents]
    print_table(columns, rows, "There are no instances.")
    if page.token:
        print_text(f"To list the next page, pass --continuation-token {page.token}", err=True)


def _error_line(status: InstanceStatus) -> str | None:
    if status.runtime_status != "Failed":
        return None
    from embedded_host.store.failure_causes import first_line

    output = status.output
    return first_line(status.name, output if isinstance(output, str) else format_cell(output))


def _print_traceback(reader: Reader, status: InstanceStatus) -> None:
    """Print the traceback of a failed instance, if the source has it."""
    if status.runtime_status != "Failed":
        return
    from embedded_host.cli.outcome import traceback_of

    if traceback := traceback_of(reader, status.instance_id):
        click.echo()
        print_lines(traceback)


def require(status: InstanceStatus | None, instance_id: str, source: str) -> InstanceStatus:
    """Return ``status``, or raise NotFoundError if it is None.

    ``source`` is the name of the host or state file.
    """
    if status is None:
        raise no_instance(instance_id, source)
    return status
