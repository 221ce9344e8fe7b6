"""The commands."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from embedded_host import __version__
from embedded_host.cli.command import EXIT_CODES
from embedded_host.cli.lazy import LazyGroup
from embedded_host.error_codes import with_code

_ELSEWHERE = {
    "init": "init:init",
    "functions": "functions:functions",
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
    "export": "export_import:export",
    "import": "export_import:import_",
    "replay": "replay:replay",
    "purge-history": "purge:purge_history",
    "delete-task-hub": "purge:delete_task_hub",
    "backup": "backup:backup",
    "recover": "recover:recover",
    "keys": "keys:keys",
    "completion": "completion:completion",
    "explain": "explain:explain",
}
"""Commands by name, each with its module in this package; imported when they are called."""


@click.group(
    cls=LazyGroup,
    lazy={name: f"embedded_host.cli.{place}" for name, place in _ELSEWHERE.items()},
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"{EXIT_CODES} A message that ends with a code, as in [EH201]: embedded-host explain EH201.",
)
@click.version_option(__version__, prog_name="embedded-host")
def cli() -> None:
    """Run Python Durable Functions apps with nothing but Python.

    Commands about instances talk to the host at http://localhost:7071 (or the app's port, or --url), or read the state file
    if none answers; they say which on stderr.

    \b
    Examples:
      embedded-host init my-app
      embedded-host start --script-root my-app
      embedded-host start-new --function-name hello_cities
      embedded-host watch
    """


def _host_names(
    context: click.Context, parameter: click.Parameter, given: tuple[str, ...]
) -> tuple[str, ...]:
    if not given:
        return ()
    from embedded_host.web.host_name import host_name

    names = tuple(filter(None, map(host_name, given)))
    if len(names) < len(given):
        wrong = next(text for text in given if host_name(text) is None)
        raise click.BadParameter(
            f"'{wrong}' is no name of a host. Write the name alone: --allow-host my-tunnel.example.com."
        )
    return names


@cli.command()
@click.option(
    "--script-root",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    metavar="DIR",
    help="The app's folder, with its host.json. Default: this folder.",
)
@click.option(
    "--port",
    "-p",
    type=click.IntRange(0, 65535),
    help="Default: 7071, or local.settings.json. 0 takes a free one.",
)
@click.option(
    "--address",
    help="The address to listen on. Default: 127.0.0.1. One that others can reach needs --auth too.",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where instances are kept. Default: .embedded-host in the app's folder.",
)
@click.option(
    "--fsync",
    type=click.Choice(["on", "off"]),
    default="on",
    show_default=True,
    help="off: faster on slow disks, and a power loss can take what was acknowledged (docs/explanation/durability-guarantees.md).",
)
@click.option(
    "--in-process",
    is_flag=True,
    help="Run functions in the host's own process, for a debugger or coverage.",
)
@click.option("--no-reload", is_flag=True, help="Do not take up changed files.")
@click.option(
    "--auth",
    is_flag=True,
    help="Ask for keys, as in Azure; embedded-host keys list shows them. Default: none, as func.",
)
@click.option(
    "--allow-anonymous-network",
    is_flag=True,
    help="Listen on --address without keys: for a container whose port is published on 127.0.0.1 only.",
)
@click.option(
    "--allow-host",
    "names",
    multiple=True,
    callback=_host_names,
    metavar="NAME",
    help="Answer to this name, too: a tunnel's, a proxy's, a container's. .example.com for all below it. Repeatable.",
)
@click.option("--verbose", is_flag=True, help="Log what the host does, and tracebacks of its own.")
def start(
    script_root: Path,
    port: int | None,
    address: str | None,
    state: Path | None,
    fsync: str,
    in_process: bool,
    no_reload: bool,
    auth: bool,
    allow_anonymous_network: bool,
    names: tuple[str, ...],
    verbose: bool,
) -> None:
    """Serve the app in a folder, like func start.

    \b
    Examples:
      embedded-host start
      embedded-host start --script-root ../my-app --port 7072
    """
    if auth and allow_anonymous_network:
        raise click.UsageError(
            "--auth asks for keys, and --allow-anonymous-network does without: leave one of them out."
        )
    from embedded_host.host import HostOptions, run_host

    options = HostOptions(
        root=Path(os.path.abspath(script_root)),  # noqa: PTH100 - resolve() would follow links, and sys.path show it
        port=port,
        address=address,
        auth=auth,
        allow_anonymous_network=allow_anonymous_network,
        names=names,
        state=state.absolute() if state else None,
        in_process=in_process,
        reload=not (no_reload or in_process),
        verbose=verbose,
        fsync=fsync == "on",
    )
    sys.exit(run_host(options))


def _print_error(error: click.ClickException) -> None:
    """Print it; click's own have no code yet."""
    from embedded_host.cli.output import printable

    if not isinstance(
        error, getattr(click.exceptions, "NoArgsIsHelpError", ())
    ):  # that one is the help itself
        text = with_code(
            error.format_message(), "EH500" if isinstance(error, click.UsageError) else "EH599"
        )
        shown = "\n".join(map(printable, text.split("\n")))  # a host's answer may be in it
        error.format_message = lambda: shown  # type: ignore[method-assign]
    error.show()


def run() -> int:
    """The exit code: 0, 1 for an app or state that cannot be served, 2 for wrong arguments; others have EXIT_CODES."""
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
