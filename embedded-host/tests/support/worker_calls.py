"""Requests that the host sends to a worker."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from embedded_worker.protocol import (
    BindingSpec,
    ErrorData,
    FunctionSpec,
    HttpRequestData,
    InvocationRequest,
    InvocationResult,
    LoadRequest,
    TurnRequest,
)
from embedded_worker.runner import Runner
from tests.support.app_folder import AppFolder


def spec(app: AppFolder, name: str) -> FunctionSpec:
    """Return the specification of a function on disk."""
    config = json.loads((app.root / name / "function.json").read_text())
    return FunctionSpec(
        name=name,
        directory=str(app.root / name),
        script_file=str(app.root / name / config.get("scriptFile", "__init__.py")),
        entry_point=config.get("entryPoint", "main"),
        bindings=[
            BindingSpec(b["type"], b["name"], b.get("direction", "in").lower())
            for b in config["bindings"]
        ],
    )


def load_of(app: AppFolder, *names: str) -> LoadRequest:
    """Return the load request for the functions ``names`` of an app, or for all its functions."""
    names = names or tuple(sorted(file.parent.name for file in app.root.glob("*/function.json")))
    return LoadRequest(str(app.root), [spec(app, name) for name in names])


def request(body: bytes = b"", method: str = "GET", **query: str) -> HttpRequestData:
    return HttpRequestData(
        method, "http://localhost/api/x", {"x-probe": "v"}, query, {"id": "7"}, body
    )


async def run(runner: Runner, request: InvocationRequest | TurnRequest) -> InvocationResult:
    """Run a function in the event loop or in a thread, according to its placement."""
    if (
        isinstance(request, InvocationRequest)
        and runner.placement(request.function) == "event_loop"
    ):
        return await runner.run_coroutine(request)
    return await asyncio.to_thread(runner.run, request)


async def invoke(
    runner: Runner, name: str, trigger: HttpRequestData | str = "null", client: str = ""
) -> InvocationResult:
    """Run a function and return its result."""
    return await run(runner, InvocationRequest(1, name, trigger, "the-invocation", client))


async def value(runner: Runner, name: str, trigger: HttpRequestData | str = "null") -> Any:
    """Run a function, which must succeed, and return its value."""
    result = await invoke(runner, name, trigger)
    assert result.error is None
    return result.value


async def error(runner: Runner, name: str, trigger: HttpRequestData | str = "null") -> ErrorData:
    """Run a function, which must fail, and return its error."""
    result = await invoke(runner, name, trigger)
    assert result.error is not None
    assert "embedded_host" not in result.error.stack
    return result.error
