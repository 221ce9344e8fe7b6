"""The admin endpoints: host status, functions and keys (functions-host.md#admin-endpoints)."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from urllib.parse import unquote

import msgspec

from embedded_host.access_keys.key_file import KeyFile
from embedded_host.app.definitions import Function
from embedded_host.http.admin_keys import AdminKeys
from embedded_host.http.authorization import Authorization
from embedded_host.http.host_status import host_status
from embedded_host.parity.documents import parity_document
from embedded_host.parity.findings import Findings
from embedded_host.web.request import Request
from embedded_host.web.response import Response, empty_response, json_response, text_response
from embedded_host.workers.current_app import CurrentApp

log = logging.getLogger("embedded_host.http")
Invoke = Callable[[Function, str], None]


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
    ) -> None:
        """Serve the functions of ``app``.

        ``invoke(function, input)`` starts a function that has no HTTP trigger, and returns at once.
        ``keys`` is None if the host requires no keys. ``findings`` are the app's parity findings.
        ``host_errors`` returns the errors because of which no function is served.
        """
        self._app, self._invoke, self._authorization = app, invoke, authorization or Authorization()
        self._keys = AdminKeys(keys, app) if keys is not None else None
        self._findings = findings or Findings()
        self._host_errors = host_errors
        self._started = time.monotonic()

    async def handle(self, request: Request) -> Response:
        """Return the response to a request whose path begins with ``/admin``."""
        parts = [unquote(p) for p in request.path.strip("/").split("/")][1:]
        lower = [p.lower() for p in parts]
        if lower == ["host", "ping"] and request.method in ("GET", "POST"):
            return empty_response(200)
        if refusal := self._authorization.to_admin(request):
            return refusal
        if self._keys is not None and (response := await self._keys.handle(request, parts)):
            return response
        if lower == ["host", "status"] and request.method == "GET":
            return json_response(self._status())
        if lower == ["host", "parity"] and request.method == "GET":
            # The Azure Functions host has no such endpoint.
            return json_response(msgspec.to_builtins(parity_document(self._findings)))
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
        if function is None:
            return empty_response(404)
        if lower[2:] == ["status"] and request.method == "GET":
            problem = self._app.loaded.broken.get(function.name)
            return json_response({"errors": [problem]} if problem else {})
        if parts[2:]:
            return empty_response(404)
        if request.method == "POST":
            if self._host_errors():
                return empty_response(503)
            if not self._app.loaded.app.host.runs(function.name):
                return empty_response(404)
            if problem := self._app.loaded.broken.get(function.name):
                return text_response(
                    f"Function '{function.name}' is out of service: {problem}", status=500
                )
            return await self._start(request, function)
        return (
            json_response(self._describe(request, function))
            if request.method == "GET"
            else empty_response(404)
        )

    def _status(self) -> dict[str, object]:
        errors = self._host_errors()
        return host_status(
            self._started,
            [*errors, *self._app.loaded.broken.values()],
            in_error=bool(errors),
        )

    async def _start(self, request: Request, function: Function) -> Response:
        try:
            input = json.loads(await request.read())["input"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return empty_response(400)
        self._invoke(function, input if isinstance(input, str) else json.dumps(input))
        return empty_response(202)

    def _describe(self, request: Request, function: Function) -> dict[str, object]:
        base, folder = (
            request.base_url,
            f"{request.base_url}/admin/vfs/{self._app.loaded.app.root.name}/{function.name}",
        )
        route = self._app.loaded.routes.get(function.name)
        return {
            "name": function.name,
            "script_root_path_href": f"{folder}/",
            "script_href": f"{folder}/{function.script_file.name}",
            "config_href": f"{folder}/function.json",
            "test_data_href": None,
            "href": f"{base}/admin/functions/{function.name}",
            "invoke_url_template": f"{base}/{route.text}".lower() if route else None,
            "language": "python",
            "config": dict(function.config),
            "files": None,
            "test_data": "",
            "isDisabled": function.name in self._app.loaded.app.disabled,
            "isDirect": False,
            "isProxy": False,
        }
