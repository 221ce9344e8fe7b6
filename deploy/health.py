"""Health check of a container: print "healthy" or one sentence with the problem, and return 0 or 1 as the exit code.

Usage, in the app's folder: `python health.py [URL]`. The standard library is enough.

The host's own probe, /admin/host/ping, returns 200 even if functions fail to load and every request gets 503 (recorded). This
check sends a request that starts nothing: the starter answers 404 to a name that no orchestrator can have, and lists the known
orchestrators. Functions without a URL are loaded in this process, by the same Python with the same packages.
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
            return f"{base}{STARTS_NOTHING} answers {response.status}: this is another app"
    except urllib.error.HTTPError as error:
        with error:
            status, body = error.code, error.read(100_000)
    except (OSError, ValueError) as error:
        return f"{base} is not reachable: {error}"
    if status != 404:
        return f"HttpStarter is out of service: {base}{STARTS_NOTHING} answers {status}"
    try:
        answered = json.loads(body)["orchestrators"]
    except (ValueError, KeyError, TypeError):
        return f"HttpStarter is missing: {base}{STARTS_NOTHING} answers 404 without its list of orchestrators"
    return (
        ""
        if answered == list(known)
        else f"the host serves {answered}, and the app has {list(known)}"
    )


def load_problem(root: Path) -> str:
    """Return the first function that does not load and the reason, or an empty string.

    Loading is slow and the files in a container do not change, so a success is remembered in a file.
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
            return f"{function_json.parent.name} does not load: {problem}"
    loaded.touch()
    return ""


def _load(function_json: Path) -> str:
    """Load one function as the worker does: its module, by the path from the app's root, and the entry point."""
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
