"""Runs an app's functions: converts the trigger's value, calls the function, converts its result.

The conversions are those of the Azure Functions host's Python worker.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import cast
from uuid import uuid4

import azure.functions as func
from azure.functions import meta

from embedded_worker.app_files import is_app_file
from embedded_worker.blocked_turns import BlockedTurns
from embedded_worker.client_lint import client_problems
from embedded_worker.converters import check_http_output, converter_for
from embedded_worker.durable_calls import can_keep, carry_client_calls, open_session, run_handle
from embedded_worker.durable_client import SendClientRequest
from embedded_worker.extensions import Extensions
from embedded_worker.function_context import Context, Out
from embedded_worker.function_logs import RunningFunction
from embedded_worker.hidden_modules import import_findings, worker_problem
from embedded_worker.http_values import request_datum, response_data
from embedded_worker.import_path import prepare_imports
from embedded_worker.indexing import index_app
from embedded_worker.loading import (
    EXIT_AT_IMPORT,
    LoadedFunction,
    LoadError,
    error_position,
    load_function,
    own_stack,
    own_traceback,
)
from embedded_worker.orchestrator_lint import UnusableValueError
from embedded_worker.process_exit import exit_code_of
from embedded_worker.protocol import (
    ErrorData,
    FindingData,
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
from embedded_worker.replay_lint import suspicious_calls
from embedded_worker.sdk import (
    OUT_OF_PROC_LABEL,
    USES_DURABLETASK,
    has_empty_error,
    orchestrator_of,
    with_error,
)
from embedded_worker.sdk_host_json import UNREADABLE_HOST_JSON, without_sdk
from embedded_worker.session_cache import Session, SessionCache
from embedded_worker.user_function import UserFunction
from embedded_worker.worker_environment import THREAD_COUNT

log = logging.getLogger("embedded_host.workers")
_DURABLE = ("orchestrationtrigger", "entitytrigger")
THREAD_NAMES = "ThreadPoolExecutor-0"
"""The start of the names of the threads for functions, as in the Python worker."""
UNANSWERED = "EH863"
"""The code of the finding about an exception after which the Functions host never responds."""
DURABLE_THREADS = 4
"""Threads for orchestrators and entities only, so that blocking activities do not delay them."""


_STRING_REQUEST = (
    "unexpected type of data received for the \"generic\" binding : 'http'. The request is "
    "annotated with str or bytes. Annotate it with func.HttpRequest"
)
"""The error of a request that is annotated with str or bytes. Its start is the worker's message."""


def function_threads() -> int:
    """Return the number of threads for HTTP functions, activities and timer functions.

    Coroutine functions need no threads. The default is that of the Azure Functions host's Python
    worker.
    """
    count = os.environ.get(THREAD_COUNT, "")
    return int(count) if count.isdigit() and int(count) > 0 else min(32, (os.cpu_count() or 1) + 4)


def ignore_finding(finding: FindingData) -> None:
    """Do nothing. A runner calls it before the host has set ``Runner.report``."""


