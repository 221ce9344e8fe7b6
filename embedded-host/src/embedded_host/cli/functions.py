"""The app's functions."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from embedded_host.app.binding_types import DURABLE_TRIGGERS
from embedded_host.cli.arguments import as_json
from embedded_host.cli.command import CommandError, command
from embedded_host.cli.output import print_json, print_table
from embedded_host.cli.reader import Json
from embedded_host.cli.target import Target, target_options

if TYPE_CHECKING:
    from embedded_host.app.definitions import App
    from embedded_host.workers.loaded_app import LoadedApp


@click.group()
def functions() -> None:
    """Show the app's functions.

    \b
    Example:
      embedded-host functions list
    """


@command("list")
@as_json
@target_options
def list_(target: Target, as_json: bool) -> None:
    """List the functions: those of the running host, else those of the app's folder, whose code is loaded for it.

    \b
    Examples:
      embedded-host functions list
      embedded-host functions list --script-root ../my-app --json
    """
    if target.state:
        raise click.UsageError(
            "A state holds no functions. Name the app's folder with --script-root."
        )
    found = of_host(target) if target.answers() else of_folder(target)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            function["name"],
            function["trigger"],
            ",".join(function["methods"]),
            function["url"] or function["route"] or function["durableName"] or "",
            function["problem"] or ("disabled" if function["disabled"] else ""),
        )
        for function in found
    ]
    print_table(
        ("name", "trigger", "methods", "where", "problem"), rows, "The app has no functions."
    )


def of_host(target: Target) -> list[Json]:
    host = target.host()
    return [
        {
            **_description(
                function["name"],
                (function.get("config") or {}).get("bindings") or (),
                url=function.get("invoke_url_template"),
                disabled=bool(function.get("isDisabled")),
            ),
            "problem": host.function_problem(function["name"]),
        }
        for function in host.functions()
    ]


def of_folder(target: Target) -> list[Json]:
    """As a worker loads them: decorators are only known when they have run."""
    import asyncio

    from embedded_host.app.folder import read_app
    from embedded_host.app.local_settings import effective_environment

    root = target.root.absolute()
    app = read_app(root, os.environ)
    added, _ = effective_environment(app.settings, os.environ, app.root)
    click.echo(f"App: {root} (no host answers)", err=True)
    loaded = asyncio.run(_load(app, {**os.environ, **added}))
    if loaded.problem:
        raise CommandError(f"The app in {root} cannot be loaded: {loaded.problem} [EH310]")
    found = []
    for function in loaded.app.functions:
        bindings = [{**b.properties, "type": b.type, "name": b.name} for b in function.bindings]
        route = loaded.routes.get(function.name)
        described = _description(function.name, bindings, route=f"/{route.text}" if route else None)
        found.append(
            {
                **described,
                "disabled": function.name in loaded.app.disabled,
                "problem": loaded.broken.get(function.name),
            }
        )
    named = {function["name"] for function in found}
    found += [
        {**_description(name, ()), "problem": why}
        for name, why in loaded.broken.items()
        if name not in named
    ]
    return sorted(found, key=lambda function: str(function["name"]).lower())


async def _load(app: App, environ: Mapping[str, str]) -> LoadedApp:
    from embedded_host.task_hub.invoker import WorkerLostError
    from embedded_host.workers.factory import make_worker
    from embedded_host.workers.loaded_app import load_request, loaded_app

    worker = make_worker(environ, in_process=False)
    try:
        await worker.start()
        loaded = await worker.load(load_request(app, environ, "http://127.0.0.1:1/durabletask/"))
    except WorkerLostError as lost:
        raise CommandError(
            f"The worker process ended before it had loaded the app: {lost}. [EH203]"
        ) from lost
    finally:
        await worker.close(2.0)
    return loaded_app(app, loaded, environ)


def _description(
    name: str,
    bindings: Sequence[Json],
    *,
    url: str | None = None,
    route: str | None = None,
    disabled: bool = False,
) -> Json:
    """The same keys wherever it comes from."""
    trigger: Json = next(
        (b for b in bindings if str(b.get("type", "")).lower().endswith("trigger")), {}
    )
    kind = str(trigger.get("type", ""))
    durable = DURABLE_TRIGGERS.get(kind.lower())
    return {
        "name": name,
        "trigger": kind,
        "durableName": str(trigger.get(durable.name_property) or name) if durable else None,
        "methods": [str(method).upper() for method in trigger.get("methods") or ()],
        "route": route,
        "url": url,
        "disabled": disabled,
        "problem": None,
    }


functions.add_command(list_)
