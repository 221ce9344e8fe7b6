"""The objects that functions get besides their bindings' values: context and output parameters."""

from __future__ import annotations

import threading
from uuid import uuid4

import azure.functions as func

from embedded_worker.loading import LoadedFunction


class FunctionContext(func.Context):
    """The value of a ``context`` parameter."""

    def __init__(self, function: LoadedFunction, invocation_id: str) -> None:
        self._function, self._invocation_id = function, invocation_id or str(uuid4())

    @property
    def invocation_id(self) -> str:
        """The id of this invocation."""
        return self._invocation_id

    @property
    def thread_local_storage(self) -> threading.local:  # type: ignore[override]
        """The storage with the invocation id of the current thread."""
        return thread_local_storage

    @property
    def function_name(self) -> str:
        """The name of the function."""
        return self._function.spec.name

    @property
    def function_directory(self) -> str:
        """The absolute path of the function folder."""
        return self._function.spec.directory

    @property
    def trace_context(self) -> _TraceContext:  # type: ignore[override]
        """An empty trace context."""
        return _TraceContext()

    @property
    def retry_context(self) -> None:  # type: ignore[override]
        """Always None: the triggers that the embedded host serves have no retry policies."""
        return None


# Apps see this name in reprs and errors. The class of Azure's Python worker has the same name.
FunctionContext.__name__ = FunctionContext.__qualname__ = "Context"


class _TraceContext:
    trace_parent = trace_state = Traceparent = Tracestate = ""
    attributes: dict[str, str] = {}  # noqa: RUF012 - functions read it as a mapping


thread_local_storage = threading.local()
"""Thread-local storage with the invocation id, for threads that the app starts.

The Azure Functions host's Python worker has the same storage.
"""


class Output(func.Out[object]):
    """The value of an output parameter."""

    _value: object = None

    def set(self, val: object) -> None:
        """Set the value."""
        self._value = val

    def get(self) -> object:
        """Return the value, or None if it was not set."""
        return self._value