class Runner:
    """Loads an app once, then runs any number of its functions at the same time.

    ``run_coroutine`` runs coroutine functions in the event loop. ``run`` runs all other functions
    in the caller's thread.
    """

    def __init__(self, *, in_own_process: bool = False) -> None:
        """Create a runner. ``in_own_process`` is True in a worker process."""
        self._in_own_process = in_own_process
        self.functions: dict[str, LoadedFunction | LoadError] = {}
        self._sessions = SessionCache()
        self._blocked = BlockedTurns()
        self._extensions = Extensions({})
        self.root = Path()
        """The app folder."""
        self.is_strict = False
        """True if functions fail as on the Azure Functions host (``--parity strict``)."""
        self.report: Callable[[FindingData], None] = ignore_finding
        """Sends a parity finding to the host. Any thread may call it."""
        self._warned: set[str] = set()

    def carry_client_calls(
        self, send: SendClientRequest, load: LoadRequest, *, in_host: bool
    ) -> None:
        """Use ``send`` for the calls of durable clients to the endpoints in ``load``.

        ``in_host`` is True if the host uses the current event loop too.
        """
        if load.rpc_base:
            carry_client_calls(send, load.rpc_base, load.grpc_target, in_host=in_host)

    def load(
        self, load: LoadRequest, on_import: Callable[[str], None] = lambda name: None
    ) -> LoadResult:
        """Import the app and return its problems.

        ``on_import`` receives each function's name before the import, which may end the process.
        """
        root = self.root = Path(load.root)
        self.is_strict = load.strict
        os.chdir(root)
        prepare_imports(root)
        findings = import_findings(root)
        if self.is_strict and (problem := worker_problem(root)):
            return LoadResult([LoadProblem(None, problem)], findings=findings)
        self._extensions = Extensions(os.environ)
        if load.v2_script:
            on_import(load.v2_script)
            indexed = index_app(root, load.v2_script)
            findings += indexed.findings
            if refused := self._without_sdk(indexed.loaded):
                finding = FindingData(UNREADABLE_HOST_JSON, "host.json")
                error = next(iter(refused.values()))
                return LoadResult([LoadProblem(None, str(error))], findings=[*findings, finding])
            if indexed.functions or indexed.problems:
                self.functions.update(indexed.loaded)
                self._after_load(str(root))
                return LoadResult(
                    indexed.problems,
                    indexed.functions,
                    self._placements(),
                    [*findings, *self._findings()],
                )
        problems: list[LoadProblem] = []
        for spec in load.functions:
            on_import(spec.name)
            try:
                self.functions[spec.name] = load_function(root, spec)
            except LoadError as error:
                self.functions[spec.name] = error
                function: str | None = spec.name
                if self.is_strict and error.code == EXIT_AT_IMPORT:
                    function = None  # the worker process exits, and no function runs
                problems.append(LoadProblem(function, str(error), error.stack))
        refused = self._without_sdk(self.functions)
        self.functions.update(refused)
        problems += [LoadProblem(name, str(error)) for name, error in refused.items()]
        self._after_load()
        return LoadResult(
            problems, placements=self._placements(), findings=[*findings, *self._findings()]
        )

    def _without_sdk(
        self, functions: Mapping[str, LoadedFunction | LoadError]
    ) -> dict[str, LoadError]:
        """Return the functions whose import of the SDK fails in strict mode.

        The check of the SDK does not run under pytest.
        """
        if not (self.is_strict and self._in_own_process):
            return {}
        return without_sdk(self.root, functions)

    def _after_load(self, directory: str = "") -> None:
        """Call the extensions' hooks, and log orchestrators that block or are not deterministic.

        The hooks receive ``directory``, or by default the folder of each function.
        """
        for function in self.functions.values():
            if isinstance(function, LoadedFunction):
                self._extensions.loaded(function.spec.name, directory or function.spec.directory)
                orchestrator = orchestrator_of(function.call)
                if orchestrator is not None and self._is_of_app(orchestrator):
                    self._warn(suspicious_calls(orchestrator, self.root))
                self._warn(client_problems(function, self.root), "EH343")

    def _is_of_app(self, function: UserFunction) -> bool:
        """Return False for an orchestrator of the SDK, such as that of ``call_http``."""
        code = getattr(function, "__code__", None)
        return code is None or is_app_file(code.co_filename, self.root)

    def _findings(self) -> list[FindingData]:
        """Return the parity findings of the signatures of the app's functions."""
        found: list[FindingData] = []
        for function in self.functions.values():
            if isinstance(function, LoadedFunction):
                found += function.findings
            elif function.finding is not None:
                found.append(function.finding)
        return found

    def _placements(self) -> dict[str, Placement]:
        return {name: self.placement(name) for name in self.functions}

    def placement(self, name: str) -> Placement:
        """Return the placement of the function ``name``."""
        function = self.functions.get(name)
        if not isinstance(function, LoadedFunction):
            return "function_threads"
        if function.trigger.type.lower() in _DURABLE:
            return "durable_threads"
        return "event_loop" if function.is_async else "function_threads"

    async def run_coroutine(self, invoke: InvocationRequest) -> InvocationResult:
        """Run a coroutine function. The result contains its exception, if any.

        Raises CancelledError if the function raises it (see ``cancelled``).
        """
        function = self.functions[invoke.function]
        assert isinstance(function, LoadedFunction)
        invoke = _with_id(invoke)
        with RunningFunction(invoke.function, invoke.invocation_id, is_coroutine=True):
            return await self._run_coroutine(function, invoke)

    async def _run_coroutine(
        self, function: LoadedFunction, invoke: InvocationRequest
    ) -> InvocationResult:
        try:
            arguments, outputs = self._arguments(function, invoke)
            context = self._before(function, invoke, arguments)
            returned = await cast("Awaitable[object]", function.call(**arguments))
            if context is not None:
                self._extensions.after(context, arguments, returned)
            return InvocationResult(invoke.id, self._output(function, returned, outputs))
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) or (
                isinstance(error, KeyboardInterrupt) and not self._in_own_process
            ):
                raise
            return self._failed(invoke.id, function, error)

    def _failed(
        self, id: int, function: LoadedFunction, error: BaseException, instance_id: str = ""
    ) -> InvocationResult:
        """Return the result of a call that raised ``error``."""
        exit_code = exit_code_of(error)
        if exit_code is not None:
            return InvocationResult(id, exit_code=exit_code)
        if not isinstance(error, Exception):
            self._report_unanswered(function, error, instance_id)
        return InvocationResult(id, error=error_data(error))

    def _report_unanswered(
        self, function: LoadedFunction, error: BaseException, instance_id: str = ""
    ) -> None:
        """Report an exception that the worker of the Azure Functions host does not catch."""
        file, line = error_position(error, self.root)
        raised = f"{type(error).__name__} is not a subclass of Exception."
        name = function.spec.name
        self.report(FindingData(UNANSWERED, name, raised, file, line, instance_id))

    def cancelled(
        self, request: InvocationRequest, error: BaseException | None = None
    ) -> InvocationResult:
        """Return the failed result of a coroutine function whose own code raised CancelledError.

        ``error`` is None if the exception is not known.
        """
        function = self.functions.get(request.function)
        if isinstance(function, LoadedFunction):
            self._report_unanswered(function, error or asyncio.CancelledError())
        return InvocationResult(
            request.id,
            error=ErrorData("CancelledError", "the function was cancelled by its own code"),
        )

    def run(self, request: InvocationRequest | TurnRequest) -> InvocationResult:
        """Run any other function in this thread. The result contains its exception, if any."""
        if isinstance(request, TurnRequest):
            with RunningFunction(request.function, f"turn {request.id}"):
                return self._turn(request)
        request = _with_id(request)
        with RunningFunction(request.function, request.invocation_id):
            return self._invoke(request)

    def _invoke(self, invoke: InvocationRequest) -> InvocationResult:
        function = self.functions.get(invoke.function)
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
            if function.trigger.type.lower() in _DURABLE and isinstance(invoke.trigger, str):
                context = Context(function, invoke.invocation_id, invoke.retry)
                value = run_handle(
                    function.call,
                    function.trigger.type,
                    invoke.trigger,
                    cast("func.Context", context),
                )
                if value is not None:
                    return InvocationResult(invoke.id, value)
            arguments, outputs = self._arguments(function, invoke)
            hooked = self._before(function, invoke, arguments)
            returned = contextvars.copy_context().run(_call, function.call, arguments)
            if hooked is not None:
                self._extensions.after(hooked, arguments, returned)
            return InvocationResult(invoke.id, self._output(function, returned, outputs))
        except BaseException as error:
            self._report_empty_error(error, invoke.function)
            return self._failed(invoke.id, function, error)

    def _turn(self, turn: TurnRequest) -> InvocationResult:
        function = self.functions.get(turn.function)
        if not isinstance(function, LoadedFunction) or not can_keep(function.call):
            if turn.seen:
                return InvocationResult(turn.id, missing=True)
            return self._invoke(InvocationRequest(turn.id, turn.function, turn.payload))
        session = (
            self._sessions.take(turn.instance_id, turn.execution_id, turn.seen)
            if turn.seen
            else None
        )
        if turn.seen and session is None:
            return InvocationResult(turn.id, missing=True)
        events = turn.payload if session is not None else None
        self._blocked.begin(function.spec.name, turn.instance_id, self.root)
        try:
            if session is None:
                session = open_session(
                    function.call, turn.payload, self.root, is_strict=self.is_strict
                )
                if turn.is_replay:
                    session.report_lines()
            output = self._run_session(function, turn, session, events)
        except BaseException as error:
            self._report_empty_error(error, turn.function, turn.instance_id)
            if session is None:  # the payload is invalid or the SDK is unknown
                return InvocationResult(turn.id, error=error_data(error))
            result = self._failed(turn.id, function, error, turn.instance_id)
            if result.exit_code is None:
                result = result._replace(
                    counts=session.counts, known=session.known, lines=session.lines
                )
            session.close()
            return result
        finally:
            self._blocked.end()
        if new := session.offset_timers():
            self._warn_once(function, new[0], "EH344")
        is_finished = session.finished
        kept = not (is_finished or turn.is_replay)
        result = InvocationResult(
            turn.id,
            output,
            counts=session.counts,
            known=session.known,
            kept=kept,
            lines=session.lines,
        )
        if is_finished:
            self._warn(session.never_yielded())
        if kept:
            self._sessions.keep(turn.instance_id, session)
        else:
            session.close()
        return result

    def _report_empty_error(
        self, error: BaseException, orchestrator: str, instance_id: str = ""
    ) -> None:
        """Report an exception without a text, which SDK 1.x before 1.3 does not pass on."""
        if has_empty_error(error):
            self.report(FindingData("EH887", orchestrator, instance_id=instance_id))

    def _run_session(
        self,
        function: LoadedFunction,
        turn: TurnRequest,
        session: Session,
        events: str | None,
    ) -> str:
        """Run the turn and the extensions' hooks before and after it.

        For an orchestrator in memory, the hooks get only the new events.
        """
        if not self._extensions.enabled:
            return session.run_turn(events)
        name, kind = function.trigger.name, function.trigger.type
        arguments = {
            name: converter_for(kind).decode(
                meta.Datum(turn.payload, "string"), trigger_metadata={}
            )
        }
        request = InvocationRequest(turn.id, turn.function, turn.payload)
        context = self._before(function, request, arguments)
        assert context is not None
        returned = session.run_turn(events)
        self._extensions.after(context, arguments, returned)
        return returned

    def _before(
        self, function: LoadedFunction, invoke: InvocationRequest, arguments: dict[str, object]
    ) -> func.Context | None:
        """Call the hooks and return their context, or None if extensions are disabled."""
        if not self._extensions.enabled:
            return None
        context = arguments.get("context") if function.wants_context else None
        if not isinstance(context, Context):
            context = Context(function, invoke.invocation_id, invoke.retry)
        hooked = cast("func.Context", context)
        self._extensions.before(hooked, arguments)
        return hooked

    def _warn(self, warnings: Iterable[str], code: str = "EH409") -> None:
        """Log each warning, once per process."""
        for warning in warnings:
            if warning not in self._warned:
                self._warned.add(warning)
                log.warning("%s [%s]", warning, code)

    def _warn_once(self, function: LoadedFunction, warning: str, code: str) -> None:
        """Log a warning, once for each function and code."""
        key = f"{code} {function.spec.name}"
        if key not in self._warned:
            self._warned.add(key)
            log.warning("%s [%s]", warning, code)

    def _arguments(
        self, function: LoadedFunction, invoke: InvocationRequest
    ) -> tuple[dict[str, object], dict[str, Out]]:
        trigger = function.trigger
        converter = converter_for(trigger.type)
        value = invoke.trigger
        if isinstance(value, HttpRequestData):
            if function.takes_string:
                raise ValueError(_STRING_REQUEST)
            datum = request_datum(value)
        else:
            datum = meta.Datum(
                value, "json" if trigger.type.lower() == "timertrigger" else "string"
            )
        decoded = value if function.takes_string else converter.decode(datum, trigger_metadata={})
        arguments: dict[str, object] = {trigger.name: decoded}
        for name in function.clients:
            arguments[name] = invoke.client
        outputs = {name: Out() for name in function.outs}
        arguments.update(outputs)
        if function.wants_context:
            arguments["context"] = Context(function, invoke.invocation_id, invoke.retry)
        return arguments, outputs

    def _output(
        self, function: LoadedFunction, returned: object, outputs: dict[str, Out]
    ) -> HttpResponseData | str | None:
        kind = function.trigger.type.lower()
        if kind == "httptrigger":
            return self._response(function, returned, outputs)
        if kind in _DURABLE:  # the SDK returns JSON
            return None if returned is None else str(returned)
        converter = converter_for(function.trigger.type)
        if not converter.has_implicit_output():
            _check_unused(function, returned)
            return None
        try:
            datum = converter.encode(returned, expected_type=None)
        except (TypeError, ValueError) as error:
            if USES_DURABLETASK:  # the SDK records the error in the history
                raise UnusableValueError(str(error), type(error).__name__) from None
            raise UnusableValueError(
                f"{error}. The return value of function '{function.spec.name}', a "
                f"{type(returned).__name__}, cannot be converted to JSON: "
                f"{error.__cause__ or error}. Return plain values, or add to_json and "
                "from_json to the class.",
                type(error).__name__,
            ) from None
        value = datum.value
        return value if value is None or isinstance(value, str) else str(value)

    def _response(
        self, function: LoadedFunction, returned: object, outputs: dict[str, Out]
    ) -> HttpResponseData:
        """Return the response: of the named http output, or of the return value."""
        _check_unused(function, returned)
        response = None
        name = function.spec.name
        for output, kind in function.outs.items():
            value = outputs[output].get() if kind.lower() == "http" else None
            if value is not None:
                check_http_output(kind, value)
                response = response_data(value, name, self.report)
        if function.return_type is not None:
            check_http_output(function.return_type, returned)
            response = response_data(returned, name, self.report)
        return HttpResponseData(204, [], b"") if response is None else response


