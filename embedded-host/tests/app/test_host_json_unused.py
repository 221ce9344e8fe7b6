"""Tests of the checks of settings that the embedded host does not use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from embedded_host.app.errors import HostJsonError
from embedded_host.app.host_json import read_host_json


def read(tmp_path: Path, content: dict[str, Any]) -> list[str]:
    """Return the keys without effect."""
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0", **content}))
    ignored = read_host_json(tmp_path, {})[0].ignored
    return [problem.fault.partition(" ")[0].rpartition(".")[2] for problem in ignored]


def durable(**settings: Any) -> dict[str, Any]:
    return {"extensions": {"durableTask": settings}}


def test_valid_values_are_only_reported_as_unused(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "extendedSessionsEnabled": "False",
        "maxConcurrentEntityFunctions": "3",
        "versionFailureStrategy": "fail",
        "grpcHttpClientTimeout": "00:01:40",
        "useAppLease": {},
    }
    storage = {"partitionCount": "16", "controlQueueVisibilityTimeout": "01:00:00"}
    content = {**durable(**settings, storageProvider=storage), "logging": {"fileLoggingMode": 1}}
    assert read(tmp_path, content) == [*settings, *storage, "fileLoggingMode"]


@pytest.mark.parametrize(
    ("content", "here", "on_azure"),
    [
        ({"sendCanceledInvocationsToWorker": "no"}, "must be true or false", "System.Boolean"),
        ({"metadataProviderTimeout": "x"}, "must be a time span", "System.TimeSpan"),
        ({"logging": {"fileLoggingMode": "x"}}, "must be DebugOnly or Always or Never", ""),
        (durable(maxOrchestrationActions=1.5), "must be an integer, but is 1.5", "System.Int32"),
        (durable(maxConcurrentEntityFunctions=0), "must be an integer above 0", ""),
        (durable(extendedSessionsEnabled=True), "must be false", "in-process .NET worker"),
        (durable(tracing={"version": "V3"}), "must be V2 or V1 or None", ""),
        (
            durable(notifications={"eventGrid": {"publishRetryInterval": "01:00:01"}}),
            "publishRetryInterval must be above 0 and at most 60 minutes",
            "PublishRetryInterval must be non-negative and no more than 60 minutes.",
        ),
        (
            durable(storageProvider={"partitionCount": 17}),
            "must be an integer from 1 to 16, but is 17",
            "PartitionCount must be an integer value between 1 and 16.",
        ),
        (
            durable(storageProvider={"type": "AzureStorage", "maxQueuePollingInterval": "0:0:0"}),
            "must be above 0",
            "MaxQueuePollingInterval must be non-negative.",
        ),
    ],
)
def test_an_invalid_value_puts_the_host_in_error(
    tmp_path: Path, content: dict[str, Any], here: str, on_azure: str
) -> None:
    with pytest.raises(HostJsonError) as raised:
        read(tmp_path, content)
    (problem,) = raised.value.problems
    assert here in str(problem)
    assert on_azure in problem.on_azure


def test_another_storage_has_its_own_settings(tmp_path: Path) -> None:
    content = durable(storageProvider={"type": "netherite", "partitionCount": 32})
    assert read(tmp_path, content) == ["partitionCount"]
