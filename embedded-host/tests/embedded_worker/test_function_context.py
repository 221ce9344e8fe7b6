"""The objects that functions get besides their bindings' values."""

from __future__ import annotations

from uuid import UUID

import azure.functions as func
import pytest

from embedded_worker.function_context import Context, Out, TraceContext, thread_local_storage
from embedded_worker.loading import LoadedFunction
from embedded_worker.protocol import BindingSpec, ErrorData, FunctionSpec, RetryData


@pytest.fixture
def function() -> LoadedFunction:
    spec = FunctionSpec("Hello", "/app/Hello", "/app/Hello/__init__.py", "main", [])
    return LoadedFunction(spec, print, False, BindingSpec("httpTrigger", "req"), (), {}, None, True)


def test_the_context_names_the_function_and_the_invocation(function: LoadedFunction) -> None:
    context = Context(function, "the invocation")
    assert (context.function_name, context.function_directory) == ("Hello", "/app/Hello")
    assert context.invocation_id == "the invocation"
    assert context.thread_local_storage is thread_local_storage


def test_the_class_has_the_name_of_the_workers_class(function: LoadedFunction) -> None:
    context: object = Context(function, "")
    assert type(context).__name__ == "Context"
    with pytest.raises(AttributeError, match="'Context' object has no attribute 'nothing'"):
        getattr(context, "nothing")  # noqa: B009 - mypy knows that there is no such attribute


def test_an_invocation_without_an_id_gets_one(function: LoadedFunction) -> None:
    assert UUID(Context(function, "").invocation_id)


def test_the_trace_is_empty(function: LoadedFunction) -> None:
    trace = Context(function, "").trace_context
    assert (trace.trace_parent, trace.trace_state, trace.attributes) == ("", "", {})
    assert (trace.Traceparent, trace.Tracestate, trace.Attributes) == ("", "", {})


def test_the_trace_has_both_spellings_of_its_names_and_reports_that_it_is_read(
    function: LoadedFunction,
) -> None:
    read: list[None] = []
    given = TraceContext("00-a-b-01", "k=v", lambda: read.append(None))
    trace = Context(function, "", None, given).trace_context
    assert read == []
    assert (trace.trace_parent, trace.trace_state) == ("00-a-b-01", "k=v")
    assert (trace.Traceparent, trace.Tracestate) == ("00-a-b-01", "k=v")
    assert len(read) == 4


def test_a_function_without_a_policy_has_an_empty_retry_context(function: LoadedFunction) -> None:
    retry = Context(function, "").retry_context
    error = retry.rpc_exception
    assert (retry.retry_count, retry.max_retry_count) == (0, 0)
    assert (error.source, error.stack_trace, error.message, str(error)) == ("", "", "", "")
    assert not hasattr(retry, "exception")


def test_a_retry_has_the_error_of_the_previous_run(function: LoadedFunction) -> None:
    data = RetryData(2, -1, ErrorData("ValueError", "not yet", "Traceback"))
    retry = Context(function, "", data).retry_context
    assert (retry.retry_count, retry.max_retry_count) == (2, -1)
    assert "ValueError: not yet" in retry.rpc_exception.message
    assert retry.rpc_exception.source == "System.Private.CoreLib"
    assert 'source: "System.Private.CoreLib"' in str(retry.rpc_exception)


def test_the_class_is_that_of_the_python_worker(function: LoadedFunction) -> None:
    context: object = Context(function, "")
    assert type(context).__name__ == "Context"
    assert not isinstance(context, func.Context)


def test_an_output_returns_its_value() -> None:
    output = Out()
    assert output.get() is None
    output.set(3)
    assert output.get() == 3
