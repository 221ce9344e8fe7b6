"""HTTP triggers: routing, trigger data and responses.

See functions-host.md#http-routing to #http-responses.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import partial

from embedded_host.app.http_route import HttpRoute
from embedded_host.app.route_template import RouteTemplate, RouteTemplateError
from embedded_host.http.authorization import Authorization
from embedded_host.http.function_query import function_query
from embedded_host.http.function_responses import function_response
from embedded_host.http.throttle import SCALE_OUT, Throttle, TooBusyError
from embedded_host.parity.findings import Findings
from embedded_host.parity.kinds.http import CHUNKED_BODY
from embedded_host.task_hub.clock import WallClock
from embedded_host.task_hub.delays import Delays
from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.telemetry.http_calls import current_call
from embedded_host.web.request import BodyTooLargeError, Request
from embedded_host.web.response import Response, empty_response, text_response
from embedded_host.workers.current_app import CurrentApp
from embedded_host.workers.failed_runs import log_failed_run
from embedded_host.workers.function_retries import FunctionRetries
from embedded_host.workers.worker import Invocation, Worker
from embedded_worker.protocol import (
    ErrorData,
    HttpRequestData,
    HttpResponseData,
    InvocationResult,
    RetryData,
)

log = logging.getLogger("embedded_host.http")


class HttpFunctions:
    """The HTTP functions of the app."""

    def __init__(
        self,
        app: CurrentApp,
        worker: Worker,
        binding: Callable[[str, bool], str],
        throttle: Throttle | None = None,
        authorization: Authorization | None = None,
        retries: FunctionRetries | None = None,
        findings: Findings | None = None,
    ) -> None:
        """Run functions in ``worker``.

        ``binding`` returns the value of a durableClient binding for the base URL of a request. Its
        second argument is true for SDK 2.x. ``retries`` runs functions that have a retry policy.
        """
        self._app, self._worker, self._binding = app, worker, binding
        self._throttle = throttle or Throttle()
        self._authorization = authorization or Authorization()
        self._retries = retries or FunctionRetries(Delays(WallClock()).wait)
        self._findings = findings or Findings()

    def has_route_for(self, request: Request) -> bool:
        """Return True if the route and the methods of a function match the request."""
        return self._match(request) is not None

    def starts_instances(self, request: Request) -> bool:
        """Return True for a request to a function with a durable client."""
        match = self._match(request)
        return match is not None and match[0].takes_client

    def serves_prefix(self, segment: str) -> bool:
        """Return True if the first segment of a function's route is exactly ``segment``."""
        return any(
            route.text.partition("/")[0].lower() == segment
            for route in self._app.loaded.routes.values()
        )

    async def handle(self, request: Request) -> Response:
        """Return the response of the function whose route matches, or a 404."""
        problem = self._app.loaded.problem
        if problem is not None:
            return self._out_of_service(request, f"The app is not loaded: {problem}", status=404)
        match = self._match(request)
        if match is None:
            return self._refused(request) or empty_response(404)
        if refusal := self._authorization.to_function(request, match[0].function):
            return refusal
        if self._is_hidden(request, match[0]):
            return empty_response(404)
        try:
            with self._throttle.admit():
                return await self._run(request, *match)
        except TooBusyError:
            return Response(429, b"", [SCALE_OUT])

    def _is_hidden(self, request: Request, route: HttpRoute) -> bool:
        """Return True for a disabled function. Only a request with the master key can run it."""
        if route.function.name not in self._app.loaded.app.disabled:
            return False
        authorization = self._authorization
        return not (authorization.requires_keys and authorization.is_master(request))

    async def _run(self, request: Request, route: HttpRoute, values: dict[str, str]) -> Response:
        name = route.function.name
        if (call := current_call.get()) is not None:
            call.function, call.route = name, route.text
        if request.lacks_host:
            log.error(
                "Function '%s' was not called: a request of HTTP/1.0 has no Host header, so the "
                "URL of the request is unknown. [EH825]",
                name,
            )
            return text_response("The request has no Host header.", status=500)
        try:
            body = await self._body(request, name)
        except BodyTooLargeError as error:
            log.error(
                "Function '%s' was not called: %s Increase the app setting "
                "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT, or send less data. [EH826]",
                name,
                error,
            )
            response = text_response(
                f"{error} The app setting FUNCTIONS_REQUEST_BODY_SIZE_LIMIT sets the limit.",
                status=500,
            )
            response.close = True
            return response
        data = HttpRequestData(
            method=request.method,
            url=request.url,
            headers={name.lower(): value for name, value in request.headers.items()},
            query=function_query(request.query_text),
            route=values,
            body=body,
        )
        grpc = route.function.requires_grpc
        client = self._binding(request.base_url, grpc) if route.takes_client else ""

        async def run(id: str, retry: RetryData | None) -> InvocationResult:
            return await self._worker.invoke(Invocation(name, data, client, id, retry))

        try:
            async with self._throttle.running:
                result = await self._retries.run(
                    route.function, run, partial(log_failed_run, log, self._app.loaded, name)
                )
        except WorkerLostError:
            return empty_response(500)
        if result.error is not None:
            return self._failed(request, name, result.error)
        if not isinstance(result.value, HttpResponseData):
            log.error("Function '%s' returned no HTTP response. [EH322]", name)
            return empty_response(500)
        return function_response(name, request.method, result.value, self._findings)

    async def _body(self, request: Request, name: str) -> bytes:
        """Return the body that the function receives (functions-host.md#http-requests).

        In strict mode, a chunked body is empty, as on the Azure Functions host.
        """
        length = request.headers.get("content-length", "")
        if length:
            return await request.read() if length.isdigit() and int(length) > 0 else b""
        if self._findings.is_strict or "transfer-encoding" not in request.headers:
            return b""
        body = await request.read()
        if body:
            self._findings.add(CHUNKED_BODY, name)
        return body

    def _refused(self, request: Request) -> Response | None:
        """Return the response of a function that is out of service, or None if no route matches."""
        served = self._app.loaded
        for name, text in served.refused.items():
            if _would_match(text, request.path.removeprefix("/")):
                reason = served.broken.get(name, "its function.json cannot be used")
                # A function whose function.json is in error does not exist.
                return self._out_of_service(
                    request,
                    f"Function '{name}' is out of service: {reason}",
                    # An invalid route puts the Azure Functions host in error.
                    status=503 if name in served.route_errors else 404,
                )
        return None

    def _out_of_service(self, request: Request, reason: str, *, status: int = 500) -> Response:
        """Return a response with the status of the Azure Functions host.

        The reason can contain details of the app's code. If the host requires keys, only a request
        with the master key receives the reason.
        """
        return (
            text_response(reason, status=status)
            if self._authorization.is_master(request)
            else empty_response(status)
        )

    def _failed(self, request: Request, name: str, error: ErrorData) -> Response:
        if error.type == "FunctionLoadError":
            return self._out_of_service(
                request, f"Function '{name}' is out of service: {error.message}"
            )
        return empty_response(500)

    def _match(self, request: Request) -> tuple[HttpRoute, dict[str, str]] | None:
        return self._app.loaded.route_table.match(request.method, request.path.removeprefix("/"))


def _would_match(text: str, path: str) -> bool:
    """Return True if the route ``text`` matches the path.

    An invalid route matches if the path begins with the text before the route's first parameter.
    """
    text = re.sub("/{2,}", "/", text)
    try:
        return RouteTemplate.parse(text).match(path) is not None
    except RouteTemplateError:
        return path.lower().startswith(text.partition("{")[0].lower())
