"""The objects that functions get besides their bindings' values: context and output parameters.

Their classes have the names and the attributes of the classes of the Azure Functions host's Python
worker. As there, they do not derive from the abstract classes of azure-functions.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import azure.functions as func

from embedded_worker.loading import LoadedFunction
from embedded_worker.protocol import ErrorData, RetryData

REQUEST_TRACE = "EH828"
"""The code of the finding about a trace context that is empty on the Azure Functions host."""


class Context:
    """The value of a ``context`` parameter."""

    def __init__(
        self,
        function: LoadedFunction,
        invocation_id: str,
        retry: RetryData | None = None,
        trace: TraceContext | None = None,
    ) -> None:
        self._function, self._invocation_id = function, invocation_id or str(uuid4())
        self._trace_context = TraceContext() if trace is None else trace
        self._retry_context = _retry_context(retry)

    @property
    def invocation_id(self) -> str:
        """The id of this invocation, a GUID with dashes."""
        return self._invocation_id

    @property
    def thread_local_storage(self) -> threading.local:
        """The storage with the invocation id of the current thread."""
        return thread_local_storage

    @property
    def function_name(self) -> str:
        """The name of the function."""
        return self._function.spec.name

    @property
    def function_directory(self) -> str:
        """The absolute path of the function folder.

        In a v2 app it is the folder of the file in which the function is defined.
        """
        return self._function.spec.directory

    @property
    def trace_context(self) -> TraceContext:
        """The span of the invocation, or the trace context of the HTTP request."""
        return self._trace_context

    @property
    def retry_context(self) -> RetryContext:
        """The number of the run. Both counts are 0 if the function has no retry policy."""
        return self._retry_context


class TraceContext:
    """A W3C trace context.

    With telemetry, it is the span of the invocation. Without telemetry, it has the headers
    ``traceparent`` and ``tracestate`` of the request. On an Azure Functions host without telemetry,
    and with ``--parity strict``, it is empty.
    """

    def __init__(
        self,
        trace_parent: str = "",
        trace_state: str = "",
        on_read: Callable[[], None] | None = None,
    ) -> None:
        """Create a context. ``on_read`` is called when the app reads a value of the context."""
        self._trace_parent, self._trace_state, self._on_read = trace_parent, trace_state, on_read
        self.attributes: dict[str, str] = {}

    def _read(self, value: str) -> str:
        if self._on_read is not None and value:
            self._on_read()
        return value

    @property
    def trace_parent(self) -> str:
        """The W3C ``traceparent``, or an empty string."""
        return self._read(self._trace_parent)

    @property
    def trace_state(self) -> str:
        """The W3C ``tracestate``, or an empty string."""
        return self._read(self._trace_state)

    @property
    def Traceparent(self) -> str:  # noqa: N802 - the name in the Python worker
        """The same as ``trace_parent``."""
        return self.trace_parent

    @property
    def Tracestate(self) -> str:  # noqa: N802
        """The same as ``trace_state``."""
        return self.trace_state

    @property
    def Attributes(self) -> dict[str, str]:  # noqa: N802
        """The same as ``attributes``."""
        return self.attributes


@dataclass(repr=False)
class RpcException:
    """The exception of the previous run. All fields are empty in the first run.

    ``str`` returns the text format of the protobuf message that the Python worker has here.
    """

    source: str = ""
    stack_trace: str = ""
    message: str = ""
    is_user_exception: bool = False
    type: str = ""

    def __str__(self) -> str:
        """Return one line for each field that is not empty."""
        fields = ("stack_trace", "message", "source")
        return "".join(
            f"{name}: {json.dumps(value)}\n" for name in fields if (value := getattr(self, name))
        )

    __repr__ = __str__


@dataclass
class RetryContext:
    """The position of a run among the runs that the function's retry policy allows."""

    retry_count: int
    max_retry_count: int
    rpc_exception: RpcException


def _retry_context(retry: RetryData | None) -> RetryContext:
    if retry is None:
        return RetryContext(0, 0, RpcException())
    error = RpcException() if retry.error is None else _rpc_exception(retry.error)
    return RetryContext(retry.retry_count, retry.max_retry_count, error)


def _rpc_exception(error: ErrorData) -> RpcException:
    """Return the exception with the Python text in ``message``, where the host puts it.

    The host puts a .NET stack trace in ``stack_trace``. There is none here, so it has the Python
    traceback.
    """
    message = f"Result: Failure\nException: {error.type}: {error.message}\nStack: {error.stack}"
    return RpcException("System.Private.CoreLib", error.stack, message)


thread_local_storage = threading.local()
"""Thread-local storage with the invocation id, for threads that the app starts.

The Azure Functions host's Python worker has the same storage.
"""


class Out(func.Out[object]):
    """The value of an output parameter."""

    _value: object = None

    def set(self, val: object) -> None:
        """Set the value."""
        self._value = val

    def get(self) -> object:
        """Return the value, or None if it was not set."""
        return self._value
