"""The command ``functions``: the functions of a running host or an app folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from embedded_host.app.binding_types import DURABLE_TRIGGERS
from embedded_host.app.definitions import is_built_in
from embedded_host.cli.app_folder import load_folder
from embedded_host.cli.arguments import as_json
from embedded_host.cli.command import CommandError, command, keep_examples
from embedded_host.cli.output import print_json, print_table, printable
from embedded_host.cli.reader import Json
from embedded_host.cli.target import Target, host_options

if TYPE_CHECKING:
    from embedded_host.cli.management_api import HostFunction


@dataclass(frozen=True)
class FunctionRow:
    """A function in the list. ``--json`` prints the attributes with names in camelCase."""

    name: str
    trigger: str
    """The type of the trigger, or an empty string if it is unknown."""
    durable_name: str | None
    """The name with which an orchestrator, activity or entity is called, or None."""
    methods: Sequence[str]
    route: str | None
    """The path of an HTTP function, or None in a list from a running host."""
    url: str | None
    """The URL of an HTTP function, or None in a list from an app folder."""
    schedule: str | None
    """The schedule of a timer function, or None."""
    disabled: bool
    problem: str | None
    """The reason why the function is out of service, or None."""

    def document(self) -> Json:
        """Return the JSON object of ``--json``."""
        return {
            "name": self.name,
            "trigger": self.trigger,
            "durableName": self.durable_name,
            "methods": list(self.methods),
            "route": self.route,
            "url": self.url,
            "schedule": self.schedule,
            "disabled": self.disabled,
            "problem": self.problem,
        }


@keep_examples
@click.group()
def functions() -> None:
    """List the app's functions.

    Example:
      embedded-host functions list
    """


@command("list")
@as_json
@click.option("--python", metavar="PATH", help="Load the app folder with this interpreter.")
@host_options
def list_(target: Target, as_json: bool, python: str | None) -> None:
    """List the functions of the running host or app folder.

    If no host responds, the command imports the app's code and lists the functions of the app
    folder.

    Examples:
      embedded-host functions list
      embedded-host functions list --script-root ../my-app --json
    """
    if target.state:
        raise click.UsageError(
            "A state folder does not contain functions: select the app folder with --script-root."
        )
    if target.has_host():
        rows, problems = of_host(target)
        for problem in problems:
            click.echo(printable(problem), err=True)
    else:
        rows = of_folder(target, python)
    if as_json:
        print_json([row.document() for row in rows])
        return
    table = [
        (
            row.name,
            row.trigger,
            ",".join(row.methods),
            row.url or row.route or row.schedule or row.durable_name or "",
            row.problem or ("disabled" if row.disabled else ""),
        )
        for row in rows
    ]
    print_table(
        ("name", "trigger", "methods", "where", "problem"), table, "The app has no functions."
    )


def of_host(target: Target) -> tuple[list[FunctionRow], list[str]]:
    """Return the functions of the running host, and the problems of its app.

    The problems are those of the whole app and of the latest reload.
    """
    host = target.host()
    report = host.report()
    if report is not None:
        return [_of_report(item, host.name) for item in report["functions"]], _problems(report)
    # The Azure Functions host
    rows = [
        _row(
            function.name,
            function.bindings,
            url=_written_url(function),
            disabled=function.is_disabled,
            problem=host.function_problem(function.name),
        )
        for function in host.functions()
        if not is_built_in(function.name)
    ]
    return rows, []


def _of_report(function: Json, base_url: str) -> FunctionRow:
    """Return a function of an embedded host's report."""
    kind, route = str(function["type"]), function.get("route")
    return FunctionRow(
        name=str(function["name"]),
        trigger=kind,
        durable_name=str(function["durableName"]) if kind.lower() in DURABLE_TRIGGERS else None,
        methods=list(function["methods"]),
        route=None,
        url=f"{base_url}/{route}" if route is not None else None,
        schedule=function.get("schedule"),
        disabled=bool(function["disabled"]),
        problem=function.get("problem"),
    )


def _problems(report: Json) -> list[str]:
    """Return the failed reload and the problem of the whole app."""
    failed = report.get("failedReload")
    problems = [f"{failed['text']}"] if failed else []
    if report.get("problem"):
        problems.append(f"The app cannot be served: {report['problem']} [EH310]")
    return problems


def _written_url(function: HostFunction) -> str | None:
    """Return the URL of a function with its route as written.

    The Azure Functions host lists the URL in lower case.
    """
    url = function.url
    trigger: Json = next((b for b in function.bindings if b.get("route")), {})
    route = str(trigger.get("route", "")).strip("/") or function.name
    if url is None or not url.endswith(f"/{route.lower()}"):
        return url
    return url[: len(url) - len(route)] + route


def of_folder(target: Target, python: str | None = None) -> list[FunctionRow]:
    """Return the functions of an app folder, sorted by name.

    ``python`` is the app's interpreter, or None to find it.
    Raises CommandError if the app cannot be loaded.
    """
    loaded = load_folder(target, python)
    if loaded.problem:
        raise CommandError(
            f"The app in {target.root.absolute()} cannot be loaded: {loaded.problem} [EH310]"
        )
    rows = []
    for function in loaded.app.functions:
        if function.is_built_in:
            continue
        bindings = [{**b.properties, "type": b.type, "name": b.name} for b in function.bindings]
        route = loaded.routes.get(function.name)
        rows.append(
            _row(
                function.name,
                bindings,
                route=f"/{route.text}" if route else None,
                disabled=function.name in loaded.app.disabled,
                problem=loaded.broken.get(function.name),
            )
        )
    names = {row.name for row in rows}
    rows += [
        _row(name, (), problem=problem)
        for name, problem in loaded.broken.items()
        if name not in names
    ]
    return sorted(rows, key=lambda row: row.name.lower())


def _row(
    name: str,
    bindings: Sequence[Json],
    *,
    url: str | None = None,
    route: str | None = None,
    disabled: bool = False,
    problem: str | None = None,
) -> FunctionRow:
    trigger: Json = next(
        (b for b in bindings if str(b.get("type", "")).lower().endswith("trigger")), {}
    )
    kind = str(trigger.get("type", ""))
    durable = DURABLE_TRIGGERS.get(kind.lower())
    return FunctionRow(
        name=name,
        trigger=kind,
        durable_name=str(trigger.get(durable.name_property) or name) if durable else None,
        methods=[str(method).upper() for method in trigger.get("methods") or ()],
        route=route,
        url=url,
        schedule=str(trigger["schedule"]) if trigger.get("schedule") else None,
        disabled=disabled,
        problem=problem,
    )


functions.add_command(list_)
