"""Which orchestrators this app has, and which of them a name in a URL means."""

import functools
import json
from collections.abc import Iterable
from pathlib import Path


@functools.cache
def known_orchestrators(app_root: Path) -> tuple[str, ...]:
    """Return the names of the app's orchestrators in alphabetical order.

    In the folder-per-function model no list of them can be imported: a function is a folder with a function.json.
    The files cannot change while the process runs (the host restarts it then), so they are read once.
    """
    names = (_orchestrator_in(file) for file in app_root.glob("*/function.json"))
    return tuple(sorted({name for name in names if name}))


def find_orchestrator(requested: str, known: Iterable[str]) -> str | None:
    """Return the known name that is meant, whatever its case, `_` and `-`; the exact spelling goes first."""
    names = tuple(known)
    if requested in names:
        return requested
    return next((name for name in names if _folded(name) == _folded(requested)), None)


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").casefold()


def _orchestrator_in(function_json: Path) -> str | None:
    """Return the name under which the host registers the orchestrator of a folder, None if there is none.

    A file that is not as it should be is the host's to report. Here it only is no orchestrator: the starter must go on
    serving the others.
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
