"""App settings by name, and ``%NAME%`` in texts (functions-host.md#local-settings-json)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from embedded_host.errors import EmbeddedHostError

_REFERENCE = re.compile(r"%([^%]*)%")


class UnresolvedSettingError(EmbeddedHostError, LookupError):
    """A ``%NAME%`` whose setting is not there (or a single ``%``); ``str()`` says which."""


def setting(name: str, environ: Mapping[str, str]) -> str | None:
    """The setting's value; names are compared without regard to case, and ``:`` is the same as ``__`` (as in .NET)."""
    if name in environ:
        return environ[name]
    wanted = _folded(name)
    return next((value for key, value in environ.items() if _folded(key) == wanted), None)


def resolve_percent(text: str, environ: Mapping[str, str]) -> str:
    """``text`` with each ``%NAME%`` replaced by its setting. Raises UnresolvedSettingError."""

    def value(reference: re.Match[str]) -> str:
        found = setting(reference[1], environ) if reference[1] else None
        if found is None:
            raise UnresolvedSettingError(f"'{reference[0]}' is not the name of a setting.")
        return found

    if "%" in _REFERENCE.sub("", text):
        raise UnresolvedSettingError(f"'{text}' has a '%' without its partner.")
    return _REFERENCE.sub(value, text)


def _folded(name: str) -> str:
    return name.replace("__", ":").lower()
