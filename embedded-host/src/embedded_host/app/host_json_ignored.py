"""Keys of host.json that have no effect on the embedded host (functions-host.md#host-json)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from embedded_host.app.definitions import Problem
from embedded_host.app.host_json_properties import PROPERTIES, SECTIONS
from embedded_host.app.json_file import JsonPath
from embedded_host.app.suggestion import did_you_mean

_SQLITE = "the embedded host stores its state in one SQLite file"
_ONE_MACHINE = "the embedded host is one process on one machine"
_NOT_SENT = "the embedded host sends no telemetry to Application Insights"
_UNKNOWN = "the setting is unknown to the embedded host"
_NOT_SERVED = "the embedded host does not run this kind of function"
_PYTHON = "the embedded host runs Python functions only"
_PYTHON_WORKER = "the embedded host has its own Python worker"
_VERSION_1 = "it belongs to version 1 of host.json"

HONOURED = (
    "version",
    "functions",
    "functionTimeout",
    "retry.strategy",
    "retry.maxRetryCount",
    "retry.delayInterval",
    "retry.minimumInterval",
    "retry.maximumInterval",
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
"""The settings that the embedded host uses, including those with a fixed value."""
_WITHOUT_EFFECT_ANYWHERE = (
    "$schema",
    "isDefaultHostConfig",
    "extensionBundle",
    "managedDependency",
    "extensions.durableTask.tracing.distributedTracingEnabled",
    "extensions.durableTask.tracing.version",
)
"""Keys that are never reported.

The embedded host needs no extension bundles or dependencies. It traces durable functions whenever
telemetryMode is OpenTelemetry.
"""

_REASONS: dict[str, str] = {
    "aggregator": _NOT_SENT,
    "applicationInsights": f"{_VERSION_1}. Move its keys to logging.applicationInsights",
    "concurrency": "the limits of extensions.durableTask are fixed",
    "configurationProfile": f"it configures custom handlers, and {_PYTHON}",
    "customHandler": _PYTHON,
    "documentDB": f"{_VERSION_1}. In version 2, it is extensions.cosmosDB",
    "durableTask": f"{_VERSION_1}. Move its keys to extensions.durableTask",
    "eventHub": f"{_VERSION_1}. In version 2, it is extensions.eventHubs",
    "fileWatchingEnabled": "the option --no-reload of 'embedded-host start' has this effect",
    "healthMonitor": _ONE_MACHINE,
    "http": f"{_VERSION_1}. Move its keys to extensions.http",
    "httpWorker": _PYTHON,
    "id": _VERSION_1,
    "languageWorker": _PYTHON_WORKER,
    "languageWorkers": _PYTHON_WORKER,
    "logger": f"{_VERSION_1}. Move its levels to logging.logLevel",
    "queues": f"{_VERSION_1}. In version 2, it is extensions.queues",
    "sequentialRestart": _ONE_MACHINE,
    "serviceBus": f"{_VERSION_1}. In version 2, it is extensions.serviceBus",
    "singleton": _ONE_MACHINE,
    "tracing": f"{_VERSION_1}. In version 2, it is logging",
    "watchDirectories": "the embedded host watches the whole app folder",
    "watchFiles": "the embedded host watches the whole app folder",
    "sendCanceledInvocationsToWorker": "the embedded host does not cancel waiting invocations",
    "logging.applicationInsights": _NOT_SENT,
    "logging.fileLoggingMode": "the embedded host logs to the console",
    "extensions": _NOT_SERVED,
    "telemetryMode": f"{_NOT_SENT}. The value OpenTelemetry exports traces and logs",
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
    "extensions.durableTask.appLeaseOptions": _ONE_MACHINE,
    "extensions.durableTask.localRpcEndpointEnabled": "the SDK's endpoint is always enabled",
    "extensions.durableTask.httpSettings.useForwardedHost": (
        "the management URLs of the embedded host do not use X-Forwarded-Host"
    ),
    "extensions.durableTask.tracing": "telemetryMode selects the telemetry",
    "extensions.durableTask.notifications": _NOT_SENT,
    "extensions.durableTask.versionMatchStrategy": "the embedded host runs every version",
    "extensions.durableTask.versionFailureStrategy": "the embedded host runs every version",
    "extensions.durableTask.maxGrpcMessageSizeInBytes": "messages have no size limit",
    "extensions.durableTask.grpcHttpClientTimeout": "it exists only in .NET",
}
"""Reasons by key. A reason also applies to the keys below, unless they have their own reason."""

_SATISFIED = {
    "extensions.durabletask.entitymessagereorderwindowinminutes": "0",
    "telemetrymode": "opentelemetry",
}
"""Values, in lower case, that match the behavior of the embedded host, by key."""
_KNOWN = {path.lower() for path in (*HONOURED, *_WITHOUT_EFFECT_ANYWHERE)}
_REASON = {path.lower(): reason for path, reason in _REASONS.items()}
_SECTIONS = {
    path.lower().rsplit(".", depth)[0]
    for path in HONOURED
    for depth in range(1, path.count(".") + 1)
}
"""The paths of the sections with settings that the embedded host uses."""


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
    """Yield the path of each key without effect, and the reason."""
    known = PROPERTIES.get(_dotted(above), ())
    for key, value in section.items():
        json_path = (*above, key)
        path = _dotted(json_path)
        if path in _KNOWN or (path in _SATISFIED and str(value).lower() == _SATISFIED[path]):
            continue
        if path in _SECTIONS:
            if isinstance(value, Mapping):  # the reader reports any other value
                yield from _ignored(value, json_path)
            continue
        yield json_path, _reason(path) if _has(known, key) else _unknown(above, key)
        if isinstance(value, Mapping):
            yield from _unknown_keys(value, json_path)


def _unknown_keys(section: Mapping[str, object], above: JsonPath) -> Iterator[tuple[JsonPath, str]]:
    """Yield the path of each unknown key in a section without effect, and the reason."""
    known = PROPERTIES.get(_dotted(above), ())
    for key, value in section.items() if known else ():
        if not _has(known, key):
            yield (*above, key), _unknown(above, key)
        elif isinstance(value, Mapping):
            yield from _unknown_keys(value, (*above, key))


def _reason(path: str) -> str:
    """Return the reason of a known key: its own, or that of its section."""
    while path not in _REASON and "." in path:
        path = path.rpartition(".")[0]
    return _REASON.get(path, _UNKNOWN)


def _unknown(above: JsonPath, key: str) -> str:
    """Return the reason of an unknown key in the section ``above``."""
    section = _dotted(above)
    hint = did_you_mean(key, PROPERTIES.get(section, ()))
    if hint:
        return f"the setting does not exist. {hint}"
    place = _place(section, key)
    if place:
        return f"the setting does not exist here. Move it to {place}"
    return _NOT_SERVED if section == "extensions" else _UNKNOWN


def _place(section: str, key: str) -> str | None:
    """Return the section below ``section`` that has the property ``key``, or None.

    Return a section elsewhere only if the embedded host uses the property. None also means that
    several sections have the property.
    """
    inner = f"{section}." if section else ""
    places = [
        path
        for path, names in SECTIONS.items()
        if (path.lower().startswith(inner) or f"{path}.{key}".lower() in _KNOWN)
        and path.lower() != section
        and _has(tuple(names.split()), key)
    ]
    return places[0] if len(places) == 1 else None


def _has(names: tuple[str, ...], key: str) -> bool:
    return key.lower() in (name.lower() for name in names)


def _dotted(json_path: JsonPath) -> str:
    return ".".join(map(str, json_path)).lower()


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
