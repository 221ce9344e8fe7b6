"""App settings, and ``%NAME%`` references to them (functions-host.md#local-settings-json)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from embedded_host.errors import EmbeddedHostError

_REFERENCE = re.compile(r"%([^%]*)%")


class UnresolvedSettingError(EmbeddedHostError, LookupError):
    """A reference ``%NAME%`` to a setting that does not exist, or a single ``%``."""


def setting(name: str, environ: Mapping[str, str]) -> str | None:
    """Return the value of a setting, or None if the setting does not exist.

    As in .NET, the name is not case-sensitive, and ``:`` equals ``__``.
    """
    if name in environ:
        return environ[name]
    wanted = _folded(name)
    return next((value for key, value in environ.items() if _folded(key) == wanted), None)


def resolve_percent(text: str, environ: Mapping[str, str]) -> str:
    """Replace each ``%NAME%`` by the value of the setting. Raises UnresolvedSettingError."""

    def value(reference: re.Match[str]) -> str:
        found = setting(reference[1], environ) if reference[1] else None
        if found is None:
            raise UnresolvedSettingError(f"the setting '{reference[0]}' does not exist.")
        return found

    if "%" in _REFERENCE.sub("", text):
        raise UnresolvedSettingError(f"'{text}' has a single '%'.")
    return _REFERENCE.sub(value, text)


def _folded(name: str) -> str:
    return name.replace("__", ":").lower()
