"""Check the values of the settings in host.json that the embedded host does not use.

The Azure Functions host converts them to their types when it starts, so an invalid value puts it in
error. Sources, in Azure/azure-functions-host: ``src/WebJobs.Script/Config/ScriptJobHostOptions.cs``
and ``ScriptJobHostOptionsSetup.cs``. In Azure/azure-functions-durable-extension, in the folder
``src/WebJobs.Extensions.DurableTask/Options``: ``DurableTaskOptions.cs``,
``AzureStorageOptions.cs``, ``EventGridNotificationOptions.cs``, ``HttpOptions.cs`` and
``TraceOptions.cs``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from embedded_host.app.host_json_ignored import other_storage
from embedded_host.app.host_json_values import (
    InvalidValueError,
    Reader,
    boolean,
    choice,
    integer,
    is_nested,
    positive,
    time_span,
)
from embedded_host.app.json_file import JsonPath

_HOUR = timedelta(hours=1)


def check_unused(reader: Reader) -> None:
    """Add a problem to ``reader`` for each invalid value."""
    for path, convert in _SETTINGS.items():
        _check(reader, tuple(path.split(".")), convert)
    if not other_storage(reader.document, reader.location):
        for name, convert in _AZURE_STORAGE.items():
            _check(reader, ("extensions", "durableTask", "storageProvider", name), convert)


def _check(reader: Reader, path: JsonPath, convert: Callable[[object], object]) -> None:
    """Add a problem if a value is invalid. An object or a list has no effect."""
    if not is_nested(reader.find(path)[1]):
        reader.read(path, None, convert)


def _within(least: int, most: int, allowed: str, message: str) -> Callable[[object], int]:
    """Return the function that reads an integer from ``least`` to ``most``."""

    def read(value: object) -> int:
        number = integer(value)
        if not least <= number <= most:
            raise InvalidValueError(allowed, message=message)
        return number

    return read


def _lasting(
    least: timedelta, most: timedelta, allowed: str, message: str
) -> Callable[[object], timedelta]:
    """Return the function that reads a time span from ``least`` to ``most``."""

    def read(value: object) -> timedelta:
        span = time_span(value)
        if not least <= span <= most:
            raise InvalidValueError(allowed, message=message)
        return span

    return read


def _extended_sessions(value: object) -> bool:
    if boolean(value):
        raise InvalidValueError(
            "must be false, because extended sessions exist only in .NET",
            message="Durable Functions with extendedSessionsEnabled set to 'true' is only "
            "supported when using the in-process .NET worker. Please remove the setting or change "
            "it to 'false'.",
        )
    return False


_SETTINGS: dict[str, Callable[[object], object]] = {
    "fileWatchingEnabled": boolean,
    "isDefaultHostConfig": boolean,
    "sendCanceledInvocationsToWorker": boolean,
    "metadataProviderTimeout": time_span,
    "logging.fileLoggingMode": choice("Never", "Always", "DebugOnly"),
    "extensions.http.dynamicThrottlesEnabled": boolean,
    **{
        f"extensions.durableTask.{name}": convert
        for name, convert in {
            "maxConcurrentEntityFunctions": positive,
            "localRpcEndpointEnabled": boolean,
            "extendedSessionsEnabled": _extended_sessions,
            "extendedSessionIdleTimeoutInSeconds": integer,
            "maxOrchestrationActions": integer,
            "useGracefulShutdown": boolean,
            "rollbackEntityOperationsOnExceptions": boolean,
            "throwStatusExceptionsOnRaiseEvent": boolean,
            "useAppLease": boolean,
            "versionFailureStrategy": choice("Reject", "Fail"),
            "grpcHttpClientTimeout": time_span,
            "httpSettings.useForwardedHost": boolean,
            "tracing.traceInputsAndOutputs": boolean,
            "tracing.traceReplayEvents": boolean,
            "tracing.allowVerboseLinuxTelemetry": boolean,
            "tracing.distributedTracingEnabled": boolean,
            "tracing.version": choice("None", "V1", "V2"),
            "notifications.eventGrid.publishRetryCount": integer,
            "notifications.eventGrid.publishRetryInterval": _lasting(
                timedelta.resolution,
                _HOUR,
                "must be above 0 and at most 60 minutes",
                "PublishRetryInterval must be non-negative and no more than 60 minutes.",
            ),
        }.items()
    },
}
_AZURE_STORAGE: dict[str, Callable[[object], object]] = {
    "controlQueueBatchSize": _within(
        1,
        2**31,
        "must be an integer above 0",
        "ControlQueueBatchSize must be a non-negative integer.",
    ),
    "partitionCount": _within(
        1,
        16,
        "must be an integer from 1 to 16",
        "PartitionCount must be an integer value between 1 and 16.",
    ),
    "controlQueueBufferThreshold": _within(
        1,
        1000,
        "must be an integer from 1 to 1000",
        "ControlQueueBufferThreshold must be between 1 and 1000.",
    ),
    "controlQueueVisibilityTimeout": _lasting(
        timedelta(minutes=1),
        _HOUR,
        "must be from 1 to 60 minutes",
        "ControlQueueVisibilityTimeout must be between 1 and 60 minutes.",
    ),
    "maxQueuePollingInterval": _lasting(
        timedelta.resolution,
        timedelta.max,
        "must be above 0",
        "MaxQueuePollingInterval must be non-negative.",
    ),
    "workItemQueueVisibilityTimeout": time_span,
    "fetchLargeMessagesAutomatically": boolean,
    "useLegacyPartitionManagement": boolean,
    "useTablePartitionManagement": boolean,
    "allowReplayingTerminalInstances": boolean,
}
"""The settings of ``storageProvider`` for Azure Storage, by name."""
