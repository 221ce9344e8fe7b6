"""Checks of the settings that the app's bindings and Azure need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from embedded_host.app.binding_types import RESOLVED
from embedded_host.app.definitions import Binding, Function
from embedded_host.app.local_settings import NAME
from embedded_host.app.setting import UnresolvedSettingError, resolve_percent, setting
from embedded_host.doctor.finding import Finding

_NAMES_OF_CONNECTIONS = ("connection", "connectionName", "connectionStringSetting")
"""Properties whose value is the name of a connection.

Source: https://learn.microsoft.com/azure/azure-functions/functions-triggers-bindings and the pages
it lists; functions-host.md#local-settings-json.
"""
_DURABLE_STORAGE = ("connectionName", "connectionStringName")
"""Properties of ``storageProvider`` in host.json with the same meaning."""
_SERVED = ("orchestrationtrigger", "activitytrigger", "entitytrigger", "timertrigger")
"""Triggers of which ``read_app`` and the worker already resolve the settings."""
_WHERE = f"in Values of {NAME}, and in Azure in the app settings"


def check_required(settings: Mapping[str, str]) -> Iterator[Finding]:
    """Yield a finding for each setting that every app needs and that has no value.

    ``settings`` are the environment variables and the values of local.settings.json.
    """
    if not _has_connection("AzureWebJobsStorage", settings):
        yield Finding(
            "warning",
            "The setting AzureWebJobsStorage is missing. The embedded host does not need it, but "
            "`func start` and Azure do.",
            f'Set it {_WHERE}. "UseDevelopmentStorage=true" selects Azurite.',
            "EH712",
            NAME,
        )
    if not setting("FUNCTIONS_WORKER_RUNTIME", settings):
        yield Finding(
            "warning",
            "The setting FUNCTIONS_WORKER_RUNTIME is missing. The embedded host assumes python, "
            "but `func start` and Azure do not.",
            f'Set it to "python" {_WHERE}.',
            "EH712",
            NAME,
        )


def check_bindings(functions: Iterable[Function], settings: Mapping[str, str]) -> Iterator[Finding]:
    """Yield a finding for each connection and each ``%NAME%`` of a binding without a setting."""
    missing: dict[str, list[str]] = {}
    for function in functions:
        for binding in function.bindings:
            for name in _connections(binding):
                if not _has_connection(name, settings):
                    missing.setdefault(name, []).append(f"{function.name} ({binding.type})")
            if binding.type.lower() not in _SERVED:
                yield from _unresolved(function, binding, settings)
    for name, users in missing.items():
        yield Finding(
            "warning",
            f"The connection '{name}' of {', '.join(dict.fromkeys(users))} has no setting.",
            f"Set '{name}' {_WHERE}, or '{name}__serviceUri' and the other properties of an "
            "identity-based connection.",
            "EH713",
        )


def check_durable_storage(
    document: Mapping[str, object], settings: Mapping[str, str]
) -> Iterator[Finding]:
    """Yield a finding if the task hub's connection in host.json has no setting."""
    provider: object = document
    for key in ("extensions", "durableTask", "storageProvider"):
        provider = _value(provider, key)
    for key in _DURABLE_STORAGE:
        name = _value(provider, key)
        if isinstance(name, str) and name and not _has_connection(name, settings):
            yield Finding(
                "warning",
                f"The connection '{name}' of storageProvider has no setting. The embedded host "
                "does not need it, but Azure does.",
                f"Set '{name}' {_WHERE}.",
                "EH713",
                "host.json",
            )


def _connections(binding: Binding) -> Iterator[str]:
    for key in _NAMES_OF_CONNECTIONS:
        name = _value(binding.properties, key)
        if isinstance(name, str) and name and "%" not in name:
            yield name


def _unresolved(
    function: Function, binding: Binding, settings: Mapping[str, str]
) -> Iterator[Finding]:
    for key, value in binding.properties.items():
        if not isinstance(value, str) or "%" not in value or key.lower() not in RESOLVED:
            continue
        try:
            resolve_percent(value, settings)
        except UnresolvedSettingError as error:
            yield Finding(
                "warning",
                f"'{key}' of the {binding.type} binding of {function.name} cannot be resolved: "
                f"{error}",
                f"Set it {_WHERE}.",
                "EH121",
            )


def _has_connection(name: str, settings: Mapping[str, str]) -> bool:
    """Return True if a connection has a connection string or the properties of an identity.

    The Azure Functions host tries the name, then ``AzureWebJobs`` and the name, then a connection
    string of that name.
    """
    names = (name, f"AzureWebJobs{name}", f"ConnectionStrings:{name}")
    if any(setting(candidate, settings) for candidate in names):
        return True
    prefixes = tuple(f"{candidate}__".lower() for candidate in names[:2])
    return any(key.replace(":", "__").lower().startswith(prefixes) for key in settings)


def _value(properties: object, name: str) -> object:
    """Return a value of an object by its key, without regard to case, or None."""
    if not isinstance(properties, Mapping):
        return None
    return next((v for k, v in properties.items() if str(k).lower() == name.lower()), None)
