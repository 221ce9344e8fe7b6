"""The reason why the app under test has no function of a name."""

from __future__ import annotations

from pathlib import Path

from embedded_host.workers.loaded_app import LoadedApp


def missing_reason(loaded: LoadedApp, name: str) -> str:
    """Return one sentence, or an empty string if nothing in the app has the name.

    Names are compared without regard to case, as on the Azure Functions host.
    """
    app = loaded.app
    for broken, problem in loaded.broken.items():
        if _is_same(broken, name):
            return f"Its function is out of service: {problem}"
    for function in app.functions:
        if not _is_same(function.durable_name, name):
            continue
        if not app.host.runs(function.name):
            return f"The setting 'functions' of host.json does not contain '{function.name}'."
        if function.name in app.disabled:
            return f"The setting AzureWebJobs.{function.name}.Disabled disables the function."
        if function.durable_kind:
            kind = function.durable_kind
            return f"'{function.durable_name}' is an {kind}."
    folder = _folder(app.root, name)
    if folder is None:
        return ""
    if app.uses_v2_model:
        return loaded.hidden_folders() if (folder / "function.json").is_file() else ""
    return (
        f"The folder {folder.name} has no function.json, so it is not a function. "
        "Create the file with the bindings of the function."
    )


def _folder(root: Path, name: str) -> Path | None:
    folders = (path for path in root.iterdir() if path.is_dir() and _is_same(path.name, name))
    return next(folders, None)


def _is_same(first: str, second: str) -> bool:
    return first.casefold() == second.casefold()
