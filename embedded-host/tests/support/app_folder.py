"""Small Functions apps that tests write to disk."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

Json = dict[str, Any]

HTTP_OUT: Json = {"name": "$return", "type": "http", "direction": "out"}
BUNDLE: Json = {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"}
CLIENT: Json = {"name": "starter", "type": "durableClient", "direction": "in"}

_ORCHESTRATOR = """\
from datetime import timedelta

import azure.durable_functions as df


def orchestrate(context: df.DurableOrchestrationContext):
{body}


main = df.Orchestrator.create(orchestrate)
"""

_STARTER = """\
import json

import azure.durable_functions as df
import azure.functions as func


async def main(req: func.HttpRequest, starter: str) -> func.HttpResponse:
    client = df.DurableOrchestrationClient(starter)
    body = req.get_body()
    route = req.route_params
    input = json.loads(body) if body else None
    instance_id = await client.start_new(route["functionName"], route.get("instanceId"), input)
    return client.create_check_status_response(req, instance_id)
"""

_ENTITY = """\
import azure.durable_functions as df


def entity_function(context: df.DurableEntityContext):
{body}


main = df.Entity.create(entity_function)
"""

_COUNTER = """
value = context.get_state(lambda: 0)
if context.operation_name == "add":
    value += context.get_input()
context.set_result(value)
context.set_state(value)
"""


def http_trigger(route: str | None = None, *methods: str, **more: Any) -> Json:
    trigger: Json = {
        "name": "req",
        "type": "httpTrigger",
        "direction": "in",
        "authLevel": "anonymous",
        **more,
    }
    if route is not None:
        trigger["route"] = route
    if methods:
        trigger["methods"] = list(methods)
    return trigger


def activity_trigger(name: str = "value") -> Json:
    return {"name": name, "type": "activityTrigger", "direction": "in"}


def orchestration_trigger(name: str = "context") -> Json:
    return {"name": name, "type": "orchestrationTrigger", "direction": "in"}


class AppFolder:
    """An app that a test creates in the folder ``root``."""

    def __init__(self, root: Path, host_json: Json | None = None, hub: str = "TestHub") -> None:
        self.root = root
        self.write(
            "host.json",
            json.dumps(
                host_json
                or {
                    "version": "2.0",
                    "logging": {"logLevel": {"default": "Information"}},
                    "extensions": {"durableTask": {"hubName": hub}},
                    "extensionBundle": BUNDLE,
                }
            ),
        )
        settings = {
            "AzureWebJobsStorage": "UseDevelopmentStorage=true",
            "FUNCTIONS_WORKER_RUNTIME": "python",
        }
        self.write("local.settings.json", json.dumps({"IsEncrypted": False, "Values": settings}))

    def write(self, path: str, text: str) -> Path:
        """Write the dedented ``text`` to a file, and return the file's path."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return file

    def function(
        self, name: str, code: str, *bindings: Json, script: str = "__init__.py", **config: Any
    ) -> None:
        """Write a function folder. ``config`` has additional properties of function.json."""
        self.write(f"{name}/{script}", code)
        self.write(
            f"{name}/function.json",
            json.dumps({"scriptFile": script, **config, "bindings": bindings}, indent=2),
        )

    def http(
        self, name: str, code: str, route: str | None = None, *methods: str, client: bool = False
    ) -> None:
        """Write an HTTP function."""
        bindings = [http_trigger(route, *methods), HTTP_OUT, *([CLIENT] if client else [])]
        self.function(name, code, *bindings)

    def activity(self, name: str, body: str) -> None:
        """Write an activity. ``body`` is the body of ``main(value)``."""
        self.function(name, f"def main(value):\n{_indented(body)}\n", activity_trigger())

    def orchestrator(self, name: str, body: str) -> None:
        """Write an orchestrator. ``body`` is the body of a generator function of ``context``.

        It can use ``df`` and ``timedelta``.
        """
        self.function(name, _ORCHESTRATOR.format(body=_indented(body)), orchestration_trigger())

    def starter(self) -> None:
        """Write the starter: POST /api/start/{functionName}/{instanceId?} with a JSON input."""
        self.http(
            "Starter", _STARTER, "start/{functionName}/{instanceId?}", "post", "get", client=True
        )

    def entity(self, name: str, body: str) -> None:
        """Write an entity. ``body`` is the body of a function of ``context``."""
        trigger = {"name": "context", "type": "entityTrigger", "direction": "in"}
        self.function(name, _ENTITY.format(body=_indented(body)), trigger)

    def counter(self, name: str = "Counter") -> None:
        """Write an entity whose operation ``add`` adds its input. All operations return the sum."""
        self.entity(name, _COUNTER)


def _indented(body: str) -> str:
    return textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")
