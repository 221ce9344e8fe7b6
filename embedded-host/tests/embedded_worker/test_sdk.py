"""The differences between the versions of the SDK."""

from __future__ import annotations

import azure.durable_functions as df
import pytest

from embedded_worker.sdk import HAS_SESSION_HOOKS, entity_of, orchestrator_of, user_code
from embedded_worker.user_function import UserFunction


def old_handle(creator: type, fn: UserFunction) -> UserFunction:
    """Return a handle as azure-functions-durable before 1.3.0 creates it."""

    def handle(context: object) -> object:
        return fn(context)

    handle.__module__ = creator.__module__
    return handle


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


def test_the_installed_sdk_has_the_hooks_of_sessions() -> None:
    assert HAS_SESSION_HOOKS
