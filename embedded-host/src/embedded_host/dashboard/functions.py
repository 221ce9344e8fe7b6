"""The app's functions in the format of the dashboard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from embedded_host.app.definitions import Function, is_built_in
from embedded_host.engine.events import (
    EventSent,
    HistoryEvent,
    SubOrchestrationInstanceCreated,
    TaskScheduled,
)
from embedded_host.store.overview import OrchestratorUse
from embedded_host.workers.loaded_app import LoadedApp

MAX_LAST_INPUT = 20_000
"""Maximum characters of the last input in the start form. A longer input is omitted."""


def app_functions(
    loaded: LoadedApp, uses: Mapping[str, OrchestratorUse]
) -> list[dict[str, object]]:
    """Return the app's functions, sorted by name, followed by the functions that did not load.

    ``uses`` describes the stored instances of each orchestrator, by the orchestrator's name.
    """
    functions = {f.name: f for f in loaded.app.functions if not f.is_built_in}
    loaded_ones = [
        _function(loaded, functions[name]) | _use(functions[name], uses)
        for name in sorted(functions, key=str.lower)
    ]
    broken_ones: list[dict[str, object]] = [
        {
            "name": name,
            "durableName": name,
            "type": "",
            "file": "",
            "bindings": [],
            "broken": reason,
            "disabled": False,
        }
        for name, reason in sorted(loaded.broken.items())
        if name not in functions and not is_built_in(name)
    ]
    return loaded_ones + broken_ones


def _use(function: Function, uses: Mapping[str, OrchestratorUse]) -> dict[str, object]:
    """Return the number of an orchestrator's instances, and data of the newest instance.

    The data are the creation time in milliseconds since 1970, and the input if it is short.
    """
    use = uses.get(function.durable_name)
    if use is None or function.trigger.type != "orchestrationTrigger":
        return {}
    is_short = use.input is not None and len(use.input) <= MAX_LAST_INPUT
    return {
        "instances": use.count,
        "newest": use.newest / 1000,
        "lastInput": use.input if is_short else None,
    }


def _function(loaded: LoadedApp, function: Function) -> dict[str, object]:
    route = loaded.routes.get(function.name)
    file = function.script_file
    return {
        "name": function.name,
        "durableName": function.durable_name,
        "type": function.trigger.type,
        "file": file.relative_to(loaded.app.root).as_posix()
        if file.is_relative_to(loaded.app.root)
        else str(file),
        "bindings": [
            {"type": b.type, "name": b.name, "direction": b.direction} for b in function.bindings
        ],
        "broken": loaded.broken.get(function.name),
        "disabled": function.name in loaded.app.disabled,
        "route": route.text if route else None,
        "methods": sorted(route.methods) if route and route.methods is not None else None,
        "schedule": function.trigger.properties.get("schedule"),
    }


def calls(samples: Iterable[tuple[str, Iterable[HistoryEvent]]]) -> dict[str, list[str]]:
    """Return the calls that samples of histories contain, by the orchestrator's name.

    A sample is an orchestrator's name and the history of one instance. A call is
    ``activity NAME``, ``orchestrator NAME`` or ``entity NAME``.
    """
    calls_by_name: dict[str, set[str]] = {}
    for name, events in samples:
        called = calls_by_name.setdefault(name, set())
        for event in events:
            if isinstance(event, TaskScheduled):
                called.add(f"activity {event.name}")
            elif isinstance(event, SubOrchestrationInstanceCreated):
                called.add(f"orchestrator {event.name}")
            elif isinstance(event, EventSent) and event.instance_id.startswith("@"):
                called.add(f"entity {event.instance_id.split('@')[1]}")
    return {name: sorted(called) for name, called in calls_by_name.items()}
