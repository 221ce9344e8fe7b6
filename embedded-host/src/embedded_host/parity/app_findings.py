"""The parity findings of an app's files and settings."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from embedded_host.app.definitions import App
from embedded_host.app.extension_bundle import bundle_fault, has_own_extensions
from embedded_host.app.unregistered_bindings import unregistered_types
from embedded_host.parity.kinds import settings
from embedded_host.parity.setting_uses import setting_uses
from embedded_worker.protocol import FindingData


def app_findings(
    app: App, route_errors: Mapping[str, str], environ: Mapping[str, str]
) -> Iterator[FindingData]:
    """Yield the findings of an app whose functions are known.

    ``route_errors`` has the messages of the Azure Functions host about invalid routes, by function
    name. ``environ`` is the environment of the functions.
    """
    for name, text in route_errors.items():
        yield FindingData(settings.INVALID_ROUTE.code, name, detail=text)
    durable = [f for f in app.functions if f.durable_kind or f.takes_client]
    if durable and not any(function.requires_grpc for function in durable):
        yield from _unreadable_host_json(app)
    details: list[str] = []
    if durable:
        fault = bundle_fault(app.host.document, uses_v2_model=app.uses_v2_model)
        if fault is not None and not (fault.is_missing and has_own_extensions(app.root)):
            details.append(fault.text)
    if missing := list(unregistered_types(app, app.host.loaded(app.functions))):
        functions = ", ".join(f"'{function.name}' ({kinds})" for function, kinds in missing)
        details.append(
            "Without a bundle, the bindings of these functions are not registered, and the "
            f"functions do not exist: {functions}."
        )
    if details:
        yield FindingData(settings.EXTENSION_BUNDLE.code, "host.json", detail=" ".join(details))
    yield from _settings_in_environment(app, environ)


def _unreadable_host_json(app: App) -> Iterator[FindingData]:
    note = next((note for note in app.host.notes if not note.is_json), None)
    if note is not None:
        detail = f"Line {note.line}: {note.fault}."
        yield FindingData(settings.UNREADABLE_HOST_JSON.code, "host.json", detail=detail)


def _settings_in_environment(app: App, environ: Mapping[str, str]) -> Iterator[FindingData]:
    """Yield the settings that the app reads and that only the environment of the machine has.

    Without a local.settings.json, nothing is yielded, because the app then has no list of its
    settings. This is the case in a container, whose variables are its app settings.
    """
    if not app.settings.exists:
        return
    known = {name.lower() for name in app.settings.values}
    for use in setting_uses(app):
        if use.name in environ and not _is_known(use.name, known):
            yield FindingData(
                settings.SETTING_IN_ENVIRONMENT.code, use.name, use.reader, use.file, use.line
            )


def _is_known(name: str, known: Collection[str]) -> bool:
    """Return True if local.settings.json has the setting, or if each system has the variable."""
    upper = name.upper()
    return name.lower() in known or upper in _OF_SYSTEMS or upper.startswith(_PREFIXES)


_OF_SYSTEMS = frozenset(
    {
        *("PATH", "HOME", "USER", "USERNAME", "USERPROFILE", "LOGNAME", "SHELL", "PWD", "OLDPWD"),
        *("TMP", "TEMP", "TMPDIR", "TERM", "COLORTERM", "LANG", "LANGUAGE", "TZ", "HOSTNAME"),
        *("COMPUTERNAME", "OS", "SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT", "APPDATA"),
        *("LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "NUMBER_OF_PROCESSORS", "DISPLAY"),
        *("VIRTUAL_ENV", "PORT", "CI", "NO_COLOR", "FORCE_COLOR", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE"),
        *("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "MSI_SECRET"),
        *("APPLICATIONINSIGHTS_CONNECTION_STRING", "APPINSIGHTS_INSTRUMENTATIONKEY"),
    }
)
"""Variables, in upper case, that systems or Azure set."""
_PREFIXES = (
    *("FUNCTIONS_", "AZUREWEBJOBS", "AZUREFUNCTIONSJOBHOST", "WEBSITE_", "AZURE_FUNCTIONS_"),
    *("ASPNETCORE_", "PYTHON", "LC_", "XDG_", "CONDA_", "EMBEDDED_HOST", "PYTEST_", "GITHUB_"),
    *("APPSETTING_", "CUSTOMCONNSTR_", "SCM_", "CONTAINER_", "KUBERNETES_"),
)
"""Beginnings of variables, in upper case, that systems, tools or Azure set."""
