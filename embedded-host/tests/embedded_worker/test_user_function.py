"""The type of the app's functions."""

from __future__ import annotations

import azure.durable_functions as df

from embedded_worker.user_function import is_orchestrator_handle


def test_only_the_result_of_orchestrator_create_is_a_handle() -> None:
    assert is_orchestrator_handle(df.Orchestrator.create(lambda context: None))
    assert not is_orchestrator_handle(df.Entity.create(lambda context: None))
    assert not is_orchestrator_handle(len)
