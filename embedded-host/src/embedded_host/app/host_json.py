"""Read host.json into a ``HostJson``.

As on the Azure Functions host, keys are not case-sensitive, numbers and booleans may be strings,
and settings named ``AzureFunctionsJobHost__path__to__key`` override the file.

Sources: functions-host.md#host-json and
https://learn.microsoft.com/azure/azure-functions/functions-host-json.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from embedded_host.app.definitions import HostJson, Note, Problem
from embedded_host.app.errors import HostJsonError
from embedded_host.app.host_json_ignored import ignored_settings, other_storage
from embedded_host.app.http_header import is_valid_header
from embedded_host.app.json_file import JsonFile, JsonFileError, JsonPath, read_json
from embedded_host.app.route_template import RouteTemplate, RouteTemplateError, route_error
from embedded_host.app.setting import UnresolvedSettingError, resolve_percent, setting
from embedded_host.app.suggestion import did_you_mean
from embedded_host.app.time_span import parse_time_span
from embedded_host.errors import EmbeddedHostError
from embedded_worker.log_levels import LEVELS, level_number

Default = TypeVar("Default")
Value = TypeVar("Value")
_OVERRIDE = re.compile(r"AzureFunctionsJobHost(?:__|:)(.+)", re.IGNORECASE)
_STATES = ("NonRunningStates", "AnyState")
_UNPARSABLE = "Unable to parse host configuration file 'host.json'."
"""The start of that host's message. It continues with the absolute path and the parser's words."""
_MORE = "See https://aka.ms/functions-hostjson for"
_MATCH_STRATEGIES = ("CurrentOrOlder", "Strict", "None")


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
    document, sources = _with_overrides(_checked_document(file), environ)
    reader = _Reader(file, document, sources)
    durable = ("extensions", "durableTask")
    host = HostJson(
        document=document,
        hub_name=_hub_name(reader, environ),
        route_prefix=_route_prefix(reader),
        functions=_functions(reader),
        custom_headers=_custom_headers(reader),
        function_timeout=reader.read(("functionTimeout",), 1800.0, _timeout),
        max_concurrent_activities=reader.read(
            (*durable, "maxConcurrentActivityFunctions"), None, _positive
        ),
        max_concurrent_orchestrators=reader.read(
            (*durable, "maxConcurrentOrchestratorFunctions"), None, _positive
        ),
        max_entity_batch=reader.read((*durable, "maxEntityOperationBatchSize"), 5000, _positive),
        overridable_existing_states=reader.read(
            (*durable, "overridableExistingInstanceStates"), _STATES[0], _state
        ),
        store_inputs_in_history=reader.read(
            (*durable, "storeInputsInOrchestrationHistory"), False, _boolean
        ),
        default_version=reader.read((*durable, "defaultVersion"), None, _version),
        version_match_strategy=reader.read(
            (*durable, "versionMatchStrategy"), _MATCH_STRATEGIES[0], _match_strategy
        ),
        entity_reorder_window=reader.read(
            (*durable, "entityMessageReorderWindowInMinutes"), 30, _not_negative
        ),
        max_grpc_message_bytes=reader.read(
            (*durable, "maxGrpcMessageSizeInBytes"), 4_194_304, _positive
        ),
        uses_azure_storage=not other_storage(document, reader.location),
        http_sleep_ms=reader.read(
            (*durable, "httpSettings", "defaultAsyncRequestSleepTimeMilliseconds"), 30000, _positive
        ),
        max_outstanding_requests=reader.read(
            ("extensions", "http", "maxOutstandingRequests"), 10_000, _positive_or_none
        ),
        max_concurrent_requests=reader.read(
            ("extensions", "http", "maxConcurrentRequests"), None, _positive_or_none
        ),
        log_levels=_log_levels(reader, "logging"),
        console_log_levels=_log_levels(reader, "logging", "console"),
        is_console_enabled=reader.read(("logging", "console", "isEnabled"), True, _boolean),
        notes=(*file.notes, *([Note(1, 1, "The file has a byte order mark")] * file.has_bom)),
        ignored=ignored_settings(document, reader.location),
    )
    if reader.problems:
        raise HostJsonError(*reader.problems)
    comments = file.warnings(
        "The host accepts this, but on Azure the import of azure-functions-durable may fail. "
        "Correct the file."
    )
    return host, (*comments, *reader.warnings, *other_storage(document, reader.location))


class _InvalidValueError(EmbeddedHostError, ValueError):
    """An invalid value. ``str()`` describes the valid values."""

    def __init__(self, allowed: str, dotnet_type: str = "", message: str = "") -> None:
        super().__init__(allowed)
        self._type, self._message = dotnet_type, message

    def on_azure(self, json_path: JsonPath) -> str:
        """Return the message of the Azure Functions host, or an empty string if it is unknown.

        ``dotnet_type`` is the .NET type to which that host cannot convert the value. ``message`` is
        its message about a value of the correct type.
        """
        if self._type:
            key = ":".join(map(str, ("AzureFunctionsJobHost", *json_path)))
            return f"Failed to convert configuration value at '{key}' to type '{self._type}'."
        return self._message


class _Reader:
    """Reads keys of the document and collects their problems."""

    def __init__(
        self, file: JsonFile, document: dict[str, object], sources: Mapping[str, str]
    ) -> None:
        self.file = file
        self.document = document
        self.sources = sources
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def find(self, path: JsonPath) -> tuple[JsonPath, object]:
        """Return the path as the document spells it, and the value. A missing value is None."""
        value: object = self.document
        spelt: JsonPath = ()
        for key in path:
            if not isinstance(value, dict):
                if value is not None:
                    self.add_error(spelt, value, "must be an object")
                return spelt, None
            name = next((name for name in value if name.lower() == str(key).lower()), None)
            if name is None:
                return spelt, None
            spelt = (*spelt, name)
            value = value[name]
        return spelt, value

    def read(
        self, path: JsonPath, default: Default, convert: Callable[[object], Value]
    ) -> Default | Value:
        """Return the converted value, or ``default`` if it is missing, null or invalid."""
        spelt, value = self.find(path)
        if value is None:
            return default
        try:
            return convert(value)
        except _InvalidValueError as wrong:
            self.add_error(spelt, value, str(wrong), wrong.on_azure(spelt))
            return default

    def location(self, json_path: JsonPath) -> str:
        """Return the location in host.json, or the name of the setting that overrides the value."""
        override = self.sources.get(".".join(map(str, json_path)).lower())
        return override or self.file.location(json_path)

    def add_error(
        self, json_path: JsonPath, value: object, allowed: str, on_azure: str = ""
    ) -> None:
        problem = Problem(
            self.location(json_path),
            f"{_dotted(json_path)} {allowed}, but is {_shown(value)}.",
            fatal=True,
            code="EH120",
            on_azure=on_azure,
        )
        if problem not in self.problems:
            self.problems.append(problem)


def _checked_document(file: JsonFile) -> dict[str, object]:
    """Return the root object. Raises HostJsonError if it is not an object of version 2.0.

    As on the Azure Functions host, an empty object has version 2.0.
    """
    if not isinstance(file.value, dict):
        raise HostJsonError(
            Problem(
                file.location(),
                f"The file must be an object, but is {_shown(file.value)}.",
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
            f'version must be the string "2.0", but is {_shown(version)}.',
            "'version' is the version of the file format, not of Azure Functions.",
            fatal=True,
            code="EH120",
            on_azure=_invalid_version(_text(version)),
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


def _with_overrides(
    document: dict[str, object], environ: Mapping[str, str]
) -> tuple[dict[str, object], dict[str, str]]:
    """Apply the ``AzureFunctionsJobHost__…`` settings.

    Return the changed document, and the names of the settings by the path that they override.
    """
    changed = copy.deepcopy(document)
    sources: dict[str, str] = {}
    for name in sorted(environ):
        found = _OVERRIDE.fullmatch(name)
        if not found:
            continue
        target: dict[str, object] = changed
        keys = re.split(r"__|:", found[1])
        spelt: list[str] = []
        for depth, key in enumerate(keys):
            known = next((known for known in target if known.lower() == key.lower()), key)
            spelt.append(known)
            if depth == len(keys) - 1:
                target[known] = environ[name]
            else:
                inner = target.get(known)
                if isinstance(inner, list):  # the key of an item is its index
                    inner = target[known] = {str(index): item for index, item in enumerate(inner)}
                if not isinstance(inner, dict):
                    inner = target[known] = {}
                target = inner
        sources[".".join(spelt).lower()] = name
    return changed, sources


def _hub_name(reader: _Reader, environ: Mapping[str, str]) -> str:
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
                f"{_dotted(json_path)} cannot be resolved: {error}",
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


def _route_prefix(reader: _Reader) -> str:
    json_path, value = reader.find(("extensions", "http", "routePrefix"))
    if value is None:
        return "api"
    if not isinstance(value, str):
        reader.add_error(json_path, value, 'must be a string ("" for no prefix)')
        return "api"
    if value.endswith("/") or value.startswith("//"):
        reader.problems.append(
            Problem(
                reader.location(json_path),
                f"{_dotted(json_path)} is '{value}', so the route of each function has two '/' in "
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


def _functions(reader: _Reader) -> frozenset[str] | None:
    """Return the names of ``functions`` in lower case, or None if it is missing or empty.

    On the Azure Functions host, a value that is not a list is ignored.
    """
    _, names = reader.find(("functions",))
    items = names.values() if isinstance(names, dict) else names if isinstance(names, list) else ()
    return frozenset(_text(name).lower() for name in items if not _is_nested(name)) or None


def _custom_headers(reader: _Reader) -> dict[str, str]:
    """Return the headers without those that no response can have."""
    json_path, headers = reader.find(("extensions", "http", "customHeaders"))
    found: dict[str, str] = {}
    for name, value in headers.items() if isinstance(headers, dict) else ():
        if _is_nested(value):
            continue
        if is_valid_header(name, _text(value)):
            found[name] = _text(value)
        else:
            reader.warnings.append(
                Problem(
                    reader.location((*json_path, name)),
                    f"The custom header {name!r}: {_text(value)!r} cannot be sent.",
                    "Use ASCII characters without line breaks. The name has no spaces.",
                    code="EH120",
                )
            )
    return found


def _text(value: object) -> str:
    """Return a value as the text that .NET reads, such as ``True`` or ``2`` for 2.0.

    Null is an empty string.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)


