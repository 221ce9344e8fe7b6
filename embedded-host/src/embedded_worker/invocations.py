"""Runs the functions of an app: one call of a function is an invocation."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable
from functools import partial
from typing import cast

import azure.functions as func

from embedded_worker.durable_calls import run_handle
from embedded_worker.failed_calls import failed_result, report_empty_error, report_unanswered
from embedded_worker.function_context import REQUEST_TRACE, Context, TraceContext
from embedded_worker.function_logs import RunningFunction
from embedded_worker.function_values import arguments_of, output_of
from embedded_worker.imported_app import DURABLE_TRIGGERS, ImportedApp
from embedded_worker.loading import LoadedFunction, LoadError, own_traceback
from embedded_worker.protocol import (
    ErrorData,
    FindingData,
    HttpRequestData,
    InvocationRequest,
    InvocationResult,
)
from embedded_worker.user_function import UserFunction


class Invocations:
    """Runs any number of an app's functions at the same time."""

    def __init__(self, app: ImportedApp) -> None:
        """Run the functions of ``app``."""
        self._app = app
        self._traced: set[str] = set()
        """The functions that have read the trace context of a request."""

    async def run_coroutine(self, invoke: InvocationRequest) -> InvocationResult:
        """Run a coroutine function. The result contains its exception, if any.

        Raises CancelledError if the function raises it (see ``cancelled``).
        """
        function = self._app.functions[invoke.function]
        assert isinstance(function, LoadedFunction)
        id, instance_id = invoke.invocation_id, invoke.instance_id
        with RunningFunction(invoke.function, id, instance_id, is_coroutine=True):
            return await self._run_coroutine(function, invoke)

    async def _run_coroutine(
        self, function: LoadedFunction, invoke: InvocationRequest
    ) -> InvocationResult:
        try:
            arguments, outputs = arguments_of(function, invoke, self._context)
            context = self.before(function, invoke, arguments)
            returned = await cast("Awaitable[object]", function.call(**arguments))
            if context is not None:
                self._app.extensions.after(context, arguments, returned)
            return InvocationResult(
                invoke.id, output_of(function, returned, outputs, self._app.report)
            )
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) or (
                isinstance(error, KeyboardInterrupt) and not self._app.in_own_process
            ):
                raise
            return failed_result(self._app, invoke.id, function, error)

    def cancelled(
        self, request: InvocationRequest, error: BaseException | None = None
    ) -> InvocationResult:
        """Return the failed result of a coroutine function whose own code raised CancelledError.

        ``error`` is None if the exception is not known.
        """
        function = self._app.functions.get(request.function)
        if isinstance(function, LoadedFunction):
            report_unanswered(self._app, function, error or asyncio.CancelledError())
        return InvocationResult(
            request.id,
            error=ErrorData("CancelledError", "the function was cancelled by its own code"),
        )

    def run(self, invoke: InvocationRequest) -> InvocationResult:
        """Run a function in this thread. The result contains its exception, if any."""
        function = self._app.functions.get(invoke.function)
        if isinstance(function, LoadError):
            return InvocationResult(
                invoke.id, error=ErrorData("FunctionLoadError", str(function), function.stack)
            )
        if function is None:
            return InvocationResult(
                invoke.id,
                error=ErrorData("LookupError", f"the worker has no function '{invoke.function}'"),
            )
        try:
            if function.trigger.type.lower() in DURABLE_TRIGGERS and isinstance(
                invoke.trigger, str
            ):
                context = self._context(function, invoke)
                value = run_handle(
                    function.call,
                    function.trigger.type,
                    invoke.trigger,
                    cast("func.Context", context),
                )
                if value is not None:
                    return InvocationResult(invoke.id, value)
            arguments, outputs = arguments_of(function, invoke, self._context)
            hooked = self.before(function, invoke, arguments)
            returned = contextvars.copy_context().run(_call, function.call, arguments)
            if hooked is not None:
                self._app.extensions.after(hooked, arguments, returned)
            return InvocationResult(
                invoke.id, output_of(function, returned, outputs, self._app.report)
            )
        except BaseException as error:
            report_empty_error(self._app, error, invoke.function)
            return failed_result(self._app, invoke.id, function, error)

    def before(
        self, function: LoadedFunction, invoke: InvocationRequest, arguments: dict[str, object]
    ) -> func.Context | None:
        """Call the hooks and return their context, or None if extensions are disabled."""
        if not self._app.extensions.enabled:
            return None
        context = arguments.get("context") if function.wants_context else None
        if not isinstance(context, Context):
            context = self._context(function, invoke)
        hooked = cast("func.Context", context)
        self._app.extensions.before(hooked, arguments)
        return hooked

    def _context(self, function: LoadedFunction, invoke: InvocationRequest) -> Context:
        """Return the value of a ``context`` parameter."""
        trace = TraceContext(*(invoke.trace or ()))
        if invoke.trace is None and isinstance(invoke.trigger, HttpRequestData):
            headers = invoke.trigger.headers
            if "traceparent" in headers and not self._app.is_strict:
                trace = TraceContext(
                    headers["traceparent"],
                    headers.get("tracestate", ""),
                    partial(self._report_trace, function.spec.name),
                )
        return Context(function, invoke.invocation_id, invoke.retry, trace)

    def _report_trace(self, function: str) -> None:
        """Report, once for each function, a context that is empty on the Functions host."""
        if function not in self._traced:
            self._traced.add(function)
            self._app.report(FindingData(REQUEST_TRACE, function))


def _call(call: UserFunction, arguments: dict[str, object]) -> object:
    try:
        return call(**arguments)
    except StopIteration as error:  # a future cannot hold a StopIteration
        raise RuntimeError(f"StopIteration: {error}") from error.with_traceback(
            own_traceback(error)
        )
