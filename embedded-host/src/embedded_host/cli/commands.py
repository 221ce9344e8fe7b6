"""The group of all commands, and the command ``start``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from embedded_host import __version__
from embedded_host.cli.command import EXIT_CODES, OptionsCommand, keep_examples
from embedded_host.cli.func_options import app_options, func_start_options
from embedded_host.cli.lazy import LazyGroup
from embedded_host.error_codes import with_code
from embedded_worker.protocol import CONSOLE_FORMATS, ConsoleFormat

_MODULES = {
    "init": "init:init",
    "doctor": "doctor:doctor",
    "functions": "functions:functions",
    "parity": "parity:parity",
    "scheduler": "scheduler:scheduler",
    "start-new": "instances:start_new",
    "get-runtime-status": "instances:get_runtime_status",
    "get-history": "instances:get_history",
    "get-instances": "instances:get_instances",
    "raise-event": "operations:raise_event",
    "suspend": "operations:suspend",
    "resume": "operations:resume",
    "terminate": "operations:terminate",
    "rewind": "operations:rewind",
    "restart": "operations:restart",
    "entities": "entities:entities",
    "watch": "watch:watch",
    "timeline": "timeline:timeline",
    "diagnose": "diagnose:diagnose",
    "tree": "tree:tree",
    "export": "export_import:export",
    "import": "export_import:import_",
    "replay": "replay:replay",
    "purge-history": "purge:purge_history",
    "delete-task-hub": "purge:delete_task_hub",
    "backup": "backup:backup",
    "recover": "recover:recover",
    "keys": "keys:keys",
    "logs": "logs:logs",
    "completion": "completion:completion",
    "explain": "explain:explain",
}
"""The module and the variable that define each command, by the name of the command."""


@keep_examples
@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"{EXIT_CODES} For a message with a code such as [EH201], run embedded-host explain "
    "EH201.",
)
@click.version_option(__version__, prog_name="embedded-host")
def cli() -> None:
    """Run Durable Functions apps that are written in Python. Only Python is required.

    Commands for instances use the running host of the app in the current folder or --script-root,
    or the host at --url. If no host of the app responds, commands that only read use the state
    file. The first line on stderr contains the URL of the host or the path of the file.

    Examples:
      embedded-host init my-app
      embedded-host start --script-root my-app
      embedded-host start-new --function-name hello_cities
      embedded-host watch
    """


cli.lazy = {name: f"embedded_host.cli.{variable}" for name, variable in _MODULES.items()}


def _host_names(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    if not values:
        return ()
    from embedded_host.web.host_name import host_name

    names = tuple(filter(None, map(host_name, values)))
    if len(names) < len(values):
        invalid = next(value for value in values if host_name(value) is None)
        raise click.BadParameter(
            f"'{invalid}' is not a valid host name. Write the name only: "
            "--allow-host my-tunnel.example.com."
        )
    return names


@keep_examples
@cli.command(cls=OptionsCommand)
@click.option(
    "--script-root",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    metavar="DIR",
    help="The app folder, which contains host.json. Default: the current folder.",
)
@click.option(
    "--port",
    "-p",
    type=click.IntRange(0, 65535),
    help="The port. Default: LocalHttpPort in local.settings.json, or 7071. 0 selects a free port.",
)
@click.option(
    "--address",
    help="The address to listen on. Default: 127.0.0.1. An address that other machines can reach "
    "requires --auth or --allow-anonymous-network.",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The state folder, which stores the instances. Default: .embedded-host in the app folder.",
)
@click.option(
    "--fsync",
    type=click.Choice(["on", "off"]),
    default="on",
    show_default=True,
    help="With the value off, the host is faster on slow disks, but a power loss can lose "
    "acknowledged work.",
)
@click.option(
    "--in-process",
    is_flag=True,
    help="Run functions in the host's process, for a debugger or coverage. Implies --no-reload.",
)
@click.option(
    "--python",
    is_flag=False,
    flag_value="",
    metavar="PATH",
    help="Run the app with this interpreter. Default: the active environment, or .venv, venv or "
    "env in the app folder, or the interpreter of the host.",
)
@click.option("--no-reload", is_flag=True, help="Do not reload changed files.")
@click.option(
    "--auth",
    "--enableAuth",
    "auth",
    is_flag=True,
    help="Require access keys, as in Azure. The command embedded-host keys list prints the keys. "
    "Default: no keys are required, as with func.",
)
@click.option(
    "--allow-anonymous-network",
    is_flag=True,
    help="Do not require access keys, although other machines can reach --address. Use this option "
    "in a container whose port is published only on 127.0.0.1.",
)
@click.option(
    "--allow-host",
    "names",
    multiple=True,
    callback=_host_names,
    metavar="NAME",
    help="Accept requests for this host name, such as the name of a tunnel, proxy or container. "
    ".example.com accepts all names that end with .example.com. Repeatable.",
)
@click.option(
    "--parity",
    type=click.Choice(["helpful", "strict"]),
    default="helpful",
    show_default=True,
    help="With the value helpful, the host explains the parts of an app that would fail on the "
    "Azure Functions host, and runs them if possible. With the value strict, they fail here too.",
)
@click.option(
    "--console",
    type=click.Choice([name for name in CONSOLE_FORMATS if name != "json"]),
    default="default",
    show_default=True,
    help="The format of the functions' log records and output. The value func is the format of "
    "Core Tools, and simple is that of the Azure Functions host, with categories.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="With the value json, each log line on stderr is a JSON object. Overrides --console.",
)
@click.option(
    "--log-limit",
    type=click.IntRange(0, 100_000),
    default=64,
    show_default=True,
    metavar="MB",
    help="The maximum size of the log lines that the host stores for the dashboard and for the "
    "command embedded-host logs. Lines are deleted after 7 days. 0: store no lines.",
)
@click.option(
    "--replayed-instances",
    type=click.IntRange(0),
    default=20,
    show_default=True,
    metavar="N",
    help="Replay the first N instances of each orchestrator from the start of their histories in "
    "each turn, and one in 50 of the later instances. Such replays find code that is not "
    "deterministic. 0: keep all orchestrators in memory.",
)
@func_start_options
@click.option(
    "--verbose", is_flag=True, help="Log the host's own activity, and the tracebacks of its errors."
)
def start(
    script_root: Path,
    port: int | None,
    address: str | None,
    state: Path | None,
    fsync: str,
    in_process: bool,
    python: str | None,
    no_reload: bool,
    auth: bool,
    allow_anonymous_network: bool,
    names: tuple[str, ...],
    parity: str,
    console: ConsoleFormat,
    log_format: str,
    log_limit: int,
    cors: tuple[str, ...],
    cors_credentials: bool,
    functions: tuple[str, ...],
    more_functions: tuple[str, ...],
    user_log_level: str,
    replayed_instances: int,
    verbose: bool,
) -> None:
    """Start the host with an app, like func start.

    Examples:
      embedded-host start
      embedded-host start --script-root ../my-app --port 7072
    """
    if auth and allow_anonymous_network:
        raise click.UsageError(
            "--auth requires access keys and --allow-anonymous-network allows requests without "
            "them: omit one of the options."
        )
    from embedded_host.host import HostOptions, run_host

    options = HostOptions(
        # Path.resolve() would follow links. sys.path and tracebacks would then contain other paths.
        root=Path(os.path.abspath(script_root)),  # noqa: PTH100
        port=port,
        address=address,
        auth=auth,
        allow_anonymous_network=allow_anonymous_network,
        names=names,
        state=state.absolute() if state else None,
        in_process=in_process,
        python=python or None,
        reload=not (no_reload or in_process),
        verbose=verbose,
        fsync=fsync == "on",
        console="json" if log_format == "json" else console,
        log_limit=log_limit,
        app=app_options(cors, cors_credentials, functions, more_functions, user_log_level),
        strict=parity == "strict",
        replayed_instances=replayed_instances,
        install_telemetry=_telemetry_command,
    )
    sys.exit(run_host(options))


def _telemetry_command() -> str:
    from embedded_host.cli.installation import telemetry_command

    return telemetry_command()


def _print_error(error: click.ClickException) -> None:
    """Print an error. If its message has no error code, append one."""
    from embedded_host.cli.output import for_terminal, printable

    # The message of a NoArgsIsHelpError (click 8.2 and newer) is the help text.
    if not isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
        code = "EH500" if isinstance(error, click.UsageError) else "EH599"
        lines = with_code(error.format_message(), code).split("\n")
        # The message may contain data from the response of a host.
        message = for_terminal("\n".join(map(printable, lines)), err=True, prefix="Error: ")
        error.format_message = lambda: message  # type: ignore[method-assign]
    error.show()


def run() -> int:
    """Run the command in sys.argv and return its exit code (see EXIT_CODES)."""
    try:
        cli.main(prog_name="embedded-host", standalone_mode=False)
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        _print_error(error)
        return error.exit_code
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    return 0
