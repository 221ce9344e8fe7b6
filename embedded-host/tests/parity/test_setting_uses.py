"""The settings that an app reads."""

from __future__ import annotations

from pathlib import Path

from embedded_host.app.folder import read_app
from embedded_host.parity.setting_uses import setting_uses
from tests.support.app_folder import AppFolder


def test_settings_of_bindings_and_code_are_found_once(tmp_path: Path) -> None:
    app = AppFolder(tmp_path)
    trigger = {
        "name": "msg",
        "type": "queueTrigger",
        "direction": "in",
        "queueName": "%QUEUE%-%STAGE%",
        "connection": "Storage1",
    }
    code = """\
        import os
        from os import environ, getenv
        A = os.environ["A"]
        B = os.environ.get("B", "x"), environ["A"]
        C = getenv("C"), os.getenv("D")
        os.environ["WRITTEN"] = "x"
        E = {}.get("E"), other.environ["F"], os.environ[A]
    """
    app.function("Work", code, trigger)
    app.write("shared/helper.py", 'import os\nX = os.getenv("X")\n')
    app.write("shared/broken.py", "os.getenv(")
    app.write(".venv/lib.py", 'import os\nos.getenv("HIDDEN")\n')
    app.write("tool/src/main.py", 'import os\nos.getenv("OF_TOOL")\n')
    app.write("tool/pyproject.toml", "")
    app.write("pyproject.toml", "")  # that of the app
    app.write("tests/test_it.py", 'import os\nos.getenv("TESTED")\n')
    environ = {"QUEUE": "q", "STAGE": "s"}
    uses = {use.name: use for use in setting_uses(read_app(tmp_path, environ))}
    assert set(uses) == {"QUEUE", "STAGE", "Storage1", "A", "B", "C", "D", "X"}
    assert (uses["A"].file, uses["A"].line) == ("Work/__init__.py", 3)
    assert uses["X"].reader == "shared/helper.py reads it in line 2."
    assert uses["QUEUE"].reader == "The function 'Work' reads it in 'queueName' of a binding."
