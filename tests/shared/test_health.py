import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import health
from shared.orchestrators import known_orchestrators

GOOD = json.dumps({"error": "There is no orchestrator '-' in this app.", "orchestrators": ["HelloOrchestrator"]})


class Answering:
    """A host that gives every request the same answer."""

    def __init__(self) -> None:
        self.status, self.body, self.asked = 404, GOOD, list[str]()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
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
def host() -> Iterator[Answering]:
    host = Answering()
    yield host
    host.close()


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(health.tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("TEMP", str(folder))
    return folder


def test_the_app_as_it_is(host: Answering, capsys: pytest.CaptureFixture[str]) -> None:
    assert health.main([host.base]) == 0
    assert capsys.readouterr().out == "healthy\n"
    assert host.asked == ["/api/orchestrators/-"]


def test_what_it_asks_for_is_no_orchestrator_of_any_app() -> None:
    from shared.orchestrators import find_orchestrator

    assert find_orchestrator("-", ["A", "HelloOrchestrator", *known_orchestrators(health.APP_ROOT)]) is None


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (503, "Function host is not running.", "HttpStarter is out of service"),
        (500, "", "HttpStarter is out of service"),
        (404, "", "HttpStarter is not there"),
        (404, "[]", "HttpStarter is not there"),
        (404, json.dumps({"error": "", "orchestrators": []}), "the host serves []"),
        (202, json.dumps({"id": "1"}), "another app"),
    ],
)
def test_any_other_answer_is_a_problem(
    host: Answering, status: int, body: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    host.status, host.body = status, body
    assert health.main([host.base]) == 1
    assert said in capsys.readouterr().out


def test_nobody_answers(host: Answering, capsys: pytest.CaptureFixture[str]) -> None:
    host.close()
    assert health.main([host.base]) == 1
    assert "cannot be asked" in capsys.readouterr().out


def app(root: Path, code: str, **function: str) -> Path:
    folder = root / "app" / "Broken"
    folder.mkdir(parents=True)
    (folder / "function.json").write_text(json.dumps({"bindings": [], **function}), encoding="utf-8")
    (folder / function.get("scriptFile", "__init__.py")).write_text(code, encoding="utf-8")
    return folder.parent


def problem(root: Path) -> str:
    """In a process of its own, as in the container: modules of the same names must not meet."""
    code = "import pathlib, sys; from shared import health; print(health.load_problem(pathlib.Path(sys.argv[1])))"
    path = f"import sys; sys.path[:0] = [{str(root)!r}, {str(health.APP_ROOT)!r}]; "
    done = subprocess.run([sys.executable, "-c", path + code, str(root)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import nothing_of_this_name\n", "Broken does not load: ModuleNotFoundError: No module named 'nothing_of"),
        ("def main(:\n", "Broken does not load: SyntaxError"),
        ("raise SystemExit('not today')\n", "Broken does not load: SystemExit: not today"),
        ("def other():\n    pass\n", "Broken does not load: it has no 'main'"),
        ("def main():\n    pass\n", ""),
    ],
)
def test_a_function_that_does_not_load(tmp_path: Path, temporary: Path, code: str, said: str) -> None:
    root = app(tmp_path, code)
    assert problem(root).startswith(said)
    assert bool(list(temporary.iterdir())) == (not said)  # only what loads is remembered


def test_the_entry_point_and_the_script_are_those_of_function_json(tmp_path: Path) -> None:
    root = app(tmp_path, "def begin():\n    pass\n", scriptFile="code.py", entryPoint="begin")
    assert problem(root) == ""
    (root / "Broken" / "code.py").write_text("def start():\n    pass\n", encoding="utf-8")
    assert problem(root) == "Broken does not load: it has no 'begin'"  # and so a change is noticed


def test_a_function_json_that_is_none(tmp_path: Path) -> None:
    root = app(tmp_path, "def main():\n    pass\n")
    (root / "Broken" / "function.json").write_text("{", encoding="utf-8")
    assert "Broken does not load: JSONDecodeError" in problem(root)
