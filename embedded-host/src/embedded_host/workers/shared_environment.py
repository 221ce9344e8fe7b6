"""The packages of an environment that host and app share: with --in-process and in the test kit.

pip installs matching versions, but the installation of the app's pinned versions afterwards
replaces them with a warning only.
"""

from __future__ import annotations

import sys
from functools import cache

from embedded_host.errors import EmbeddedHostError

DISTRIBUTION = "azure-functions-embedded-host"
"""The name of the host's package."""


class PackageConflictError(EmbeddedHostError):
    """The installed version of a package does not match the requirements of the host."""


def check_packages(user: str) -> None:
    """Raise PackageConflictError if an installed package does not match the host's requirements.

    ``user`` is the name of the part that shares the environment with the app.
    """
    if conflicts := _conflicts():
        needed = " ".join(f'"{requirement}"' for requirement, _ in conflicts)
        texts = [f"{user} needs {requirement}, but {found}" for requirement, found in conflicts]
        text = "; ".join(texts)
        raise PackageConflictError(
            f"{text[0].upper()}{text[1:]}. Change the pinned versions in requirements.txt, and run "
            f"`{sys.executable} -m pip install {needed}`. Or run the app with `embedded-host "
            "start`, which needs no packages in the app's environment. [EH233]"
        )


@cache
def _conflicts() -> tuple[tuple[str, str], ...]:
    """Return the host's requirements that are not met, and the installed version of each."""
    # The start of the host does not need these modules, whose import takes 20 ms.
    from importlib import metadata

    from packaging.requirements import Requirement

    try:
        texts = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:  # the source is not installed
        return ()
    found: list[tuple[str, str]] = []
    for requirement in map(Requirement, texts):
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        # Sort the specifiers, because a set of them has no order.
        specifiers = ",".join(sorted(map(str, requirement.specifier), reverse=True))
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            found.append((f"{requirement.name}{specifiers}", "it is not installed"))
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            found.append((f"{requirement.name}{specifiers}", f"{version} is installed"))
    return tuple(found)
