"""Runs an app's functions: converts what comes in, calls, converts what goes out, as the real worker does (contract, 5 and 6)."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from uuid import uuid4

import azure.functions as func
from azure.functions import meta

from embedded_host.engine.failures import OUT_OF_PROC_LABEL
from embedded_worker import durable_client as client_calls
from embedded_worker.blocked_turns import BlockedTurns
from embedded_worker.converters import converter_for
from embedded_worker.extensions import Extensions
from embedded_worker.http_values import request_datum, response_data
from embedded_worker.indexing import index_app
from embedded_worker.loading import (
    LoadedFunction,
    LoadError,
    load_function,
    own_stack,
    own_traceback,
    prepare_imports,
)
from embedded_worker.orchestrator_lint import UnusableValueError, suspicious_calls
from embedded_worker.orchestrator_sessions import Session, Sessions, can_be_kept
from embedded_worker.protocol import (
    ErrorData,
    HttpRequestData,
    HttpResponseData,
    InvocationRequest,
    InvocationResult,
    LoadProblem,
    LoadRequest,
    LoadResult,
    Placement,
    TurnRequest,
)
from embedded_worker.threads import Threads

log = logging.getLogger("embedded_host.workers")
_DURABLE = ("orchestrationtrigger", "entitytrigger")
TURN_THREADS = 4
"""Orchestrators and entities have threads of their own: activities that block must not hold them up."""


def function_threads() -> int:
    """How many other functions that are no coroutines run at once, as on the real worker."""
    count = os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT", "")
    return int(count) if count.isdigit() and int(count) > 0 else min(32, (os.cpu_count() or 1) + 4)


class FunctionContext(func.Context):
    """What a ``context`` parameter is given."""

    def __init__(self, function: LoadedFunction, invocation_id: str) -> None:
        self._function, self._invocation_id = function, invocation_id or str(uuid4())

    @property
    def invocation_id(self) -> str:
        return self._invocation_id

    @property
    def thread_local_storage(self) -> Any:
        return _thread_local

    @property
    def function_name(self) -> str:
        return self._function.spec.name

    @property
    def function_directory(self) -> str:
        return self._function.spec.directory

    @property
    def trace_context(self) -> Any:
        return _TraceContext()

    @property
    def retry_context(self) -> Any:
        return None


class _TraceContext:
    trace_parent = trace_state = Traceparent = Tracestate = ""
    attributes: dict[str, str] = {}  # noqa: RUF012 - read by user code as a plain mapping


_thread_local = threading.local()


class Output(func.Out[Any]):
    """What an output parameter is given."""

    _value: Any = None

    def set(self, val: Any) -> None:
        self._value = val

    def get(self) -> Any:
        return self._value


class Runner:
    """``load`` once, then run any number of functions at once: coroutine functions in one event loop, all others by ``run``
    in threads, be they its own (``invoke``, ``turn``) or a worker process's (``call_threads``)."""

    def __init__(self, threads: Threads | None = None) -> None:
        """``threads`` for all of them, if they are not to have their own."""
        self.functions: dict[str, LoadedFunction | LoadError] = {}
        self._pool = threads or Threads(function_threads(), "function")
        self._turns = threads or Threads(TURN_THREADS, "turn")
        self._sessions = Sessions()
        self._blocked = BlockedTurns()
        self._extensions = Extensions({})
        self.root = Path()
        """The app's folder."""
        self._warned: set[str] = set()

    def carry_client_calls(self, ask: client_calls.Ask, base: str) -> None:
        """Let the durable client ask ``ask`` what it would ask the endpoint at ``base``."""
        client_calls.answer_over(ask, base)

    def load(self, load: LoadRequest, tell: Callable[[str], None] = lambda name: None) -> LoadResult:
        """``tell`` is told what is imported next: it may end the process."""
        root = self.root = Path(load.root)
        os.chdir(root)
        prepare_imports(root)
        self._extensions = Extensions(os.environ)
        if load.v2_script:
            tell(load.v2_script)
            indexed = index_app(root, load.v2_script)
            self.functions.update(indexed.loaded)
            self._look_at_functions()
            return LoadResult(indexed.problems, indexed.functions, self._lanes())
        problems: list[LoadProblem] = []
        for spec in load.functions:
            tell(spec.name)
            try:
                self.functions[spec.name] = load_function(root, spec)
            except LoadError as error:
                self.functions[spec.name] = error
                problems.append(LoadProblem(spec.name, str(error), error.stack))
        self._look_at_functions()
        return LoadResult(problems, placements=self._lanes())

    def _lanes(self) -> dict[str, Placement]:
        return {name: self.placement(name) for name in self.functions}

    def _look_at_functions(self) -> None:
        for function in self.functions.values():
            if isinstance(function, LoadedFunction):
                self._extensions.loaded(function.spec.name, function.spec.directory)
                if can_be_kept(function.call):
                    self._warn(suspicious_calls(function.call.orchestrator_function, self.root))  # type: ignore[attr-defined]

    def placement(self, name: str) -> Placement:
        """Where the function runs."""
        function = self.functions.get(name)
        if not isinstance(function, LoadedFunction):
            return "function_threads"
        if function.trigger["type"].lower() in _DURABLE:
            return "durable_threads"
        return "event_loop" if function.is_async else "function_threads"

    async def invoke(self, invoke: InvocationRequest) -> InvocationResult:
        """As ``run_coroutine`` or ``run``."""
        placement = self.placement(invoke.function)
        if placement == "event_loop":
            return await self.run_coroutine(invoke)
        pool: Threads = self._turns if placement == "durable_threads" else self._pool
        result: InvocationResult = await pool.run(self.run, invoke)
        return result

    async def turn(self, turn: TurnRequest) -> InvocationResult:
        """Never raises: what goes wrong is in the result."""
        result: InvocationResult = await self._turns.run(self.run, turn)
        return result

    async def run_coroutine(self, invoke: InvocationRequest) -> InvocationResult:
        """A coroutine function. What goes wrong is in the result; raises CancelledError (see ``cancelled``)."""
        function = self.functions[invoke.function]
        assert isinstance(function, LoadedFunction)
        try:
            arguments, outputs = self._arguments(function, invoke)
            context = self._before(function, invoke.invocation_id, arguments)
            returned = await function.call(**arguments)
            if context is not None:
                self._extensions.after(context, arguments, returned)
            return InvocationResult(invoke.id, self._output(function, returned, outputs))
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)):
                raise
            return InvocationResult(invoke.id, error=error_data(error))

    def cancelled(self, asked: InvocationRequest) -> InvocationResult:
        """What a coroutine function that ends with CancelledError comes to, if nobody but its own code has cancelled it."""
        return InvocationResult(
            asked.id, error=ErrorData("CancelledError", "the function was cancelled by its own code")
        )

    def run(self, asked: InvocationRequest | TurnRequest) -> InvocationResult:
        """Any other function, in the caller's thread. Never raises: what goes wrong is in the result."""
        return self._turn(asked) if isinstance(asked, TurnRequest) else self._invoke(asked)

    def _invoke(self, invoke: InvocationRequest) -> InvocationResult:
        function = self.functions.get(invoke.function)
        if isinstance(function, LoadError):
            return InvocationResult(invoke.id, error=ErrorData("FunctionLoadError", str(function), function.stack))
        if function is None:
            return InvocationResult(
                invoke.id, error=ErrorData("LookupError", f"the worker has no function '{invoke.function}'")
            )
        try:
            arguments, outputs = self._arguments(function, invoke)
            context = self._before(function, invoke.invocation_id, arguments)
            returned = contextvars.copy_context().run(_call, function.call, arguments)
            if context is not None:
                self._extensions.after(context, arguments, returned)
            return InvocationResult(invoke.id, self._output(function, returned, outputs))
        except BaseException as error:
            return InvocationResult(invoke.id, error=error_data(error))

    def _turn(self, turn: TurnRequest) -> InvocationResult:
        function = self.functions.get(turn.function)
        if not isinstance(function, LoadedFunction) or not can_be_kept(function.call):
            if turn.seen:
                return InvocationResult(turn.id, missing=True)
            return self._invoke(InvocationRequest(turn.id, turn.function, turn.payload))
        session = self._sessions.take(turn.instance_id, turn.execution_id, turn.seen) if turn.seen else None
        if turn.seen and session is None:
            return InvocationResult(turn.id, missing=True)
        events = turn.payload if session is not None else None
        self._blocked.begin(function.spec.name, turn.instance_id, self.root)
        try:
            if session is None:
                session = Session(function.call, turn.payload, self.root)
            answer = self._answer(function, turn, session, events)
        except BaseException as error:
            if session is None:  # the payload is none, or the SDK is another
                return InvocationResult(turn.id, error=error_data(error))
            result = InvocationResult(turn.id, error=error_data(error), counts=session.counts, known=session.known)
            session.close()
            return result
        finally:
            self._blocked.end()
        kept = not session.finished
        result = InvocationResult(turn.id, answer, counts=session.counts, known=session.known, kept=kept)
        if kept:
            self._sessions.keep(turn.instance_id, session)
        else:
            self._warn(session.never_yielded())
            session.close()
        return result

    def _answer(self, function: LoadedFunction, turn: TurnRequest, session: Session, events: str | None) -> str:
        """What extensions see of a turn that goes on in memory is what came since the last one."""
        if not self._extensions.enabled:
            return session.answer(events)
        name, kind = function.trigger["name"], function.trigger["type"]
        arguments = {name: _converter(kind).decode(meta.Datum(turn.payload, "string"), trigger_metadata={})}
        context = self._before(function, "", arguments)
        assert context is not None
        returned = session.answer(events)
        self._extensions.after(context, arguments, returned)
        return returned

    def _before(self, function: LoadedFunction, invocation_id: str, arguments: dict[str, Any]) -> func.Context | None:
        """Have extensions look at a call; the context that they were given, None if there are none."""
        if not self._extensions.enabled:
            return None
        given = arguments.get("context") if function.wants_context else None
        context = given or FunctionContext(function, invocation_id)
        self._extensions.before(context, arguments)
        return context

    def _warn(self, sentences: Iterable[str]) -> None:
        """Each once in this worker's life."""
        for sentence in sentences:
            if sentence not in self._warned:
                self._warned.add(sentence)
                log.warning("%s [EH409]", sentence)

    def _arguments(
        self, function: LoadedFunction, invoke: InvocationRequest
    ) -> tuple[dict[str, Any], dict[str, Output]]:
        trigger = function.trigger
        converter = _converter(trigger["type"])
        value = invoke.trigger
        if isinstance(value, HttpRequestData):
            datum = request_datum(value)
        else:
            datum = meta.Datum(value, "json" if trigger["type"].lower() == "timertrigger" else "string")
        decoded = value if function.takes_text else converter.decode(datum, trigger_metadata={})
        arguments: dict[str, Any] = {trigger["name"]: decoded}
        for name in function.clients:
            arguments[name] = invoke.client
        outputs = {name: Output() for name in function.outs}
        arguments.update(outputs)
        if function.wants_context:
            arguments["context"] = context = FunctionContext(function, invoke.invocation_id)
            _thread_local.invocation_id = context.invocation_id
        return arguments, outputs

    def _output(
        self, function: LoadedFunction, returned: Any, outputs: dict[str, Output]
    ) -> HttpResponseData | str | None:
        kind = function.trigger["type"].lower()
        if kind == "httptrigger":
            for name, type_ in function.outs.items():
                if type_.lower() == "http" and outputs[name].get() is not None:
                    return response_data(outputs[name].get(), function.spec.name)
            if function.return_type is not None:
                return response_data(returned, function.spec.name)
            if returned is not None:
                raise RuntimeError(
                    f"function '{function.spec.name}' without a $return binding returned a non-None value"
                )
            return HttpResponseData(200, [], b"")
        converter = _converter(function.trigger["type"])
        if not converter.has_implicit_output():
            if returned is not None and function.return_type is None:
                raise RuntimeError(
                    f"function '{function.spec.name}' without a $return binding returned a non-None value"
                )
            return None
        try:
            datum = converter.encode(returned, expected_type=None)
        except (TypeError, ValueError) as error:
            raise UnusableValueError(
                f"what the function '{function.spec.name}' returns, a {type(returned).__name__}, cannot be made into JSON: "
                f"{error.__cause__ or error}. Return plain values, or give its class to_json and from_json."
            ) from None
        value = datum.value
        return value if value is None or isinstance(value, str) else str(value)


def _call(call: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    try:
        return call(**arguments)
    except StopIteration as error:  # as the real worker, whose future cannot carry it
        raise RuntimeError(f"StopIteration: {error}") from error.with_traceback(own_traceback(error))


def _converter(kind: str) -> Any:
    converter = converter_for(kind)
    if converter is None:
        raise LookupError(f"azure-functions has no converter for a binding of type '{kind}'")
    return converter


def error_data(error: BaseException) -> ErrorData:
    """The class, the text and the user's part of the traceback. An orchestrator's failure comes wrapped by the SDK: the
    text holds its answer, and the user's own exception is the cause."""
    try:
        message = str(error)
        if isinstance(error, UnusableValueError):
            return ErrorData("TypeError", message)
        shown = error.__cause__ if OUT_OF_PROC_LABEL in message and error.__cause__ else error
        return ErrorData(type(error).__name__, message, own_stack(shown))
    except BaseException as another:  # user code's __str__, or no stack or memory left
        return ErrorData(type(error).__name__, f"its text cannot be shown ({type(another).__name__})")
