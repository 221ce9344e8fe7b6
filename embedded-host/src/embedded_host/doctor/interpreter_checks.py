"""Checks of the app's interpreter and its Python version."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from embedded_host.doctor.app_environment import AppEnvironment, AppEnvironmentError
from embedded_host.doctor.finding import Finding
from embedded_host.doctor.supported_versions import (
    AZURE_PREVIEW,
    AZURE_PYTHON,
    AZURE_PYTHON_PAGE,
    WORKER_PYTHON,
)
from embedded_host.workers.app_interpreter import AppInterpreter


def check_selection(interpreter: AppInterpreter) -> Iterator[Finding]:
    """Yield a finding for each environment that has no interpreter and was therefore skipped."""
    for description in interpreter.unusable:
        yield Finding(
            "warning",
            f"{description}, so the app runs with {interpreter.executable} ({interpreter.reason}).",
            "Delete the environment and create it again, or select another interpreter with "
            "--python.",
            "EH700",
        )


def unusable_interpreter(interpreter: AppInterpreter, error: AppEnvironmentError) -> Finding:
    """Return the finding for an interpreter that does not run."""
    return Finding(
        "error",
        f"The app's interpreter {interpreter.executable} ({interpreter.reason}) does not run: "
        f"{error}.",
        "Create the environment again, or select another interpreter with --python.",
        "EH231",
    )


def check_python(environment: AppEnvironment, today: date) -> Iterator[Finding]:
    """Yield the findings about the Python version, for the worker and for Azure Functions."""
    oldest, newest = WORKER_PYTHON
    if environment.minor < oldest:
        yield Finding(
            "error",
            f"The app's interpreter is Python {environment.python}, which the worker does not "
            f"support: it needs Python {_text(oldest)} to {_text(newest)}.",
            "Create the app's environment with a newer Python.",
            "EH231",
        )
    elif environment.minor > newest:
        yield Finding(
            "warning",
            f"The app's interpreter is Python {environment.python}. The worker is tested with "
            f"Python {_text(oldest)} to {_text(newest)}.",
            "If the app does not start, create its environment with a tested version.",
            "EH701",
        )
    if text := _on_azure(environment.minor, today):
        newest_supported = max(AZURE_PYTHON)
        yield Finding(
            "warning",
            text,
            f"Before you deploy, test the app with a version such as {_text(newest_supported)}, "
            f"and select it in Azure. The list of versions is at {AZURE_PYTHON_PAGE}.",
            "EH702",
        )
    if environment.is_free_threaded:
        yield Finding(
            "warning",
            f"The app's interpreter is a free-threaded build of Python {environment.python}, which "
            "Azure Functions does not offer.",
            "Create the app's environment with a build that has the global interpreter lock.",
            "EH702",
        )


def _on_azure(minor: tuple[int, int], today: date) -> str | None:
    """Return the problem of a Python version on Azure Functions, or None."""
    version = _text(minor)
    if minor in AZURE_PREVIEW:
        return f"Azure Functions has Python {version} as a preview only, and not on every plan."
    if minor in AZURE_PYTHON:
        end = AZURE_PYTHON[minor]
        if today <= end:
            return None
        return (
            f"Azure Functions has retired Python {version}: apps run, but have no support and no "
            f"security patches since {end:%Y-%m-%d}."
        )
    if minor < min(AZURE_PYTHON):
        return f"Azure Functions has retired Python {version}."
    return f"Azure Functions does not have Python {version}."


def _text(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
