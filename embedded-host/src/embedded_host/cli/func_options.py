"""The options of ``func start`` that ``embedded-host start`` has too.

Source: ``StartHostAction`` and ``HelpAction`` of Core Tools.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from embedded_host.cli.command import Callback
from embedded_worker.log_levels import LEVELS, level_number

if TYPE_CHECKING:
    from embedded_host.app.command_line import AppOptions

_REFUSED = {
    "useHttps": "The embedded host serves HTTP only. Omit --useHttps, --cert and --password. For "
    "HTTPS, start a proxy such as Caddy before the host, and pass its name with --allow-host.",
    "cert": "--cert belongs to --useHttps, and the embedded host serves HTTP only. Omit it.",
    "password": "--password belongs to --useHttps, and the embedded host serves HTTP only. Omit "
    "it.",
    "language-worker": "The worker of the embedded host takes no arguments. Omit "
    "--language-worker. For a debugger, start the host with --in-process under the debugger.",
}
"""The options that cannot be ignored, with the reasons."""
_IGNORED = {
    "timeout": "--timeout has no effect: the host waits until the app has loaded, and reports each "
    "10 s the function that is being imported.",
    "no-build": "--no-build has no effect: a Python app is not built.",
    "dotnet-isolated-debug": "--dotnet-isolated-debug has no effect: it exists only for .NET.",
    "enable-json-output": "--enable-json-output has no effect: it exists only for .NET workers.",
    "json-output-file": "--json-output-file has no effect: it exists only for .NET workers.",
    "runtime": "--runtime has no effect: it selects a host for .NET apps.",
    "offline": "--offline has no effect: the embedded host needs no network.",
}
"""The options without an effect, with the reasons."""
_SHORT = {"timeout": "-t"}
_FLAGS = ("useHttps", "no-build", "dotnet-isolated-debug", "enable-json-output", "offline")


def func_start_options(function: Callback) -> Callback:
    """Add the options of ``func start``. The command receives those with an effect."""
    for name in (*_REFUSED, *_IGNORED):
        names = [f"--{name}", *([_SHORT[name]] if name in _SHORT else [])]
        function = click.option(
            *names,
            is_flag=True if name in _FLAGS else None,
            hidden=True,
            expose_value=False,
            callback=_explain,
        )(function)
    for option in (
        click.option(
            "--user-log-level",
            metavar="LEVEL",
            envvar="FUNCTIONS_USER_LOG_LEVEL",
            callback=_level,
            help="The lowest level of the functions' log records: "
            f"{', '.join(LEVELS)}. A level for Function in host.json precedes it.",
        ),
        click.option(
            "--functions",
            "functions",
            multiple=True,
            metavar="NAME...",
            help="Load only these functions. The names are separated by spaces.",
        ),
        click.option(
            "--cors-credentials", is_flag=True, help="CORS allows requests with credentials."
        ),
        click.option(
            "--cors",
            metavar="ORIGINS",
            callback=_origins,
            help="The origins that CORS allows, separated by commas. Default: CORS in "
            "local.settings.json.",
        ),
    ):
        function = option(function)
    return click.argument("more_functions", nargs=-1, metavar="")(function)


def app_options(
    cors: tuple[str, ...],
    cors_credentials: bool,
    functions: tuple[str, ...],
    more_functions: tuple[str, ...],
    user_log_level: str,
) -> AppOptions:
    """Return the options that change the settings of the app.

    Raises UsageError if an argument does not belong to ``--functions``.
    """
    if more_functions and not functions:
        raise click.UsageError(f"Got unexpected extra argument ({more_functions[0]})")
    from embedded_host.app.command_line import AppOptions

    return AppOptions((*functions, *more_functions), cors, cors_credentials, user_log_level)


def _explain(context: click.Context, parameter: click.Parameter, value: object) -> None:
    """Print the reason of an option without an effect. Raise UsageError for a refused option."""
    if value in (None, False):
        return
    name = parameter.opts[0].removeprefix("--")
    if name in _REFUSED:
        raise click.UsageError(_REFUSED[name])
    click.echo(f"{_IGNORED[name]} [EH859]", err=True)


def _origins(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[str, ...]:
    return tuple(origin.strip() for origin in (value or "").split(",") if origin.strip())


def _level(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
    if value is not None and level_number(value) is None:
        raise click.BadParameter(f"'{value}' is not one of {', '.join(LEVELS)}.")
    return value or ""
