"""Checks of settings and connections."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_host.app.definitions import Binding, Function
from embedded_host.doctor.setting_checks import (
    check_bindings,
    check_durable_storage,
    check_required,
)

BOTH = {"AzureWebJobsStorage": "UseDevelopmentStorage=true", "FUNCTIONS_WORKER_RUNTIME": "python"}


def function(kind: str, **properties: object) -> Function:
    binding = Binding(kind, "value", "in", properties)
    return Function("Hello", Path("Hello"), Path("Hello/__init__.py"), "main", (binding,))


def test_every_app_needs_two_settings() -> None:
    assert list(check_required(BOTH)) == []
    findings = list(check_required({}))
    assert [(finding.severity, finding.code) for finding in findings] == [("warning", "EH712")] * 2
    assert "AzureWebJobsStorage" in findings[0].text
    assert "FUNCTIONS_WORKER_RUNTIME" in findings[1].text


@pytest.mark.parametrize(
    "settings",
    [
        {"Orders": "x"},
        {"AzureWebJobsOrders": "x"},
        {"ConnectionStrings:Orders": "x"},
        {"Orders__serviceUri": "x"},
        {"orders:serviceUri": "x"},
        {"AzureWebJobsOrders__accountName": "x"},
    ],
)
def test_a_connection_has_a_string_or_an_identity(settings: dict[str, str]) -> None:
    queue = function("queueTrigger", connection="Orders")
    assert list(check_bindings([queue], settings)) == []


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("queueTrigger", "connection"),
        ("durableClient", "connectionName"),
        ("cosmosDB", "connectionStringSetting"),
        ("blob", "Connection"),
    ],
)
def test_a_connection_without_a_setting_is_one_warning(kind: str, key: str) -> None:
    functions = [function(kind, **{key: "Orders"})] * 2
    settings = {**BOTH, "OrdersOld": "x", "Orders": ""}
    (finding,) = check_bindings(functions, settings)
    assert (finding.severity, finding.code) == ("warning", "EH713")
    assert f"'Orders' of Hello ({kind}) has no setting" in finding.text


def test_an_unknown_name_in_a_binding_is_a_warning() -> None:
    queue = function("queueTrigger", queueName="%QUEUE%", connection="")
    (finding,) = check_bindings([queue], BOTH)
    assert (finding.severity, finding.code) == ("warning", "EH121")
    assert "%QUEUE%" in finding.text
    assert list(check_bindings([queue], {"QUEUE": "orders"})) == []


def test_names_that_are_resolved_at_the_load_are_not_reported_again() -> None:
    assert list(check_bindings([function("timerTrigger", schedule="%SCHEDULE%")], BOTH)) == []
    assert list(check_bindings([function("httpTrigger", route="%ROUTE%")], BOTH)) == []


def test_the_connection_of_the_task_hub_needs_a_setting() -> None:
    def document(**provider: str) -> dict[str, object]:
        return {"extensions": {"DurableTask": {"storageProvider": provider}}}

    for key in ("connectionName", "connectionStringName"):
        (finding,) = check_durable_storage(document(**{key: "Hub"}), BOTH)
        assert (finding.code, finding.file) == ("EH713", "host.json")
        assert list(check_durable_storage(document(**{key: "Hub"}), {"Hub": "x"})) == []
    assert list(check_durable_storage({}, BOTH)) == []
    assert list(check_durable_storage({"extensions": None}, BOTH)) == []
