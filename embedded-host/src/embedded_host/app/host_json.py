"""Read host.json into a ``HostJson``.

As on the Azure Functions host, keys are not case-sensitive, numbers and booleans may be strings,
and settings named ``AzureFunctionsJobHost__path__to__key`` override the file.

Sources: functions-host.md#host-json and
https://learn.microsoft.com/azure/azure-functions/functions-host-json.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from embedded_host.app.definitions import HostJson, Note, Problem
from embedded_host.app.errors import HostJsonError
from embedded_host.app.host_json_ignored import ignored_settings, other_storage
from embedded_host.app.host_json_overrides import with_overrides
from embedded_host.app.host_json_retry import read_retry
from embedded_host.app.host_json_unused import check_unused
from embedded_host.app.host_json_values import (
    Reader,
    boolean,
    choice,
    dotted,
    is_nested,
    not_negative,
    positive,
    positive_or_none,
    shown,
    text,
    timeout,
    version,
)
from embedded_host.app.http_header import is_valid_header
from embedded_host.app.json_file import JsonFile, JsonFileError, read_json
from embedded_host.app.route_template import RouteTemplate, RouteTemplateError, route_error
from embedded_host.app.setting import UnresolvedSettingError, resolve_percent, setting
from embedded_host.app.suggestion import did_you_mean
from embedded_worker.log_levels import LEVELS, level_number

_UNPARSABLE = "Unable to parse host configuration file 'host.json'."
"""The start of that host's message. It continues with the absolute path and the parser's words."""
_MORE = "See https://aka.ms/functions-hostjson for"


def read_host_json(root: Path, environ: Mapping[str, str]) -> tuple[HostJson, tuple[Problem, ...]]:
    """Return the settings of host.json in the folder ``root``, and the warnings about them.

    ``environ`` includes the app settings. Raises FileNotFoundError if the file does not exist.
    Raises HostJsonError, with all problems of the file, if the file is invalid.
    """
    try:
        file = read_json(root / "host.json", "host.json")
    except JsonFileError as error:
        raise HostJsonError(
            replace(
                error.problem("Correct the file.", fatal=True),
                on_azure=_UNPARSABLE,
            )
        ) from None
    document, sources = with_overrides(_checked_document(file), environ)
    reader = Reader(file, document, sources)
    durable = ("extensions", "durableTask")
    host = HostJson(
        document=document,
        hub_name=_hub_name(reader, environ),
        route_prefix=_route_prefix(reader),
        functions=_functions(reader),
        custom_headers=_custom_headers(reader),
        retry=read_retry(reader),
        function_timeout=_function_timeout(reader),
        max_concurrent_activities=reader.read(
            (*durable, "maxConcurrentActivityFunctions"), None, positive
        ),
        max_concurrent_orchestrators=reader.read(
            (*durable, "maxConcurrentOrchestratorFunctions"), None, positive
        ),
        max_entity_batch=reader.read((*durable, "maxEntityOperationBatchSize"), 5000, positive),
        overridable_existing_states=reader.read(
            (*durable, "overridableExistingInstanceStates"),
            "NonRunningStates",
            choice("AnyState", "NonRunningStates"),
        ),
        store_inputs_in_history=reader.read(
            (*durable, "storeInputsInOrchestrationHistory"), False, boolean
        ),
        default_version=reader.read((*durable, "defaultVersion"), None, version),
        version_match_strategy=reader.read(
            (*durable, "versionMatchStrategy"),
            "CurrentOrOlder",
            choice("None", "Strict", "CurrentOrOlder"),
        ),
        entity_reorder_window=reader.read(
            (*durable, "entityMessageReorderWindowInMinutes"), 30, not_negative
        ),
        max_grpc_message_bytes=reader.read(
            (*durable, "maxGrpcMessageSizeInBytes"), 4_194_304, positive
        ),
        uses_azure_storage=not other_storage(document, reader.location),
        http_sleep_ms=reader.read(
            (*durable, "httpSettings", "defaultAsyncRequestSleepTimeMilliseconds"), 30000, positive
        ),
        max_outstanding_requests=reader.read(
            ("extensions", "http", "maxOutstandingRequests"), 10_000, positive_or_none
        ),
        max_concurrent_requests=reader.read(
            ("extensions", "http", "maxConcurrentRequests"), None, positive_or_none
        ),
        log_levels=_log_levels(reader, "logging"),
        console_log_levels=_log_levels(reader, "logging", "console"),
        # The Azure Functions host accepts every value of telemetryMode.
        exports_telemetry=str(reader.find(("telemetryMode",))[1]).lower() == "opentelemetry",
        is_console_enabled=reader.read(("logging", "console", "isEnabled"), True, boolean),
        notes=(*file.notes, *([Note(1, 1, "The file has a byte order mark")] * file.has_bom)),
        ignored=ignored_settings(document, reader.location),
    )
    check_unused(reader)
    if reader.problems:
        raise HostJsonError(*reader.problems)
    comments = file.warnings(
        "The host accepts this, but on Azure the import of azure-functions-durable may fail. "
        "Correct the file."
    )
    return host, (*comments, *reader.warnings, *other_storage(document, reader.location))


def _checked_document(file: JsonFile) -> dict[str, object]:
    """Return the root object. Raises HostJsonError if it is not an object of version 2.0.

    As on the Azure Functions host, an empty object has version 2.0.
    """
    if not isinstance(file.value, dict):
        raise HostJsonError(
            Problem(
                file.location(),
                f"The file must be an object, but is {shown(file.value)}.",
                'Write {"version": "2.0"}.',
                fatal=True,
                code="EH120",
                on_azure=_UNPARSABLE,
            )
        )
    version = file.value.get("version")
    if version == "2.0" or not file.value:
        return file.value
    if version is None or version == "":
        keys = (key for key in file.value if key.lower() == "version" and key != "version")
        other = next(keys, None)
        fault = (
            f"The file has '{other}' instead of 'version'."
            if other
            else "The file has no 'version'."
        )
        raise HostJsonError(
            Problem(
                file.location((other,) if other else (), key=True),
                fault,
                'Write "version": "2.0".',
                fatal=True,
                code="EH120",
                on_azure="The host.json file is missing the required 'version' property. "
                f"{_MORE} steps to migrate the configuration file.",
            )
        )
    raise HostJsonError(
        Problem(
            file.location(("version",)),
            f'version must be the string "2.0", but is {shown(version)}.',
            "'version' is the version of the file format, not of Azure Functions.",
            fatal=True,
            code="EH120",
            on_azure=_invalid_version(text(version)),
        )
    )


def _invalid_version(version: str) -> str:
    runtime = (
        "This does not correspond to the function runtime version, only to the schema version of "
        "the host.json file. "
        if version.startswith("3")
        else ""
    )
    return (
        f"'{version}' is an invalid value for host.json 'version' property. We recommend you set "
        f"the 'version' property to '2.0'. {runtime}{_MORE} more information on this configuration "
        "file."
    )


def _function_timeout(reader: Reader) -> float | None:
    """Return the seconds of ``functionTimeout``. A number counts days, as in .NET."""
    json_path, value = reader.find(("functionTimeout",))
    seconds = reader.read(("functionTimeout",), 1800.0, timeout)
    days = text(value).strip()
    if days.isdecimal() and not reader.problems:
        reader.warnings.append(
            Problem(
                reader.location(json_path),
                f"{dotted(json_path)} is {days} days, as on the Azure Functions host.",
                'Write hours, minutes and seconds, such as "00:05:00".',
                code="EH120",
            )
        )
    return seconds


def _hub_name(reader: Reader, environ: Mapping[str, str]) -> str:
    json_path, value = reader.find(("extensions", "durableTask", "hubName"))
    if value is None:
        return default_hub_name(setting("WEBSITE_SITE_NAME", environ))
    form, rule = (
        r"[A-Za-z][A-Za-z0-9]{2,49}",
        "must be 3 to 50 letters and digits and start with a letter",
    )
    if other_storage(
        reader.document, reader.location
    ):  # not Azure Storage, so its naming rules do not apply
        form, rule = r"[A-Za-z0-9_-]{1,64}", "must be 1 to 64 letters, digits, '-' and '_'"
    if not isinstance(value, str):
        reader.add_error(json_path, value, rule)
        return ""
    try:
        name = resolve_percent(value, environ)
    except UnresolvedSettingError as error:
        reader.problems.append(
            Problem(
                reader.location(json_path),
                f"{dotted(json_path)} cannot be resolved: {error}",
                "Set it in the environment or in Values of local.settings.json.",
                fatal=True,
                code="EH121",
            )
        )
        return ""
    if not re.fullmatch(form, name):
        reader.add_error(json_path, name, rule)
    return name


def default_hub_name(site: str | None) -> str:
    """Return the name of the task hub of an app without ``hubName`` (functions-host.md#host-json).

    The name is derived from ``site``, the value of WEBSITE_SITE_NAME. Without this setting, the
    name is ``TestHubName``.
    """
    if not site:
        return "TestHubName"
    name = re.sub(r"[^A-Za-z0-9]", "", site) or "DefaultTaskHub"
    name = ("t" + name if name[0].isdigit() else name)[:45]
    return name if len(name) >= 3 else name + "Hub"


def _route_prefix(reader: Reader) -> str:
    json_path, value = reader.find(("extensions", "http", "routePrefix"))
    if value is None:
        return "api"
    if is_nested(value):
        reader.add_ineffective(json_path, value, 'Write a string ("" for no prefix).')
        return "api"
    value = text(value)
    if value.endswith("/") or value.startswith("//"):
        reader.problems.append(
            Problem(
                reader.location(json_path),
                f"{dotted(json_path)} is '{value}', so the route of each function has two '/' in "
                "a row.",
                f"Write '{value.strip('/')}'.",
                fatal=True,
                code="EH122",
                on_azure=route_error("NAME", f"{value}/NAME", "a segment is empty"),
            )
        )
        return value
    try:
        RouteTemplate.parse(value)
    except RouteTemplateError as error:
        reader.add_error(
            json_path,
            value,
            f"must be a valid part of a route ({error.message})",
            route_error("NAME", f"{value}/NAME", error.message),
        )
    return value


def _functions(reader: Reader) -> frozenset[str] | None:
    """Return the names of ``functions`` in lower case, or None if it is missing or empty.

    On the Azure Functions host, a value that is not a list is ignored.
    """
    _, names = reader.find(("functions",))
    items = names.values() if isinstance(names, dict) else names if isinstance(names, list) else ()
    return frozenset(text(name).lower() for name in items if not is_nested(name)) or None


def _custom_headers(reader: Reader) -> dict[str, str]:
    """Return the headers without those that no response can have."""
    json_path, headers = reader.find(("extensions", "http", "customHeaders"))
    found: dict[str, str] = {}
    for name, value in headers.items() if isinstance(headers, dict) else ():
        if is_nested(value):
            continue
        if is_valid_header(name, text(value)):
            found[name] = text(value)
        else:
            reader.warnings.append(
                Problem(
                    reader.location((*json_path, name)),
                    f"The custom header {name!r}: {text(value)!r} cannot be sent.",
                    "Use ASCII characters without line breaks. The name has no spaces.",
                    code="EH120",
                )
            )
    return found


def _log_levels(reader: Reader, *section: str) -> dict[str, str]:
    """Return the levels by category in the section.

    As on the Azure Functions host, an object or a list in the section has no effect.
    """
    json_path, levels = reader.find((*section, "logLevel"))
    found: dict[str, str] = {}
    if levels is not None and not isinstance(levels, dict):
        reader.add_ineffective(json_path, levels, 'Write {"default": "Information"}.')
    for category, value in levels.items() if isinstance(levels, dict) else ():
        level = "" if is_nested(value) else text(value)
        if not level:
            continue
        if level_number(level) is None:
            hint = did_you_mean(level, LEVELS)
            reader.add_error(
                (*json_path, category),
                value,
                f"must be one of {', '.join(LEVELS)}{' (' + hint + ')' if hint else ''}",
            )
        found[category] = level
    return found