def _check_unused(function: LoadedFunction, returned: object) -> None:
    """Raise RuntimeError if a function without a ``$return`` binding has returned a value.

    The message begins with that of the Azure Functions host's Python worker.
    """
    if returned is not None and function.return_type is None:
        raise RuntimeError(
            f"function '{function.spec.name}' without a $return bindingreturned a non-None value. "
            "Add an output binding with the name $return, or return nothing."
        )


def _with_id(invoke: InvocationRequest) -> InvocationRequest:
    return invoke if invoke.invocation_id else invoke._replace(invocation_id=str(uuid4()))


def _call(call: UserFunction, arguments: dict[str, object]) -> object:
    try:
        return call(**arguments)
    except StopIteration as error:  # a future cannot hold a StopIteration
        raise RuntimeError(f"StopIteration: {error}") from error.with_traceback(
            own_traceback(error)
        )


def error_data(error: BaseException) -> ErrorData:
    """Return the exception's class, its message and the user's part of its traceback.

    The SDK wraps the exception of an orchestrator: the message then contains the orchestrator's
    state, and the user's own exception is the cause.
    """
    try:
        message = str(error)
        if isinstance(error, UnusableValueError):
            return ErrorData(error.shown_type, message)
        cause = error.__cause__ if OUT_OF_PROC_LABEL in message else None
        if cause is None:
            return ErrorData(type(error).__name__, message, own_stack(error))
        return ErrorData(type(error).__name__, with_error(message, cause), own_stack(cause))
    except BaseException as another:  # raised by the user's __str__, or the stack is exhausted
        return ErrorData(
            type(error).__name__, f"its message cannot be read ({type(another).__name__})"
        )
