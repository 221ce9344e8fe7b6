"""The admin endpoints: host status, functions and keys (functions-host.md#admin-endpoints)."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from urllib.parse import unquote

import msgspec

from embedded_host.access_keys.key_file import KeyFile
from embedded_host.app.definitions import Function
from embedded_host.http.admin_keys import AdminKeys
from embedded_host.http.authorization import Authorization
from embedded_host.http.host_status import host_status
from embedded_host.management.host_report import HostReport, host_errors
from embedded_host.parity.documents import parity_document
from embedded_host.parity.findings import Findings
from embedded_host.web.request import Request
from embedded_host.web.response import Response, empty_response, json_response, text_response
from embedded_host.workers.current_app import CurrentApp
from embedded_host.workers.loaded_app import LoadedApp

log = logging.getLogger("embedded_host.http")
METRICS = "text/plain; version=0.0.4; charset=utf-8"
"""The content type of the Prometheus text format."""
NO_CACHE = ("Cache-Control", "no-store,no-cache")
START_EXAMPLE = '{"input": "text"}'

Invoke = Callable[[Function, str | None], None]
"""A function that starts a function of the app with an input, and returns at once."""


class Admin:
    """The endpoints below ``/admin``."""

    def __init__(
        self,
        app: CurrentApp,
        invoke: Invoke,
        authorization: Authorization | None = None,
        keys: KeyFile | None = None,
        findings: Findings | None = None,
        *,
        host_errors: Callable[[], Sequence[str]] = tuple,
        report: Callable[[], HostReport] | None = None,
        metrics: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        """Serve the functions of ``app``.

        ``invoke(function, input)`` starts a function and returns at once.
        ``keys`` is None if the host requires no keys. ``findings`` are the app's parity findings.
        ``host_errors`` returns the errors because of which no function is served. ``report``
        returns the report about the host. ``metrics`` returns the metrics in Prometheus format.
        """
        self._app, self._invoke, self._authorization = app, invoke, authorization or Authorization()
        self._keys = AdminKeys(keys, app) if keys is not None else None
        self._findings = findings or Findings()
        self._host_errors = host_errors
        self._report, self._metrics = report, metrics
        self._started = time.monotonic()

    async def handle(self, request: Request) -> Response:
        """Return the response to a request whose path begins with ``/admin``."""
        parts = [unquote(p) for p in request.path.strip("/").split("/")][1:]
        lower = [p.lower() for p in parts]
        if lower == ["host", "ping"] and request.method in ("GET", "POST"):
            return Response(200, b"", [NO_CACHE])
        if lower == ["warmup"] and request.method in ("GET", "POST"):
            return self._warm_up()
        if refusal := self._authorization.to_admin(request):
            return refusal
        if self._keys is not None and (response := await self._keys.handle(request, parts)):
            return response
        if lower == ["host", "status"] and request.method == "GET":
            return json_response(self._status())
        if lower == ["host", "parity"] and request.method == "GET":
            # The Azure Functions host has no such endpoint.
            return json_response(msgspec.to_builtins(parity_document(self._findings)))
        if lower == ["host", "app"] and request.method == "GET":
            # The Azure Functions host has no such endpoint. The command line compares the app.
            app = self._app.loaded.app
            return json_response({"root": str(app.root), "taskHub": app.host.hub_name})
        if lower == ["host", "metrics"] and request.method == "GET" and self._metrics is not None:
            # The Azure Functions host has no such endpoint.
            return Response(200, (await self._metrics()).encode(), [("Content-Type", METRICS)])
        if lower == ["host", "synctriggers"] and request.method == "POST":
            return json_response(
                {"status": "Invalid environment for SyncTriggers operation."}, status=500
            )
        if lower[:1] != ["functions"] or len(parts) > 3:
            return empty_response(404)
        if len(parts) == 1:
            if request.method != "GET":
                return empty_response(404)
            functions = [f for f in self._app.loaded.app.functions if not f.is_built_in]
            functions.sort(key=lambda f: f.name.lower())
            return json_response([self._describe(request, f) for f in functions])
        function = next(
            (f for f in self._app.loaded.app.functions if f.name.lower() == lower[1]), None
        )
        if len(parts) == 2 and request.method == "POST":
            return await self._start(request, function, parts[1])
        if function is None:
            return empty_response(404)
        if lower[2:] == ["status"] and request.method == "GET":
            problem = self._app.loaded.broken.get(function.name)
            return json_response({"errors": [problem]} if problem else {})
        if parts[2:]:
            return empty_response(404)
        if request.method == "DELETE":
            return text_response(
                f"The embedded host does not delete the folder of '{function.name}', unlike the "
                "Azure Functions host. Delete it yourself.",
                status=404,
            )
        return (
            json_response(self._describe(request, function))
            if request.method == "GET"
            else empty_response(404)
        )

    def _status(self) -> dict[str, object]:
        errors = self._host_errors()
        return host_status(
            self._started,
            list(dict.fromkeys([*errors, *host_errors(self._app)])),
            in_error=bool(errors),
            report=msgspec.to_builtins(self._report()) if self._report is not None else None,
        )

    async def metrics(self, request: Request) -> Response | None:
        """Return the response to ``GET /metrics``, or None if the host has no metrics."""
        if self._metrics is None:
            return None
        return await self.handle(replace(request, path="/admin/host/metrics"))

    def _warm_up(self) -> Response:
        """Start the warmup functions. This path requires no key."""
        loaded = self._app.loaded
        missing = loaded.broken.keys() - loaded.unloaded
        for function in loaded.of_type("warmuptrigger"):
            if function.name not in missing:
                self._invoke(function, None)
        return empty_response(200)

    async def _start(self, request: Request, function: Function | None, name: str) -> Response:
        """Start a function, and respond before it has run.

        As on the Azure Functions host, the content type is checked first, then the body, then the
        name.
        """
        if not _is_json(request.headers.get("content-type", "")):
            return text_response(
                "The request has no content type of JSON. Set the header Content-Type to "
                "application/json.",
                status=415,
            )
        try:
            input = _input(await request.read())
        except ValueError as error:
            return text_response(
                f"The body is not an object such as {START_EXAMPLE}: {error}", status=400
            )
        loaded = self._app.loaded
        if self._host_errors():
            return empty_response(503)
        if function is None or not loaded.app.host.runs(function.name):
            return _unknown(name, loaded)
        problem = loaded.broken.get(function.name)
        if problem is not None and function.name not in loaded.unloaded:
            return text_response(
                f"Function '{function.name}' is out of service: {problem}", status=404
            )
        self._invoke(function, input)
        return empty_response(202)

    def _describe(self, request: Request, function: Function) -> dict[str, object]:
        base, app = request.base_url, self._app.loaded.app
        files = f"{base}/admin/vfs/{app.root.name}"
        # A function of a v2 app has no folder.
        folder = None if app.uses_v2_model else f"{files}/{function.name}"
        route = self._app.loaded.routes.get(function.name)
        return {
            "name": function.name,
            "script_root_path_href": folder and f"{folder}/",
            "script_href": f"{folder or files}/{function.script_file.name}",
            "config_href": folder and f"{folder}/function.json",
            "test_data_href": None,
            "href": f"{base}/admin/functions/{function.name}",
            "invoke_url_template": f"{base}/{route.text}".lower() if route else None,
            "language": "python",
            "config": dict(function.config),
            "files": None,
            "test_data": "",
            "isDisabled": function.name in app.disabled,
            "isDirect": False,
            "isProxy": False,
        }


def _is_json(content_type: str) -> bool:
    """Return True for a content type whose bodies the Azure Functions host reads."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind in ("application/json", "text/json") or (
        kind.startswith("application/") and kind.endswith("+json")
    )


def _input(body: bytes) -> str | None:
    """Return the input in the body of a start. Raises ValueError for an invalid body."""
    try:
        document = json.loads(body)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError("it is not an object")
    # The names ignore case, and the last of several values counts.
    values = [value for key, value in document.items() if key.lower() == "input"]
    value = values[-1] if values else None
    if isinstance(value, dict | list):
        raise ValueError("the input must be a string. Encode other values as JSON text")
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _unknown(name: str, loaded: LoadedApp) -> Response:
    known = [f.name for f in loaded.app.functions if not f.is_built_in]
    names = ", ".join(sorted(known, key=str.lower)) or "none"
    return text_response(f"There is no function '{name}'. The functions are: {names}.", status=404)
