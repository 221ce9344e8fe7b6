"""The app's functions as the dashboard shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from embedded_host.app.definitions import Function
from embedded_host.engine.events import (
    EventSent,
    HistoryEvent,
    SubOrchestrationInstanceCreated,
    TaskScheduled,
)
from embedded_host.store.overview import OrchestratorUse
from embedded_host.workers.loaded_app import LoadedApp

_SHOWN_INPUT = 20_000
"""Characters of a last input that are offered; a longer one is not."""


def functions_shown(loaded: LoadedApp, used: dict[str, OrchestratorUse]) -> dict[str, Any]:
    """``used`` is what the state knows of orchestrators, by name."""
    functions = {f.name: f for f in loaded.app.functions}
    shown = [_function(loaded, functions[name]) for name in sorted(functions, key=str.lower)]
    shown += [
        {
            "name": name,
            "durableName": name,
            "type": "",
            "file": "",
            "bindings": [],
            "broken": why,
            "disabled": False,
        }
        for name, why in sorted(loaded.broken.items())
        if name not in functions
    ]
    for function in shown:
        if function["type"] == "orchestrationTrigger" and function["durableName"] in used:
            use = used[function["durableName"]]
            offered = (
                use.input if use.input is not None and len(use.input) <= _SHOWN_INPUT else None
            )
            function |= {"instances": use.count, "newest": use.newest / 1000, "lastInput": offered}
    return {"functions": shown, "problem": loaded.problem}


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
    """Orchestrator -> ``activity NAME``, ``orchestrator NAME`` and ``entity NAME`` as its histories have them."""
    found: dict[str, dict[str, None]] = {}
    for name, events in samples:
        called = found.setdefault(name, {})
        for event in events:
            if isinstance(event, TaskScheduled):
                called[f"activity {event.name}"] = None
            elif isinstance(event, SubOrchestrationInstanceCreated):
                called[f"orchestrator {event.name}"] = None
            elif isinstance(event, EventSent) and event.instance_id.startswith("@"):
                called[f"entity {event.instance_id.split('@')[1]}"] = None
    return {name: sorted(called) for name, called in found.items()}
