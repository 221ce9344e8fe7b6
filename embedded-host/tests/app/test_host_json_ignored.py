from __future__ import annotations

from typing import Any

import pytest

from embedded_host.app.host_json_ignored import ignored_settings, other_storage


@pytest.mark.parametrize(
    ("document", "texts"),
    [
        (
            {
                "version": "2.0",
                "extensionBundle": {"id": "x"},
                "logging": {"logLevel": {"default": "Debug"}},
            },
            [],
        ),
        (
            {"Singleton": {"lockPeriod": "x"}},
            ["Singleton has no effect: the embedded host is one process"],
        ),
        (
            {"extensions": {"durableTask": {"hubName": "H", "useAppLease": True}}},
            ["extensions.durableTask.useAppLease has no effect"],
        ),
        (
            {"extensions": {"durableTask": {"hubNam": "H"}}},
            ["the setting does not exist. Did you mean 'hubName'?"],
        ),
        ({"extensions": {"durableTask": {"entityMessageReorderWindowInMinutes": 0}}}, []),
        (
            {"extensions": {"durableTask": {"entityMessageReorderWindowInMinutes": 30}}},
            ["has no effect: the embedded host delivers messages in order"],
        ),
        ({"extensions": {"eventHubs": {"prefetchCount": 1}}}, ["does not run this kind"]),
        ({"extensions": {"durabelTask": {}}}, ["Did you mean 'durableTask'?"]),
        ({"retry": {"maxRetryCount": 1, "maxRetries": 2}}, ["retry.maxRetries has no effect"]),
        (
            {"healthMonitor": {"enable": False, "counterThreshold": 0.5}},
            ["healthMonitor has no effect", "enable has no effect: the setting does not exist."],
        ),
        (
            {"extensions": {"durableTask": {"useTablePartitionManagement": True}}},
            ["does not exist here. Move it to extensions.durableTask.storageProvider."],
        ),
        ({"hubName": "H"}, ["does not exist here. Move it to extensions.durableTask."]),
        ({"queues": {"batchSize": 1}}, ["version 1 of host.json. In version 2, it is extensions."]),
        (
            {"logging": {"applicationInsights": {"samplingSettings": {"isEnabld": True}}}},
            ["logging.applicationInsights has no effect", "Did you mean 'isEnabled'?"],
        ),
        ({"extensions": 1, "logging": []}, []),
        ({"zzz": 1}, ["zzz has no effect: the setting is unknown"]),
        ({"extensions": {"queues": {"batchSize": 1}}}, ["extensions.queues has no effect"]),
    ],
)
def test_only_settings_without_effect_are_reported(
    document: dict[str, Any], texts: list[str]
) -> None:
    problems = ignored_settings(document)
    assert len(problems) == len(texts)
    assert all(text in problem.fault for text, problem in zip(texts, problems, strict=True))
    assert {problem.code for problem in problems} <= {"EH123"}


@pytest.mark.parametrize(
    ("kind", "count"), [("mssql", 1), ("AzureStorage", 0), ("azure_storage", 0)]
)
def test_a_storage_provider_other_than_azure_storage_is_reported(kind: str, count: int) -> None:
    document = {"extensions": {"DurableTask": {"storageProvider": {"type": kind}}}}
    problems = other_storage(document, lambda place: ".".join(map(str, place)))
    assert len(problems) == count
    assert other_storage({}, lambda place: "") == ()
