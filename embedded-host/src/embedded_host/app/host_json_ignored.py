"""The keys of host.json that have no effect on this host, each with the reason (functions-host.md#host-json)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from embedded_host.app.definitions import Problem
from embedded_host.app.json_file import Place
from embedded_host.app.suggestion import did_you_mean

_SQLITE = "the embedded host keeps its state in one SQLite file"
_ONE_MACHINE = "the embedded host is one process on one machine"
_NOT_SENT = "the embedded host sends no telemetry"
_NOT_SERVED = "the embedded host does not serve this kind of function"

_HONOURED = (
    "version",
    "functionTimeout",
    "logging.logLevel",
    "extensions.http.routePrefix",
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
"""Of no interest: bundles and dependencies are what this host does not need."""

_REASONS: dict[str, str] = {
    "aggregator": _NOT_SENT,
    "concurrency": "the limits of extensions.durableTask are fixed",
    "customHandler": "the embedded host runs Python functions only",
    "functions": "every function that is not disabled is loaded",
    "healthMonitor": _ONE_MACHINE,
    "http": "that is the place of version 1; its keys belong under extensions.http",
    "httpWorker": "the embedded host runs Python functions only",
    "retry": "it is for other triggers than this host serves",
    "singleton": _ONE_MACHINE,
    "watchDirectories": "the embedded host watches the whole app",
    "watchFiles": "the embedded host watches the whole app",
    "sendCanceledInvocationsToWorker": "the embedded host cancels nothing before it starts",
    "queues": _NOT_SERVED,
    "serviceBus": _NOT_SERVED,
    "eventHub": _NOT_SERVED,
    "durableTask": "that is the place of version 1; its keys belong under extensions.durableTask",
    "logging": _NOT_SENT,
    "logging.console": "the embedded host always logs to the console",
    "logging.fileLoggingMode": "the embedded host logs to the console",
    "extensions": _NOT_SERVED,
    "extensions.http": "the embedded host does not decorate answers",
    "extensions.http.dynamicThrottlesEnabled": "the embedded host does not look at the machine's load",
    "extensions.durableTask.storageProvider": _SQLITE,
    "extensions.durableTask.maxConcurrentEntityFunctions": "maxConcurrentOrchestratorFunctions holds for entities too",
    "extensions.durableTask.maxOrchestrationActions": "the number of actions has no limit",
    "extensions.durableTask.extendedSessionsEnabled": "extended sessions are for .NET",
    "extensions.durableTask.extendedSessionIdleTimeoutInSeconds": "extended sessions are for .NET",
    "extensions.durableTask.entityMessageReorderWindowInMinutes": "messages never change their order here",
    "extensions.durableTask.rollbackEntityOperationsOnExceptions": "it is for .NET",
    "extensions.durableTask.throwStatusExceptionsOnRaiseEvent": "it is as for Azure Storage: true",
    "extensions.durableTask.useGracefulShutdown": "the embedded host always drains",
    "extensions.durableTask.useAppLease": _ONE_MACHINE,
    "extensions.durableTask.localRpcEndpointEnabled": "the SDK's endpoint is always on",
    "extensions.durableTask.httpSettings.useForwardedHost": "no proxy stands before the embedded host",
    "extensions.durableTask.tracing": _NOT_SENT,
    "extensions.durableTask.notifications": _NOT_SENT,
    "extensions.durableTask.versionMatchStrategy": "orchestrations of every version run here",
    "extensions.durableTask.versionFailureStrategy": "orchestrations of every version run here",
    "extensions.durableTask.maxGrpcMessageSizeInBytes": "Python's SDK 1.x does not use gRPC",
    "extensions.durableTask.grpcHttpClientTimeout": "Python's SDK 1.x does not use gRPC",
}
"""A key with its whole subtree, but for what a longer key says."""

_KNOWN = {path.lower() for path in (*_HONOURED, *_WITHOUT_EFFECT_ANYWHERE)}
_REASON = {path.lower(): reason for path, reason in _REASONS.items()}
_PARENTS = {path.lower().rpartition(".")[0] for path in _HONOURED} | {"extensions"}
_NAMES = sorted(
    {path.rpartition(".")[2] for path in (*_HONOURED, *_WITHOUT_EFFECT_ANYWHERE, *_REASONS)}
)


def ignored_settings(
    document: Mapping[str, object], where: Callable[[Place], str] = lambda place: "host.json"
) -> tuple[Problem, ...]:
    """One Problem for each key in ``document`` without effect here; ``where`` tells its place in the file."""
    return tuple(
        Problem(where(place), f"{'.'.join(map(str, place))} has no effect: {reason}.", code="EH123")
        for place, reason in _ignored(document, ())
    )


def _ignored(section: Mapping[str, object], above: Place) -> Iterator[tuple[Place, str]]:
    for key, value in section.items():
        place = (*above, key)
        path = ".".join(map(str, place)).lower()
        if path in _KNOWN:
            continue
        if isinstance(value, Mapping) and (
            path in _PARENTS or any(known.startswith(path + ".") for known in _PARENTS)
        ):
            yield from _ignored(value, place)
            continue
        yield place, _reason(path, key)


def _reason(path: str, key: str) -> str:
    exact = _REASON.get(path)
    if exact:
        return exact
    hint = did_you_mean(key, _NAMES)
    if hint and key.lower() not in [name.lower() for name in _NAMES]:
        return "there is no such setting. " + hint.rstrip("?") + "?"
    while "." in path:
        path = path.rpartition(".")[0]
        if path in _REASON:
            return _REASON[path]
    return "the embedded host does not know it"


def other_storage(
    document: Mapping[str, object], where: Callable[[Place], str]
) -> tuple[Problem, ...]:
    """A warning if the app asks for another storage than Azure's, whose place SQLite takes here."""
    section: object = document
    place: Place = ()
    for key in ("extensions", "durableTask", "storageProvider", "type"):
        if not isinstance(section, Mapping):
            return ()
        found = next((name for name in section if name.lower() == key.lower()), None)
        if found is None:
            return ()
        section, place = section[found], (*place, found)
    if str(section).lower() in ("azurestorage", "azure_storage"):
        return ()
    return (
        Problem(
            where(place),
            f"the embedded host keeps its state in SQLite; storage of the type '{section}' is not used.",
            "The app runs the same; only the real host connects to it.",
            code="EH124",
        ),
    )
