"""Checks of the installed packages against requirements.txt and the worker."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from embedded_host.doctor.app_environment import AppEnvironment
from embedded_host.doctor.finding import Finding
from embedded_host.doctor.requirements_file import NAME, RequirementLine, RequirementsFile
from embedded_host.doctor.supported_versions import SDK
from embedded_host.doctor.version_sets import have_common_version

DURABLE = "azure-functions-durable"


def check_sdk(
    environment: AppEnvironment, requirements: RequirementsFile, install: str
) -> Iterator[Finding]:
    """Yield the findings about the versions of the SDK.

    ``install`` is the command that installs the app's packages.
    """
    for name, supported in SDK.items():
        installed, line = environment.installed(name), requirements.of(name)
        if line is not None and not have_common_version(line.requirement.specifier, supported):
            yield _unsupported(name, f"{NAME} requires {_required(line)}", supported, line)
        elif installed is None:
            yield Finding(
                "error",
                f"{name} is not installed in the app's environment.",
                f"Run `{install}` in the app folder.",
                "EH219",
                *_place(line),
            )
        elif not contains(supported, installed):
            yield _unsupported(name, f"The installed version is {installed}", supported, line)


def check_installed(
    environment: AppEnvironment, requirements: RequirementsFile, install: str
) -> Iterator[Finding]:
    """Yield the differences between requirements.txt and the installed packages."""
    for line in requirements.lines:
        if not line.applies(environment.markers):
            continue
        installed = environment.installed(line.name)
        if installed is None:
            if line.name not in SDK:  # ``check_sdk`` reports these
                yield Finding(
                    "error",
                    f"{line.requirement.name} is not installed in the app's environment.",
                    f"Run `{install}` in the app folder.",
                    "EH706",
                    *_place(line),
                )
        elif not contains(line.requirement.specifier, installed):
            yield Finding(
                "warning",
                f"{NAME} requires {_required(line)}, but {installed} is installed. Azure installs "
                "the former.",
                f"Run `{install}` in the app folder, or correct the line.",
                "EH705",
                *_place(line),
            )


def check_listed(requirements: RequirementsFile) -> Iterator[Finding]:
    """Yield a finding if Azure would not install the Durable SDK."""
    if not requirements.exists:
        yield Finding(
            "warning",
            f"The app has no {NAME}, so Azure does not install {DURABLE} for it.",
            f"Create the file with the lines azure-functions and {DURABLE}.",
            "EH707",
            NAME,
        )
    elif requirements.of(DURABLE) is None:
        yield Finding(
            "warning",
            f"{NAME} does not list {DURABLE}, so Azure does not install it.",
            f"Add the line {DURABLE}, with the installed version.",
            "EH707",
            NAME,
        )


def contains(specifier: SpecifierSet, version: str) -> bool:
    """Return True if the version matches. A version that is not valid never matches."""
    try:
        return specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False


def _unsupported(
    name: str, fact: str, supported: SpecifierSet, line: RequirementLine | None
) -> Finding:
    bounds = sorted(map(str, supported), reverse=True)
    return Finding(
        "error",
        f"{fact} of {name}, which the worker does not support: it needs {','.join(bounds)}.",
        f'Require a supported version in {NAME}, such as "{name}{",".join(bounds)}", and install '
        "it.",
        "EH703",
        *_place(line),
    )


def _required(line: RequirementLine) -> str:
    return f"{line.requirement.name}{line.requirement.specifier}"


def _place(line: RequirementLine | None) -> tuple[str | None, int | None]:
    return (line.file, line.line) if line else (None, None)
