"""The objects that functions get besides their bindings' values."""

from __future__ import annotations

from uuid import UUID

import pytest

from embedded_worker.function_context import FunctionContext, Output, thread_local_storage
from embedded_worker.loading import LoadedFunction
from embedded_worker.protocol import BindingSpec, FunctionSpec


@pytest.fixture
def function() -> LoadedFunction:
    spec = FunctionSpec("Hello", "/app/Hello", "/app/Hello/__init__.py", "main", [])
    return LoadedFunction(spec, print, False, BindingSpec("httpTrigger", "req"), (), {}, None, True)


def test_the_context_names_the_function_and_the_invocation(function: LoadedFunction) -> None:
    context = FunctionContext(function, "the invocation")
    assert (context.function_name, context.function_directory) == ("Hello", "/app/Hello")
    assert context.invocation_id == "the invocation"
    assert context.thread_local_storage is thread_local_storage


def test_the_class_has_the_name_of_the_workers_class(function: LoadedFunction) -> None:
    context = FunctionContext(function, "")
    assert type(context).__name__ == "Context"
    with pytest.raises(AttributeError, match="'Context' object has no attribute 'nothing'"):
        getattr(context, "nothing")  # noqa: B009 - mypy knows that there is no such attribute


def test_an_invocation_without_an_id_gets_one(function: LoadedFunction) -> None:
    assert UUID(FunctionContext(function, "").invocation_id)


def test_trace_and_retry_are_empty(function: LoadedFunction) -> None:
    context = FunctionContext(function, "")
    assert (context.trace_context.Traceparent, context.trace_context.attributes) == ("", {})
    assert context.retry_context is None


def test_an_output_returns_its_value() -> None:
    output = Output()
    assert output.get() is None
    output.set(3)
    assert output.get() == 3
