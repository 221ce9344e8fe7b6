"""Keys of host.json that have no effect on the embedded host (functions-host.md#host-json)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from embedded_host.app.definitions import Problem
from embedded_host.app.json_file import JsonPath
from embedded_host.app.suggestion import did_you_mean

_SQLITE = "the embedded host stores its state in one SQLite file"
_ONE_MACHINE = "the embedded host is one process on one machine"
_NOT_SENT = "the embedded host sends no telemetry"
_NOT_SERVED = "the embedded host does not run this kind of function"

_HONOURED = (
    "version",
    "functions",
    "functionTimeout",
    "logging.logLevel",
    "logging.console.logLevel",
    "logging.console.isEnabled",
    "extensions.http.routePrefix",
    "extensions.http.customHeaders",
    "extensions.http.maxOutstandingRequests",
    "extensions.http.maxConcurrentRequests",
    "extensions.durableTask.hubName",
    "extensions.durableTask.maxConcurrentActivityFunctions",
    "extensions.durableTask.maxConcurrentOrchestratorFunctions",
    "extensions.durableTask.maxEntityOperationBatchSize",
    "extensions.durableTask.overridableExistingInstanceStates",
    "extensions.durableTask.storeInputsInOrchestrationHistory",
    "extensions.durableTask.defaultVersion",
    "extensions.durableTask.httpSettings.defaultAsyncRequestSleepTimeMilliseconds",
    "extensions.durableTask.storageProvider.type",
)
_WITHOUT_EFFECT_ANYWHERE = (
    "$schema",
    "isDefaultHostConfig",
    "extensionBundle",
    "managedDependency",
)
"""Keys that are never reported: the embedded host needs no extension bundles or dependencies."""

_REASONS: dict[str, str] = {
    "aggregator": _NOT_SENT,
    "concurrency": "the limits of extensions.durableTask are fixed",
    "customHandler": "the embedded host runs Python functions only",
    "healthMonitor": _ONE_MACHINE,
    "http": "it belongs to version 1 of host.json. Move its keys to extensions.http",
    "httpWorker": "the embedded host runs Python functions only",
    "retry": _NOT_SERVED,
    "singleton": _ONE_MACHINE,
    "watchDirectories": "the embedded host watches the whole app folder",
    "watchFiles": "the embedded host watches the whole app folder",
    "sendCanceledInvocationsToWorker": "the embedded host does not cancel waiting invocations",
    "queues": _NOT_SERVED,
    "serviceBus": _NOT_SERVED,
    "eventHub": _NOT_SERVED,
    "durableTask": "it belongs to version 1 of host.json. Move its keys to extensions.durableTask",
    "logging": _NOT_SENT,
    "logging.fileLoggingMode": "the embedded host logs to the console",
    "extensions": _NOT_SERVED,
    "extensions.http": "the setting does not exist",
    "telemetryMode": _NOT_SENT,
    "metadataProviderTimeout": "the time to load the app has no limit",
    "extensions.http.hsts": "the Azure Functions host ignores it in development too",
    "extensions.http.enableChunkedRequestBinding": (
        "Python functions get no chunked bodies on the Azure Functions host either"
    ),
    "extensions.http.dynamicThrottlesEnabled": "the embedded host does not measure the load",
    "extensions.durableTask.storageProvider": _SQLITE,
    "extensions.durableTask.maxConcurrentEntityFunctions": (
        "maxConcurrentOrchestratorFunctions also limits entities"
    ),
    "extensions.durableTask.maxOrchestrationActions": "the number of actions has no limit",
    "extensions.durableTask.extendedSessionsEnabled": "extended sessions exist only in .NET",
    "extensions.durableTask.extendedSessionIdleTimeoutInSeconds": (
        "extended sessions exist only in .NET"
    ),
    "extensions.durableTask.entityMessageReorderWindowInMinutes": (
        "the embedded host delivers messages in order"
    ),
    "extensions.durableTask.rollbackEntityOperationsOnExceptions": "it exists only in .NET",
    "extensions.durableTask.throwStatusExceptionsOnRaiseEvent": (
        "it is always true, as with Azure Storage"
    ),
    "extensions.durableTask.useGracefulShutdown": "the embedded host always stops gracefully",
    "extensions.durableTask.useAppLease": _ONE_MACHINE,
    "extensions.durableTask.localRpcEndpointEnabled": "the SDK's endpoint is always enabled",
    "extensions.durableTask.httpSettings.useForwardedHost": (
        "the management URLs of the embedded host do not use X-Forwarded-Host"
    ),
    "extensions.durableTask.tracing": _NOT_SENT,
    "extensions.durableTask.notifications": _NOT_SENT,
    "extensions.durableTask.versionMatchStrategy": "the embedded host runs every version",
    "extensions.durableTask.versionFailureStrategy": "the embedded host runs every version",
    "extensions.durableTask.maxGrpcMessageSizeInBytes": "messages have no size limit",
    "extensions.durableTask.grpcHttpClientTimeout": "it exists only in .NET",
}
"""Reasons by key. A reason also applies to the keys below, unless they have their own reason."""

_SATISFIED = {"extensions.durabletask.entitymessagereorderwindowinminutes": "0"}
"""Values that match the behavior of the embedded host, by key."""
_KNOWN = {path.lower() for path in (*_HONOURED, *_WITHOUT_EFFECT_ANYWHERE)}
_REASON = {path.lower(): reason for path, reason in _REASONS.items()}
_PARENTS = {path.lower().rpartition(".")[0] for path in _HONOURED} | {"extensions"}
_NAMES = sorted(
    {path.rpartition(".")[2] for path in (*_HONOURED, *_WITHOUT_EFFECT_ANYWHERE, *_REASONS)}
)


def ignored_settings(
    document: Mapping[str, object],
    location: Callable[[JsonPath], str] = lambda json_path: "host.json",
) -> tuple[Problem, ...]:
    """Return a problem for each key without effect.

    ``location`` returns the location of a JSON path for messages.
    """
    return tuple(
        Problem(
            location(json_path),
            f"{'.'.join(map(str, json_path))} has no effect: {reason}"
            + ("" if reason.endswith("?") else "."),
            code="EH123",
        )
        for json_path, reason in _ignored(document, ())
    )


def _ignored(section: Mapping[str, object], above: JsonPath) -> Iterator[tuple[JsonPath, str]]:
    for key, value in section.items():
        json_path = (*above, key)
        path = ".".join(map(str, json_path)).lower()
        if path in _KNOWN or (path in _SATISFIED and str(value) == _SATISFIED[path]):
            continue
        if isinstance(value, Mapping) and (
            path in _PARENTS or any(known.startswith(path + ".") for known in _PARENTS)
        ):
            yield from _ignored(value, json_path)
            continue
        yield json_path, _reason(path, key)


def _reason(path: str, key: str) -> str:
    exact = _REASON.get(path)
    if exact:
        return exact
    hint = did_you_mean(key, _NAMES)
    if hint and key.lower() not in [name.lower() for name in _NAMES]:
        return f"the setting does not exist. {hint.rstrip('?')}?"
    while "." in path:
        path = path.rpartition(".")[0]
        if path in _REASON:
            return _REASON[path]
    return "the setting is unknown to the embedded host"


def other_storage(
    document: Mapping[str, object], location: Callable[[JsonPath], str]
) -> tuple[Problem, ...]:
    """Return a warning if ``storageProvider.type`` names a storage other than Azure Storage."""
    section: object = document
    json_path: JsonPath = ()
    for key in ("extensions", "durableTask", "storageProvider", "type"):
        if not isinstance(section, Mapping):
            return ()
        found = next((name for name in section if name.lower() == key.lower()), None)
        if found is None:
            return ()
        section, json_path = section[found], (*json_path, found)
    if str(section).lower() in ("azurestorage", "azure_storage"):
        return ()
    return (
        Problem(
            location(json_path),
            f"The storage provider '{section}' is not used: {_SQLITE}.",
            "The app needs no change. Only the Azure Functions host connects to this storage.",
            code="EH124",
        ),
    )
