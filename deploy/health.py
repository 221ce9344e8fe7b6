"""Check the health of a container: print "healthy" or the problem, and exit with 0 or 1.

Run it in the app folder: `python health.py [URL]`. The script needs only the standard library.

The endpoint /admin/host/ping of the Azure Functions host returns 200 even if functions fail to load
and every request returns 503 (recorded). This script therefore requests the start of an
orchestrator whose name is not valid. HttpStarter responds with 404 and the list of orchestrators,
and starts no instance. Then the script loads each function of the app in its own process, with the
same Python and the same packages as the host.
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
"""A path that starts no instance, because function names begin with a letter."""


def main(arguments: list[str], root: Path) -> int:
    """Print the health of the app in ``root``. Return 0 if it is healthy, otherwise 1."""
    from shared.orchestrators import known_orchestrators

    base = arguments[0] if arguments else "http://127.0.0.1:8080"
    problem = starter_problem(base, known_orchestrators(root)) or load_problem(root)
    print(problem or "healthy")
    return 1 if problem else 0


def starter_problem(base: str, known: tuple[str, ...], timeout: float = 5.0) -> str:
    """Return a problem of HttpStarter, or an empty string. ``timeout`` is in seconds."""
    try:
        with urllib.request.urlopen(base + STARTS_NOTHING, timeout=timeout) as response:
            return f"{base}{STARTS_NOTHING} returned {response.status}: another app uses this URL"
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

    Loading is slow, so a temporary file records a success. A change of the app's files makes this
    record invalid.
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
    """Import a function's module and find its entry point, as the worker does.

    Return the problem, or an empty string.
    """
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
