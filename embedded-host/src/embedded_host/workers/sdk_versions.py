"""The versions of Python and of the SDK that the worker supports."""

from __future__ import annotations

import re
from typing import NamedTuple

OLDEST_PYTHON = (3, 9)
"""The oldest Python of the worker. ``embedded_worker/__main__.py`` checks it."""


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
    # 2.x has another engine, durabletask, and other messages between SDK and host.
    "azure-functions-durable": VersionRange("1.1.6", "3"),
}
"""The supported versions of each package of the SDK, by its name."""


def _release(version: str) -> tuple[int, ...]:
    """Return the numbers of the release: (2, 4) for ``2.4.0b1``, ``2.4.0+local`` and ``2.4``.

    A version of another form returns no numbers, so it is too old.
    """
    found = re.match(r"v?(?:\d+!)?(\d+(?:\.\d+)*)", version.strip())
    numbers = [int(number) for number in found[1].split(".")] if found else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
