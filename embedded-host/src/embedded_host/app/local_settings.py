"""Read local.settings.json, and compute the environment of the app.

Source: functions-host.md#local-settings-json.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from embedded_host.app.definitions import LocalSettings, Problem
from embedded_host.app.json_file import JsonFile, JsonFileError, read_json
from embedded_host.app.suggestion import did_you_mean
from embedded_host.errors import EmbeddedHostError

NAME = "local.settings.json"
_SECTIONS = ("IsEncrypted", "Values", "ConnectionStrings", "Host")
_HOST_KEYS = ("LocalHttpPort", "LocalHttpAddress", "CORS", "CORSCredentials")

_DEFAULTS = (("FUNCTIONS_WORKER_RUNTIME", "python"), ("FUNCTIONS_EXTENSION_VERSION", "~4"))


class _UnusableError(EmbeddedHostError):
    """The file has a fault, so the host ignores the whole file, as ``func`` does."""


def read_local_settings(root: Path) -> tuple[LocalSettings, tuple[Problem, ...]]:
    """Return the settings and the warnings about them.

    If the file is missing or unusable, the settings are empty, and no error is raised.
    """
    try:
        file = read_json(root / NAME, NAME)
    except FileNotFoundError:
        return LocalSettings(), ()
    except JsonFileError as error:
        return LocalSettings(), (
            error.problem("Correct the syntax. Until then the host ignores the file."),
        )
    reader = _Reader(file)
    try:
        return reader.settings(), tuple(reader.warnings)
    except _UnusableError:
        return LocalSettings(), tuple(reader.warnings)


def effective_environment(
    settings: LocalSettings, environ: Mapping[str, str], root: Path | None = None
) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """Return the variables that the app needs in addition to ``environ``, and the problems.

    A variable in ``environ`` overrides the value in the file. If the two values differ, a problem
    reports it. Like ``func start``, this function adds AZURE_FUNCTIONS_ENVIRONMENT=Development. It
    adds FUNCTIONS_WORKER_RUNTIME and FUNCTIONS_EXTENSION_VERSION if they are unset, and
    AzureWebJobsScriptRoot and FUNCTIONS_APPLICATION_DIRECTORY if ``root`` is given.
    """
    fold = str.upper if os.name == "nt" else str
    present = {fold(name): value for name, value in environ.items()}
    added: dict[str, str] = {}
    notes: list[Problem] = []
    for name, value in settings.values.items():
        if fold(name) not in present:
            added[name] = value
        elif present[fold(name)] != value:
            fault = (
                f"Skipping '{name}' from local settings as it's already defined in current "
                "environment variables."
            )
            notes.append(Problem(NAME, fault, code="EH132"))
    for name, value in _DEFAULTS:
        if name not in present:
            added.setdefault(name, value)
    added["AZURE_FUNCTIONS_ENVIRONMENT"] = "Development"
    if root is not None:
        added["AzureWebJobsScriptRoot"] = added["FUNCTIONS_APPLICATION_DIRECTORY"] = str(root)
    return added, tuple(notes)


class _Reader:
    def __init__(self, file: JsonFile) -> None:
        self.file = file
        self.warnings: list[Problem] = []

    def add_warning(
        self,
        json_path: tuple[str | int, ...],
        fault: str,
        fix: str = "",
        *,
        key: bool = False,
        code: str = "EH131",
    ) -> None:
        self.warnings.append(Problem(self.file.location(json_path, key=key), fault, fix, code=code))

    def unusable(self, json_path: tuple[str | int, ...], fault: str, fix: str) -> _UnusableError:
        self.add_warning(
            json_path, fault, f"{fix} Until then the host ignores the file.", code="EH130"
        )
        return _UnusableError()

    def settings(self) -> LocalSettings:
        document = self.file.value
        if not isinstance(document, dict):
            raise self.unusable(
                (), "The file must be an object.", 'Write {"IsEncrypted": false, "Values": {…}}.'
            )
        sections = {key.lower(): (key, value) for key, value in document.items()}
        for key in document:
            hint = "" if key.lower() in map(str.lower, _SECTIONS) else did_you_mean(key, _SECTIONS)
            if hint:
                self.add_warning((key,), f"'{key}' is not a known section.", hint, key=True)
        key, encrypted = sections.get("isencrypted", ("IsEncrypted", None))
        if encrypted is None or encrypted is True or str(encrypted).lower() == "true":
            fault = (
                "IsEncrypted is missing, which means true"
                if encrypted is None
                else "IsEncrypted is true"
            )
            raise self.unusable(
                (key,),
                f"{fault}, but the host cannot decrypt the values.",
                'Write "IsEncrypted": false, or run `func settings decrypt`.',
            )
        if str(encrypted).lower() != "false":
            raise self.unusable(
                (key,), "IsEncrypted must be true or false.", 'Write "IsEncrypted": false.'
            )
        values = self.values(*sections.get("values", ("Values", None)))
        values |= self.connection_strings(
            *sections.get("connectionstrings", ("ConnectionStrings", None))
        )
        return self.host(values, *sections.get("host", ("Host", None)))

    def values(self, section: str, values: object) -> dict[str, str]:
        texts: dict[str, str] = {}
        for name, value in self.items(section, values):
            json_path = (section, name)
            if isinstance(value, dict | list):
                raise self.unusable(
                    json_path,
                    f"'{name}' is not a string: values cannot be nested.",
                    f"Write {name}:key or {name}__key.",
                )
            if value is None:
                self.add_warning(
                    json_path,
                    f"'{name}' is null and is ignored.",
                    'Write "" for an empty value, or remove the key.',
                )
            elif not name:
                self.add_warning(json_path, "A value without a name is ignored.")
            else:
                texts[name] = self.file.numbers.get(json_path) or _text(value)
        return texts

    def connection_strings(self, section: str, strings: object) -> dict[str, str]:
        texts: dict[str, str] = {}
        for name, value in self.items(section, strings):
            if isinstance(value, dict):
                value = next(
                    (text for key, text in value.items() if key.lower() == "connectionstring"), None
                )
            if isinstance(value, str):
                texts[f"ConnectionStrings:{name}"] = value
            else:
                self.add_warning(
                    (section, name),
                    f"'{name}' is not a connection string and is ignored.",
                    'Write a string or {"ConnectionString": "…"}.',
                )
        return texts

    def items(self, section: str, values: object) -> list[tuple[str, object]]:
        if values is None:
            return []
        if not isinstance(values, dict):
            raise self.unusable((section,), f"{section} must be an object.", "Write {…}.")
        return list(values.items())

    def host(self, values: dict[str, str], section: str, host: object) -> LocalSettings:
        known_keys: dict[str, tuple[str, object]] = {}
        for key, value in self.items(section, host):
            known = next((known for known in _HOST_KEYS if known.lower() == key.lower()), None)
            if known:
                known_keys[known] = (key, value)
            elif hint := did_you_mean(key, _HOST_KEYS):
                self.add_warning(
                    (section, key),
                    f"{section}.{key} is unknown and has no effect.",
                    hint,
                    key=True,
                )

        def read(known: str, allowed: str, *types: type) -> object:
            key, value = known_keys.get(known, (known, None))
            if value is None or (
                isinstance(value, types) and not (isinstance(value, bool) and bool not in types)
            ):
                return value
            self.add_warning(
                (section, key), f"{section}.{key} must be {allowed}. The host ignores it."
            )
            return None

        port_value = read("LocalHttpPort", "a port (1 to 65535)", int, str)
        port = int(text) if re.fullmatch("[0-9]{1,5}", text := str(port_value).strip()) else 0
        if port_value is not None and not 0 < port < 65536:
            fault = f"{section}.LocalHttpPort must be a port (1 to 65535), but is {port_value}."
            self.add_warning((section, known_keys["LocalHttpPort"][0]), fault)
            port = 0
        cors = read("CORS", "a string of origins, separated by commas", str)
        address = read("LocalHttpAddress", "a string", str)
        credentials = read("CORSCredentials", "true or false", bool, str)
        return LocalSettings(
            values=values,
            exists=True,
            port=port or None,
            address=str(address) if address else None,
            cors=tuple(origin.strip() for origin in str(cors or "").split(",") if origin.strip()),
            cors_credentials=str(credentials).lower() == "true",
        )


def _text(value: object) -> str:
    """Return a value for the environment. Booleans are in lower case, as with ``func``."""
    return str(value).lower() if isinstance(value, bool) else str(value)