def _is_nested(value: object) -> bool:
    return isinstance(value, dict | list)


def _log_levels(reader: _Reader, *section: str) -> dict[str, str]:
    """Return the levels by category in the section.

    As on the Azure Functions host, an object or a list in the section has no effect.
    """
    json_path, levels = reader.find((*section, "logLevel"))
    found: dict[str, str] = {}
    if levels is not None and not isinstance(levels, dict):
        reader.warnings.append(
            Problem(
                reader.location(json_path),
                f"{_dotted(json_path)} has no effect, because it is {_shown(levels)}.",
                'Write {"default": "Information"}.',
                code="EH123",
            )
        )
    for category, value in levels.items() if isinstance(levels, dict) else ():
        level = "" if _is_nested(value) else _text(value)
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


def _timeout(value: object) -> float | None:
    """Return the seconds of a time span, or None (no limit) for ``-1``."""
    if str(value) == "-1":
        return None
    span = parse_time_span(value) if isinstance(value, str) else None
    if span is None:
        raise _InvalidValueError(
            'must be a time span like "00:10:00" (hh:mm:ss), or "-1" for no limit',
            "System.TimeSpan",
        )
    if span < timedelta(seconds=1):
        raise _InvalidValueError(
            "must be at least one second",
            message="FunctionTimeout must be greater than 00:00:01 and less than "
            "10675199.02:48:05.4775807.",
        )
    return span.total_seconds()


