"""Environments and requirements for the tests of the checks, without a process or a file."""

from __future__ import annotations

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from embedded_host.doctor.app_environment import AppEnvironment, Package
from embedded_host.doctor.requirements_file import NAME, RequirementLine, RequirementsFile

MARKERS = {"python_version": "3.11", "sys_platform": "linux", "extra": ""}


def environment(
    *packages: tuple[str, str] | tuple[str, str, tuple[str, ...]],
    python: tuple[int, int, int] = (3, 11, 7),
    free_threaded: bool = False,
) -> AppEnvironment:
    """Return an environment with packages: name, version and requirements."""
    installed = {str(canonicalize_name(each[0])): Package(*each) for each in packages}
    return AppEnvironment(python, installed, dict(MARKERS), free_threaded)


def requirements(*lines: str) -> RequirementsFile:
    """Return a requirements.txt with these lines."""
    return RequirementsFile(
        True,
        tuple(
            RequirementLine(Requirement(line), NAME, number) for number, line in enumerate(lines, 1)
        ),
    )
