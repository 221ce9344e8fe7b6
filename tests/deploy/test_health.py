import http.server
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import health
from shared.orchestrators import known_orchestrators

ROOT = Path(__file__).parents[2]

GOOD = json.dumps(
    {"error": "There is no orchestrator '-' in this app.", "orchestrators": ["HelloOrchestrator"]}
)


class FixedResponseHost:
    """A host that returns the same response to every request."""

    def __init__(self) -> None:
        self.status, self.body, self.requested = 404, GOOD, list[str]()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requested.append(self.path)
                self.send_response(outer.status)
                self.end_headers()
                self.wfile.write(outer.body.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=[0.01], daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def host() -> Iterator[FixedResponseHost]:
    host = FixedResponseHost()
    yield host
    host.close()


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("TEMP", str(folder))
    return folder


def test_this_app_is_healthy(host: FixedResponseHost, capsys: pytest.CaptureFixture[str]) -> None:
    assert health.main([host.base], ROOT) == 0
    assert capsys.readouterr().out == "healthy\n"
    assert host.requested == ["/api/orchestrators/-"]


def test_the_requested_name_matches_no_orchestrator() -> None:
    from shared.orchestrators import find_orchestrator

    assert find_orchestrator("-", ["A", "HelloOrchestrator", *known_orchestrators(ROOT)]) is None


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (503, "Function host is not running.", "HttpStarter does not work"),
        (500, "", "HttpStarter does not work"),
        (404, "", "HttpStarter is missing"),
        (404, "[]", "HttpStarter is missing"),
        (404, json.dumps({"error": "", "orchestrators": []}), "the host has the orchestrators []"),
        (202, json.dumps({"id": "1"}), "another app"),
    ],
)
def test_an_unexpected_response_is_reported(
    host: FixedResponseHost,
    status: int,
    body: str,
    expected: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    host.status, host.body = status, body
    assert health.main([host.base], ROOT) == 1
    assert expected in capsys.readouterr().out


def test_an_unreachable_host_is_reported(
    host: FixedResponseHost, capsys: pytest.CaptureFixture[str]
) -> None:
    host.close()
    assert health.main([host.base], ROOT) == 1
    assert "is not reachable" in capsys.readouterr().out


def app(root: Path, code: str, **function: str) -> Path:
    folder = root / "app" / "Broken"
    folder.mkdir(parents=True)
    (folder / "function.json").write_text(
        json.dumps({"bindings": [], **function}), encoding="utf-8"
    )
    (folder / function.get("scriptFile", "__init__.py")).write_text(code, encoding="utf-8")
    return folder.parent


def problem(root: Path) -> str:
    """Run ``load_problem`` in a new process, as in the container."""
    code = (
        "import pathlib, sys; from deploy import health; "
        "print(health.load_problem(pathlib.Path(sys.argv[1])))"
    )
    path = f"import sys; sys.path[:0] = [{str(root)!r}, {str(ROOT)!r}]; "
    done = subprocess.run(
        [sys.executable, "-c", path + code, str(root)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "import nothing_of_this_name\n",
            "Broken cannot be loaded: ModuleNotFoundError: No module named 'nothing_of",
        ),
        ("def main(:\n", "Broken cannot be loaded: SyntaxError"),
        ("raise SystemExit('not today')\n", "Broken cannot be loaded: SystemExit: not today"),
        ("def other():\n    pass\n", "Broken cannot be loaded: it has no 'main'"),
        ("def main():\n    pass\n", ""),
    ],
)
def test_a_function_that_cannot_be_loaded_is_reported(
    tmp_path: Path, temporary: Path, code: str, expected: str
) -> None:
    root = app(tmp_path, code)
    assert problem(root).startswith(expected)
    assert bool(list(temporary.iterdir())) == (not expected)  # only a success is cached


def test_the_entry_point_and_the_script_come_from_function_json(tmp_path: Path) -> None:
    root = app(tmp_path, "def begin():\n    pass\n", scriptFile="code.py", entryPoint="begin")
    assert problem(root) == ""
    # The size differs, because Python compares the size and the seconds of a compiled file.
    (root / "Broken" / "code.py").write_text("def start_work():\n    pass\n", encoding="utf-8")
    assert problem(root) == "Broken cannot be loaded: it has no 'begin'"  # the change is detected


def test_an_invalid_function_json_is_reported(tmp_path: Path) -> None:
    root = app(tmp_path, "def main():\n    pass\n")
    (root / "Broken" / "function.json").write_text("{", encoding="utf-8")
    assert "Broken cannot be loaded: JSONDecodeError" in problem(root)


def test_the_script_runs_in_the_app_s_folder(host: FixedResponseHost) -> None:
    command = [sys.executable, str(ROOT / "deploy" / "health.py"), host.base]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "healthy\n"), done.stderr
