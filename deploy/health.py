"""Check the health of a container: print "healthy" or the problem, and exit with 0 or 1.

Usage, in the app folder: `python health.py [URL]`. The script needs only the standard library.

The host's own probe, /admin/host/ping, returns 200 even if functions fail to load and every request
returns 503 (recorded). This check sends a request that starts no instance: the starter returns 404
for a name that no orchestrator can have, with the list of known orchestrators. The script then
loads the functions without a URL in its own process, with the same Python and packages.
"""

import hashlib
import importlib
import json
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

STARTS_NOTHING = "/api/orchestrators/-"
"""Function names begin with a letter."""


def main(arguments: list[str], root: Path) -> int:
    """Print the state of the app in ``root`` and return it as an exit code."""
    from shared.orchestrators import known_orchestrators

    base = arguments[0] if arguments else "http://127.0.0.1:8080"
    problem = starter_problem(base, known_orchestrators(root)) or load_problem(root)
    print(problem or "healthy")
    return 1 if problem else 0


def starter_problem(base: str, known: tuple[str, ...], timeout: float = 5.0) -> str:
    """Return the problem of the starter, or an empty string."""
    try:
        with urllib.request.urlopen(base + STARTS_NOTHING, timeout=timeout) as response:
            return f"{base}{STARTS_NOTHING} returns {response.status}: this is another app"
    except urllib.error.HTTPError as error:
        with error:
            status, body = error.code, error.read(100_000)
    except (OSError, ValueError) as error:
        return f"{base} is not reachable: {error}"
    if status != 404:
        return f"HttpStarter does not work: {base}{STARTS_NOTHING} returned {status}"
    try:
        returned = json.loads(body)["orchestrators"]
    except (ValueError, KeyError, TypeError):
        return (
            f"HttpStarter is missing: {base}{STARTS_NOTHING} returned 404 without a list of "
            "orchestrators"
        )
    return (
        ""
        if returned == list(known)
        else f"the host has the orchestrators {returned}, but the app has {list(known)}"
    )


def load_problem(root: Path) -> str:
    """Return the first function that cannot be loaded and the reason, or an empty string.

    Loading is slow, and the files of a container do not change, so a file caches a success.
    """
    files = sorted(file for pattern in ("*/*.py", "*/function.json") for file in root.glob(pattern))
    digest = hashlib.sha256(
        str([(str(file), file.stat().st_mtime_ns) for file in files]).encode()
    ).hexdigest()
    loaded = Path(tempfile.gettempdir(), f"functions-that-load-{digest[:16]}")
    if loaded.exists():
        return ""
    for function_json in sorted(root.glob("*/function.json")):
        if problem := _load(function_json):
            return f"{function_json.parent.name} cannot be loaded: {problem}"
    loaded.touch()
    return ""


def _load(function_json: Path) -> str:
    """Load one function as the worker does: its module by its path, then the entry point."""
    try:
        function = json.loads(function_json.read_text(encoding="utf-8-sig"))
        script = Path(
            function_json.parent.name, str(function.get("scriptFile", "__init__.py"))
        ).with_suffix("")
        names = script.parent.parts if script.name == "__init__" else script.parts
        entry = str(function.get("entryPoint") or "main")
        module = importlib.import_module(".".join(names))
    except (Exception, SystemExit) as error:  # raised by the function's code
        return f"{type(error).__name__}: {error}"
    return "" if hasattr(module, entry) else f"it has no '{entry}'"


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    sys.exit(main(sys.argv[1:], Path.cwd()))
