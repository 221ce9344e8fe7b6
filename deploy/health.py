"""Says whether the app can serve, for the health check of a container: `python -m shared.health [URL]` in the app's folder.

The exit code is 0 if it can, else 1, with one sentence that says what cannot. The host's own probe, /admin/host/ping, is no
use for this: it answers 200 also while functions fail to load and every request gets 503 (recorded). So the app is asked, and
without starting anything: the starter answers a name that no orchestrator can have with 404 and the names that there are. The
functions that no URL leads to are loaded here, by the same Python and with the same packages.
"""

import hashlib
import importlib
import json
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from shared.orchestrators import known_orchestrators

APP_ROOT = Path(__file__).resolve().parent.parent
NOBODY = "/api/orchestrators/-"
"""Starts nothing: a function's name begins with a letter."""


def main(arguments: list[str]) -> int:
    """Print the verdict and return it as an exit code."""
    base = arguments[0] if arguments else "http://127.0.0.1:8080"
    problem = starter_problem(base, known_orchestrators(APP_ROOT)) or load_problem(APP_ROOT)
    print(problem or "healthy")
    return 1 if problem else 0


def starter_problem(base: str, known: tuple[str, ...], timeout: float = 5.0) -> str:
    """Return why the starter does not answer as it should, an empty string if it does."""
    try:
        with urllib.request.urlopen(base + NOBODY, timeout=timeout) as response:
            return f"{base}{NOBODY} answers {response.status}: this is another app"
    except urllib.error.HTTPError as error:
        with error:
            status, body = error.code, error.read(100_000)
    except (OSError, ValueError) as error:
        return f"{base} cannot be asked: {error}"
    if status != 404:
        return f"HttpStarter is out of service: {base}{NOBODY} answers {status}"
    try:
        answered = json.loads(body)["orchestrators"]
    except (ValueError, KeyError, TypeError):
        return f"HttpStarter is not there: {base}{NOBODY} answers 404, and not in its words"
    return "" if answered == list(known) else f"the host serves {answered}, and the app has {list(known)}"


def load_problem(root: Path) -> str:
    """Return which function cannot be loaded and why, an empty string if all can.

    Loading takes longer than asking. Nothing in a container changes, so what was loaded once is not loaded again.
    """
    files = sorted(file for pattern in ("*/*.py", "*/function.json") for file in root.glob(pattern))
    digest = hashlib.sha256(str([(str(file), file.stat().st_mtime_ns) for file in files]).encode()).hexdigest()
    loaded = Path(tempfile.gettempdir(), f"functions-that-load-{digest[:16]}")
    if loaded.exists():
        return ""
    for function_json in sorted(root.glob("*/function.json")):
        if problem := _load(function_json):
            return f"{function_json.parent.name} does not load: {problem}"
    loaded.touch()
    return ""


def _load(function_json: Path) -> str:
    """Load one function as the worker does: its module, by the path from the app's root, and the entry point in it."""
    try:
        function = json.loads(function_json.read_text(encoding="utf-8-sig"))
        script = Path(function_json.parent.name, str(function.get("scriptFile", "__init__.py"))).with_suffix("")
        names = script.parent.parts if script.name == "__init__" else script.parts
        entry = str(function.get("entryPoint") or "main")
        module = importlib.import_module(".".join(names))
    except (Exception, SystemExit) as error:  # whatever the function's own code raises
        return f"{type(error).__name__}: {error}"
    return "" if hasattr(module, entry) else f"it has no '{entry}'"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
