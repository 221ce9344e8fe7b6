"""Find the orchestrators of this app, and the orchestrator that a URL names."""

import functools
import json
from collections.abc import Iterable
from pathlib import Path


@functools.cache
def known_orchestrators(app_root: Path) -> tuple[str, ...]:
    """Return the names of the app's orchestrators in alphabetical order.

    In the v1 model, each function is a folder with a function.json. No Python module lists these
    folders, so this function reads their files. It reads them only once for each process, because
    the host restarts the process after a change.
    """
    names = (_orchestrator_in(file) for file in app_root.glob("*/function.json"))
    return tuple(sorted({name for name in names if name}))


def find_orchestrator(requested: str, known: Iterable[str]) -> str | None:
    """Return the known name that matches the requested name, or None.

    The comparison ignores case, `_` and `-`. An exact match has precedence.
    """
    names = tuple(known)
    if requested in names:
        return requested
    return next((name for name in names if _folded(name) == _folded(requested)), None)


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").casefold()


def _orchestrator_in(function_json: Path) -> str | None:
    """Return the orchestrator's name from a function.json, or None for other functions.

    Return None also for an invalid file. The host reports such a file, and HttpStarter must still
    start the other orchestrators.
    """
    try:
        function = json.loads(function_json.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None
    bindings = function.get("bindings") if isinstance(function, dict) else None
    for binding in bindings if isinstance(bindings, list) else ():
        if (
            isinstance(binding, dict)
            and str(binding.get("type")).casefold() == "orchestrationtrigger"
        ):
            name = binding.get("orchestration")
            return name if isinstance(name, str) and name else function_json.parent.name
    return None
