"""The objects that functions get besides their bindings' values: the context and output parameters."""

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
        return self._invocation_id

    @property
    def thread_local_storage(self) -> threading.local:  # type: ignore[override]
        return thread_local_storage

    @property
    def function_name(self) -> str:
        return self._function.spec.name

    @property
    def function_directory(self) -> str:
        return self._function.spec.directory

    @property
    def trace_context(self) -> _TraceContext:  # type: ignore[override]
        return _TraceContext()

    @property
    def retry_context(self) -> None:  # type: ignore[override]
        return None


class _TraceContext:
    trace_parent = trace_state = Traceparent = Tracestate = ""
    attributes: dict[str, str] = {}  # noqa: RUF012 - user code reads it as a plain mapping


thread_local_storage = threading.local()
"""The storage in which the Functions host's worker keeps the invocation id, for the app's own threads."""


class Output(func.Out[object]):
    """The value of an output parameter."""

    _value: object = None

    def set(self, val: object) -> None:
        self._value = val

    def get(self) -> object:
        return self._value
