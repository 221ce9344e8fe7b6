"""The versions of Python and of the SDK that the worker supports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

OLDEST_PYTHON = (3, 9)
"""The oldest Python of the worker. ``embedded_worker/__main__.py`` checks it."""
NEWEST_PYTHON = (3, 15)
"""The newest Python that the tests run with."""


class VersionRange(NamedTuple):
    """The supported versions of a package: ``lowest`` and newer ones, but older than ``below``."""

    lowest: str
    below: str

    @property
    def specifier(self) -> str:
        """The range in the format of requirements.txt, such as ``>=1.12,<3``."""
        return f">={self.lowest},<{self.below}"

    def is_too_old(self, version: str) -> bool:
        """Return True if ``version`` is older than the range."""
        return _release(version) < _release(self.lowest)

    def is_too_new(self, version: str) -> bool:
        """Return True if ``version`` is newer than the range. A pre-release is like its release."""
        return _release(version) >= _release(self.below)


SDK_VERSIONS = {
    # The lowest versions are the oldest that the tests run with.
    "azure-functions": VersionRange("1.12", "3"),
    "azure-functions-durable": VersionRange("1.1.6", "3"),
}
"""The supported versions of each package of the SDK, by its name."""
_DURABLE = "azure-functions-durable"
SDK_1 = VersionRange("1.1.6", "2")
"""The supported versions of azure-functions-durable 1.x."""
_DURABLE_2 = VersionRange("2.0.0b2", "3")
_FUNCTIONS_FOR_DURABLE_2 = VersionRange("2.3", "3")
"""azure-functions 2.3 has ``register_converter``, with which Durable 2.x registers itself."""
PYTHON_FOR_SDK_2 = (3, 13)
"""The oldest Python with which pip can install azure-functions-durable 2.x."""
_EARLY_2 = re.compile(r"2(?:\.0)*\.?(?:a\d*|b[01]?|dev\d*)(?!\d)")
"""Pre-releases of Durable 2.x before the beta version 2."""


class UnsupportedVersion(NamedTuple):
    """An installed version of a package that the worker does not support."""

    name: str
    text: str
    """The package, its version and the reason, for example ``azure-functions 1.2 is too old``."""
    supported: VersionRange
    needs_python: bool = False
    """True if a newer Python supports the version."""

    @property
    def requirement(self) -> str:
        """The line for requirements.txt."""
        return f"{self.name}{self.supported.specifier}"


def is_python_for_sdk_2(python: str) -> bool:
    """Return True if SDK 2.x supports a version of Python, or if the version is empty."""
    return not python or _release(python)[:2] >= PYTHON_FOR_SDK_2


def unsupported_versions(installed: Mapping[str, str], python: str) -> list[UnsupportedVersion]:
    """Return the packages with unsupported versions.

    ``installed`` contains the version of each package. The version is empty if the package has no
    metadata. ``python`` is the version of the interpreter, or empty if it is unknown.
    """
    uses_durable_2 = (2,) <= _release(installed.get(_DURABLE, "")) < (3,)
    found = []
    for name, supported in SDK_VERSIONS.items():
        version = installed.get(name, "")
        if not version:
            continue
        reason, needs_python = "", False
        if supported.is_too_new(version):
            reason = "is not supported yet"
        elif supported.is_too_old(version):
            reason = "is too old"
        elif uses_durable_2 and name == _DURABLE and not is_python_for_sdk_2(python):
            oldest = ".".join(map(str, PYTHON_FOR_SDK_2))
            reason = f"needs Python {oldest} or newer and not Python {python}"
            supported, needs_python = SDK_1, True
        elif uses_durable_2 and name == _DURABLE and _EARLY_2.match(version.strip()):
            reason, supported = "is too old", _DURABLE_2
        elif (
            uses_durable_2
            and name != _DURABLE
            and is_python_for_sdk_2(python)  # otherwise the app needs 1.x, or a newer Python
            and _FUNCTIONS_FOR_DURABLE_2.is_too_old(version)
        ):
            reason = f"is too old for {_DURABLE} {installed[_DURABLE]}"
            supported = _FUNCTIONS_FOR_DURABLE_2
        if reason:
            text = f"{name} {version} {reason}"
            found.append(UnsupportedVersion(name, text, supported, needs_python))
    return found


def _release(version: str) -> tuple[int, ...]:
    """Return the numbers of the release: (2, 4) for ``2.4.0b1``, ``2.4.0+local`` and ``2.4``.

    A version of another form returns no numbers, so it is too old.
    """
    found = re.match(r"v?(?:\d+!)?(\d+(?:\.\d+)*)", version.strip())
    numbers = [int(number) for number in found[1].split(".")] if found else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
