"""Checks of the installed packages against requirements.txt and the worker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from embedded_host.doctor.app_environment import AppEnvironment
from embedded_host.doctor.finding import Finding
from embedded_host.doctor.requirements_file import NAME, RequirementLine, RequirementsFile
from embedded_host.doctor.supported_versions import SDK
from embedded_host.workers.app_interpreter import HOST_REASON, AppInterpreter, install_command
from embedded_host.workers.sdk2_environment import new_environment, requires_sdk_2
from embedded_host.workers.sdk_versions import PYTHON_FOR_SDK_2, unsupported_versions
from embedded_host.workers.version_sets import have_common_version, specifier_text

DURABLE = "azure-functions-durable"


def check_sdk(
    interpreter: AppInterpreter,
    environment: AppEnvironment,
    requirements: RequirementsFile,
    install: str,
) -> Iterator[Finding]:
    """Yield the findings about the versions of the SDK.

    ``install`` is the fix for a missing package.
    """
    versions = {name: environment.installed(name) or "" for name in SDK}
    combined = {p.name: p for p in unsupported_versions(versions, environment.python)}
    for name, supported in SDK.items():
        installed, line = environment.installed(name), requirements.of(name)
        if line is not None and is_unsupported(line):
            yield _unsupported(name, f"The app requires {_required(line)}", line)
        elif installed is None:
            yield Finding(
                "error",
                f"{name} is not installed in the app's environment.",
                install,
                "EH219",
                *_place(line),
            )
        elif not contains(supported, installed):
            yield _unsupported(name, f"{name} {installed} is installed", line)
        elif name in combined:
            yield Finding(
                "error",
                f"{combined[name].text}.",
                (
                    f"{_capitalized(new_environment(interpreter))}. Or write "
                    if combined[name].needs_python
                    else "Write "
                )
                + f'"{combined[name].requirement}" in {NAME}, and install it.',
                "EH230",
                *_place(line),
            )


def check_installed(
    environment: AppEnvironment, requirements: RequirementsFile, install: str
) -> Iterator[Finding]:
    """Yield the differences between requirements.txt and the installed packages."""
    for line in requirements.lines:
        if not line.applies(environment.markers) or is_unsupported(line):
            continue
        installed = environment.installed(line.name)
        if installed is None:
            if line.name not in SDK:  # ``check_sdk`` reports these
                yield Finding(
                    "error",
                    f"{line.requirement.name} is not installed in the app's environment.",
                    install,
                    "EH706",
                    *_place(line),
                )
        elif not contains(line.requirement.specifier, installed):
            yield Finding(
                "warning",
                f"The app requires {_required(line)}, but {installed} is installed. Azure installs "
                "the required version.",
                f"{install} Or correct the line.",
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
    elif requirements.is_complete and requirements.of(DURABLE) is None:
        yield Finding(
            "warning",
            f"{NAME} does not list {DURABLE}, so Azure does not install it.",
            f"Add the line {DURABLE}, with the installed version.",
            "EH707",
            NAME,
        )


def install_fix(
    interpreter: AppInterpreter, root: Path, python: str, *, windows: bool = os.name == "nt"
) -> str:
    """Return the fix for a missing package. ``python`` is the version of the interpreter.

    An app without an environment of its own gets one, because its packages could break the host.
    """
    if requires_sdk_2(root, python):
        oldest = ".".join(map(str, PYTHON_FOR_SDK_2))
        return (
            f"{NAME} requires {DURABLE} 2.x, which needs Python {oldest} or newer and not Python "
            f"{python}. {_capitalized(new_environment(interpreter, windows=windows))}."
        )
    if not (interpreter.is_host and interpreter.reason == HOST_REASON):
        return f"Run `{install_command(interpreter, root)}` in the app folder."
    python = ".venv\\Scripts\\python" if windows else ".venv/bin/python"
    packages = install_command(AppInterpreter(python, HOST_REASON), root)
    return (
        "The app has no environment of its own. Create one in the app folder with "
        f"`python -m venv .venv`, and run `{packages}` there."
    )


def contains(specifier: SpecifierSet, version: str) -> bool:
    """Return True if the version matches. A version that is not valid never matches."""
    try:
        return specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False


def is_unsupported(line: RequirementLine) -> bool:
    """Return True for a requirement of the SDK that no version for the worker matches."""
    supported = SDK.get(line.name)
    return supported is not None and not have_common_version(line.requirement.specifier, supported)


def _unsupported(name: str, fact: str, line: RequirementLine | None) -> Finding:
    needed = f"{name}{specifier_text(SDK[name])}"
    return Finding(
        "error",
        f"{fact}, which the worker does not support: it needs {needed}.",
        f'Write "{needed}" in {NAME}, and install it.',
        "EH230",
        *_place(line),
    )


def _capitalized(text: str) -> str:
    return text[0].upper() + text[1:]


def _required(line: RequirementLine) -> str:
    return f"{line.requirement.name}{specifier_text(line.requirement.specifier)}"


def _place(line: RequirementLine | None) -> tuple[str | None, int | None]:
    return (line.file, line.line) if line else (None, None)
