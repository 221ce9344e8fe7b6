"""Checks of packages that exclude each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from embedded_host.doctor.app_environment import AppEnvironment
from embedded_host.doctor.finding import Finding
from embedded_host.doctor.package_checks import contains, is_unsupported
from embedded_host.doctor.requirements_file import RequirementsFile
from embedded_host.workers.version_sets import (
    exact_version,
    have_common_version,
    specifier_text,
)


def check_conflicts(environment: AppEnvironment) -> Iterator[Finding]:
    """Yield the unmet requirements of the installed packages, as ``pip check`` lists them.

    pip itself is not used, because environments of uv do not have it.
    """
    for package in environment.packages.values():
        for requirement in _parsed(package.requires):
            if not _applies(requirement, environment.markers):
                continue
            installed = environment.installed(canonicalize_name(requirement.name))
            need = f"{package.name} {package.version} requires {_shown(requirement)}"
            if installed is None:
                text = f"{need}, which is not installed."
            elif not contains(requirement.specifier, installed):
                text = f"{need}, but {installed} is installed."
            else:
                continue
            yield Finding(
                "warning",
                text,
                "Change the versions in requirements.txt so that they match, and install them "
                "again.",
                "EH708",
            )


def check_test_kit(
    requirements: RequirementsFile,
    environment: AppEnvironment | None,
    needs: Iterable[str],
    python: SpecifierSet,
) -> Iterator[Finding]:
    """Yield the reasons why the test kit cannot be installed in the app's environment.

    ``--in-process`` has the same reasons. ``needs`` are the requirements of the host's package and
    ``python`` its Python versions.
    """
    if environment is not None and not contains(python, environment.python):
        yield Finding(
            "warning",
            f"The app has Python {environment.python}, but the test kit and --in-process need "
            f"Python {specifier_text(python)}.",
            "To use them, create the app's environment with another Python. `embedded-host start` "
            "works with this one.",
            "EH709",
        )
    for need in _parsed(needs):
        line = requirements.of(canonicalize_name(need.name))
        markers = environment.markers if environment else {}
        if line is None or is_unsupported(line) or not _applies(need, markers):
            continue
        required = line.requirement.specifier
        if have_common_version(required, need.specifier):
            continue
        pinned = exact_version(required)
        verb = (
            f"pins {need.name} {pinned}"
            if pinned
            else f"requires {need.name}{specifier_text(required)}"
        )
        yield Finding(
            "warning",
            f"The app {verb}, but the test kit and --in-process need {_shown(need)}.",
            "To use them, change the line. `embedded-host start` works with it, because the app "
            "has its own environment.",
            "EH709",
            line.file,
            line.line,
        )


def _parsed(requirements: Iterable[str]) -> Iterator[Requirement]:
    """Yield the requirements that are valid. Old packages have others, which pip ignores too."""
    for text in requirements:
        try:
            yield Requirement(text)
        except InvalidRequirement:
            continue


def _applies(requirement: Requirement, markers: dict[str, str]) -> bool:
    marker = requirement.marker
    return marker is None or marker.evaluate({**markers, "extra": ""})


def _shown(requirement: Requirement) -> str:
    return f"{requirement.name}{specifier_text(requirement.specifier)}"
