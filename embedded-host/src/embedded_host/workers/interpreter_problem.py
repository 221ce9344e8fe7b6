"""The reasons why the app's interpreter cannot run a worker. Each has its fix and a code."""

from __future__ import annotations

from embedded_host.workers.app_interpreter import (
    AppInterpreter,
    environment_settings,
    install_command,
)
from embedded_host.workers.sdk2_environment import new_environment, requires_sdk_2
from embedded_host.workers.sdk_versions import (
    OLDEST_PYTHON,
    PYTHON_FOR_SDK_2,
    unsupported_versions,
)
from embedded_worker.__main__ import EXIT_OLD_PYTHON
from embedded_worker.protocol import (
    EXIT_BROKEN_SDK,
    EXIT_OTHER_PROTOCOL,
    EXIT_WITHOUT_SDK,
    PROTOCOL_VERSION,
    Hello,
)

_SELECT = "or select another interpreter with --python"


def hello_problem(interpreter: AppInterpreter, hello: Hello) -> str | None:
    """Return the problem of a worker that has sent ``hello``, or None."""
    if hello.version != PROTOCOL_VERSION:
        return (
            f"The worker has version {hello.version} of the worker protocol, but the host has "
            f"version {PROTOCOL_VERSION}, because embedded_worker and embedded_host come from "
            "different releases: reinstall the embedded host. [EH232]"
        )
    # A package without metadata has no version. If the import succeeds, it is not refused.
    unsupported = unsupported_versions(_versions(hello), hello.python)
    if not unsupported:
        return None
    requirements = [package.requirement for package in unsupported]
    command = install_command(interpreter, interpreter.root, *requirements)
    if any(package.needs_python for package in unsupported):
        oldest = ".".join(map(str, PYTHON_FOR_SDK_2))
        other = f"create an environment with Python {oldest}: {new_environment(interpreter)}. Or "
    else:
        other = ""
    return (
        f"{' and '.join(p.text for p in unsupported)} (in the app's environment): {other}write "
        f"{' and '.join(requirements)} in requirements.txt, and run `{command}` in the app "
        "folder. [EH230]"
    )


def exit_problem(interpreter: AppInterpreter, code: int, hello: Hello | None) -> str | None:
    """Return the problem of a worker that has exited with ``code``, or None.

    ``hello`` is its first message, or None if it has not connected.
    """
    if code == EXIT_OTHER_PROTOCOL:
        return (
            "The worker refused this host, because embedded_worker and embedded_host come from "
            "different releases: reinstall the embedded host. [EH232]"
        )
    if code == EXIT_OLD_PYTHON:
        settings = environment_settings(interpreter.executable)
        version = settings.get("version_info") or settings.get("version")
        oldest = ".".join(map(str, OLDEST_PYTHON))
        text = f"is Python {version}" if version else f"is older than Python {oldest}"
        return (
            f"The app's interpreter {text}, but the worker needs Python {oldest} or newer: "
            f"{interpreter}. Create the app's environment with a newer Python, {_SELECT}. [EH231]"
        )
    if hello is None:
        if code < 0:
            return None
        return (
            f"The app's interpreter exited with code {code} before it had connected to the host: "
            f"{interpreter}. Create the app's environment again, {_SELECT}. [EH231]"
        )
    if problem := hello_problem(interpreter, hello):
        return problem
    command = install_command(interpreter, interpreter.root)
    versions = _versions(hello)
    if code == EXIT_WITHOUT_SDK:
        missing = [name for name, version in versions.items() if not version] or list(versions)
        verb = "is" if len(missing) == 1 else "are"
        text = f"{' and '.join(missing)} {verb} not installed in the app's environment"
        if requires_sdk_2(interpreter.root, hello.python):
            oldest = ".".join(map(str, PYTHON_FOR_SDK_2))
            return (
                f"{text}. The app's interpreter is Python {hello.python}, but requirements.txt "
                f"requires azure-functions-durable 2.x, which needs Python {oldest} or newer: "
                f"{new_environment(interpreter)}. [EH219]"
            )
        return f"{text}: run `{command}` in the app folder. [EH219]"
    if code == EXIT_BROKEN_SDK:
        installed = " and ".join(f"{name} {version}".strip() for name, version in versions.items())
        return (
            f"{installed} cannot be imported in the app's environment, for the reason above: "
            f"correct requirements.txt, and run `{command}` in the app folder. [EH234]"
        )
    return None


def _versions(hello: Hello) -> dict[str, str]:
    return {
        "azure-functions": hello.azure_functions,
        "azure-functions-durable": hello.azure_functions_durable,
    }