def _positive(value: object) -> int:
    if isinstance(value, str) and re.fullmatch(r"\s*\+?\d{1,10}\s*", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 2**31:
        raise _InvalidValueError("must be an integer above 0", _not_int32(value))
    return value


def _not_negative(value: object) -> int:
    try:
        return 0 if str(value).strip() == "0" else _positive(value)
    except _InvalidValueError:
        raise _InvalidValueError("must be an integer, 0 or above", _not_int32(value)) from None


def _positive_or_none(value: object) -> int | None:
    if str(value).strip() == "-1":
        return None
    try:
        return _positive(value)
    except _InvalidValueError:
        raise _InvalidValueError(
            "must be an integer above 0, or -1 for no limit", _not_int32(value)
        ) from None


def _not_int32(value: object) -> str:
    """Return the .NET type ``System.Int32`` if the value is not an integer of 32 bits."""
    text = str(value).strip()
    is_int32 = re.fullmatch(r"[+-]?\d{1,10}", text) and -(2**31) <= int(text) < 2**31
    return "" if is_int32 else "System.Int32"


def _boolean(value: object) -> bool:
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    if not isinstance(value, bool):
        raise _InvalidValueError("must be true or false", "System.Boolean")
    return value


def _version(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _InvalidValueError('must be a string like "1.0"')
    return str(value)


def _state(value: object) -> str:
    for state in _STATES:
        if isinstance(value, str) and value.lower() == state.lower():
            return state
    raise _InvalidValueError(f"must be {' or '.join(_STATES)}")


def _match_strategy(value: object) -> str:
    for strategy in _MATCH_STRATEGIES:
        if isinstance(value, str) and value.lower() == strategy.lower():
            return strategy
    raise _InvalidValueError(f"must be {' or '.join(_MATCH_STRATEGIES)}")


def _dotted(json_path: JsonPath) -> str:
    return ".".join(map(str, json_path))


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"'{value}'" if isinstance(value, str) else str(value)
