"""The differences between the versions of the SDK."""

from __future__ import annotations

import functools
import json
from types import FunctionType

import azure.durable_functions as df
import pytest

from embedded_worker.sdk import (
    entity_of,
    has_empty_error,
    orchestrator_of,
    passes_client,
    user_code,
    with_error,
)
from embedded_worker.user_function import UserFunction


def old_handle(creator: type, fn: UserFunction) -> UserFunction:
    """Return a handle as azure-functions-durable before 1.3.0 creates it."""

    def handle(context: object) -> object:
        return fn(context)

    names = {"__name__": creator.__module__}
    return FunctionType(handle.__code__, names, "handle", None, handle.__closure__)


def own(context: object) -> None: ...


@pytest.mark.parametrize(
    "handle", [df.Orchestrator.create(own), old_handle(df.Orchestrator, own)], ids=["new", "old"]
)
def test_the_users_orchestrator_is_found_in_its_handle(handle: UserFunction) -> None:
    assert orchestrator_of(handle) is own
    assert entity_of(handle) is None
    assert user_code(handle) is own


@pytest.mark.parametrize(
    "handle", [df.Entity.create(own), old_handle(df.Entity, own)], ids=["new", "old"]
)
def test_the_users_entity_is_found_in_its_handle(handle: UserFunction) -> None:
    assert entity_of(handle) is own
    assert orchestrator_of(handle) is None
    assert user_code(handle) is own


def test_other_callables_are_not_handles() -> None:
    for call in (own, len, old_handle(dict, own)):
        assert orchestrator_of(call) is None
        assert entity_of(call) is None
        assert user_code(call) is call


def decorated(fn: UserFunction) -> UserFunction:
    """Return a function that calls ``fn``, with the attributes of ``fn``."""

    @functools.wraps(fn)
    def logged(context: object) -> object:
        return fn(context)

    return logged


@pytest.mark.parametrize("creator", [df.Orchestrator, df.Entity])
@pytest.mark.parametrize("version", ["new", "old"])
def test_a_decorated_handle_is_not_a_handle(version: str, creator: type) -> None:
    handle = creator.create(own) if version == "new" else old_handle(creator, own)  # type: ignore[attr-defined]
    call = decorated(handle)
    assert orchestrator_of(call) is None
    assert entity_of(call) is None
    assert user_code(call) is own


def test_the_users_function_is_found_below_a_client() -> None:
    async def start(req: object, client: object) -> None: ...

    app = df.DFApp()
    app.durable_client_input(client_name="client")(decorated(start))
    call = app._function_builders[0]._function.get_user_function()
    assert call.client_function is not start
    assert user_code(call) is start
    assert passes_client(call)
    assert not passes_client(start)
    assert not passes_client(decorated(call))


FAILED = "$OutOfProcData$:"


@pytest.mark.parametrize("error", ['"error": "", ', ""])
def test_an_exception_without_text_has_its_class_as_the_error(error: str) -> None:
    """Before azure-functions-durable 1.3.0, the state has no error."""
    message = f'\n\n{FAILED}{{"isDone": false, {error}"actions": [[]]}}'
    text, label, state = with_error(message, KeyError()).partition(FAILED)
    assert (text, label) == ("\n\n", FAILED)
    assert json.loads(state) == {
        "isDone": False,
        "actions": [[]],
        "error": "<class 'KeyError'>",
    }


@pytest.mark.parametrize(
    "message",
    [
        f'boom\n\n{FAILED}{{"error": "boom"}}',
        f'\n\n{FAILED}{{"error": "<class \'KeyError\'>"}}',
        f"{FAILED}not JSON",
        f"{FAILED}[]",
        f"text\n\n{FAILED}{{}}",
    ],
)
def test_other_messages_are_not_changed(message: str) -> None:
    assert with_error(message, KeyError()) == message


class UnreadableError(Exception):
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Exception(f'\n\n{FAILED}{{"isDone": false, "actions": [[]]}}'), True),
        (Exception(f'boom\n\n{FAILED}{{"error": "boom"}}'), False),
        (Exception("boom"), False),
        (UnreadableError(), False),
    ],
)
def test_an_empty_error_is_recognized(error: Exception, expected: bool) -> None:
    assert not has_empty_error(error), "the SDK sets the cause"
    error.__cause__ = KeyError()
    assert has_empty_error(error) is expected
