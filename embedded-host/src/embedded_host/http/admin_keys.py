"""The admin endpoints for access keys: ``/admin/host/keys`` and ``/admin/functions/{name}/keys``.

The responses with lists of keys follow recordings (functions-host.md#admin-endpoints). The other
responses follow the source code of the Azure Functions host (KeysController.cs).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping

from embedded_host.access_keys.key_file import HOST, MASTER, SYSTEM, KeyFile, Scope
from embedded_host.web.request import Request
from embedded_host.web.response import Response, empty_response, json_response, text_response
from embedded_host.workers.current_app import CurrentApp

_HOST_SCOPES = {"keys": HOST, "functionkeys": HOST, "systemkeys": SYSTEM}


class AdminKeys:
    """The endpoints that list, create, renew and delete access keys."""

    def __init__(self, keys: KeyFile, app: CurrentApp) -> None:
        self._keys, self._app = keys, app

    async def handle(self, request: Request, parts: list[str]) -> Response | None:
        """Return the response to a request, or None if its path is not an endpoint for keys.

        ``parts`` are the decoded segments of the path after ``/admin``.
        """
        lower = [part.lower() for part in parts]
        if lower[:1] == ["host"] and len(parts) in (2, 3) and lower[1] in _HOST_SCOPES:
            scope, name = _HOST_SCOPES[lower[1]], parts[2:]
        elif lower[:1] == ["functions"] and len(parts) in (3, 4) and lower[2] == "keys":
            if not any(
                function.name.lower() == lower[1] for function in self._app.loaded.app.functions
            ):
                return empty_response(404)
            scope, name = Scope("function", lower[1]), parts[3:]
        else:
            return None
        sent: object = None
        if request.method == "PUT" and name:
            with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
                sent = json.loads(await request.read())["value"]
        # A change waits for the lock of the key file, which another process may hold.
        return await asyncio.to_thread(self._respond, request, scope, name, sent)

    def _respond(self, request: Request, scope: Scope, name: list[str], sent: object) -> Response:
        if not name:
            return self._list(request, scope) if request.method == "GET" else empty_response(404)
        if request.method == "GET":
            value = {**self._values(scope), **self._master(scope)}.get(name[0])
            return empty_response(404) if value is None else _key(request, name[0], value)
        if request.method == "POST":
            return self._put(request, scope, name[0], None)
        if request.method == "PUT":
            if not isinstance(sent, str) or not sent:
                return text_response("Invalid key value", status=400)
            return self._put(request, scope, name[0], sent)
        if request.method == "DELETE":
            if name[0].startswith("_"):
                return text_response("Invalid key name.", status=400)
            return empty_response(204 if self._keys.remove(scope, name[0]) else 404)
        return empty_response(404)

    def _values(self, scope: Scope) -> Mapping[str, str]:
        return (
            self._keys.of_function(scope.function)
            if scope.kind == "function"
            else self._keys.keys().of(scope)
        )

    def _master(self, scope: Scope) -> Mapping[str, str]:
        return {MASTER: self._keys.keys().master} if scope == SYSTEM else {}

    def _list(self, request: Request, scope: Scope) -> Response:
        keys = [{"name": name, "value": value} for name, value in self._values(scope).items()]
        return json_response({"keys": keys, "links": _links(request)})

    def _put(self, request: Request, scope: Scope, name: str, value: str | None) -> Response:
        value, is_new = self._keys.put(scope, name, value)
        response = _key(request, name, value)
        if is_new:
            response.status = 201
            response.set_header("Location", f"{request.base_url}/")
        return response


def _key(request: Request, name: str, value: str) -> Response:
    return json_response({"name": name, "value": value, "links": _links(request)})


def _links(request: Request) -> list[dict[str, str]]:
    """Return a link to the resource. It has no query, because the query may contain a key."""
    return [{"rel": "self", "href": f"{request.base_url}{request.path}"}]
