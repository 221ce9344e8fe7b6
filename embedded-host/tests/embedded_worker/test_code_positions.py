"""Positions name the file and the line of the app's code."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from embedded_worker.code_positions import caller_position, thread_position
from tests.embedded_worker.conftest import FILE, MakeFunction
from tests.support.app_folder import AppFolder


def test_thread_position_names_the_line_of_the_app(app: AppFolder, run: MakeFunction) -> None:
    function = run(
        """\
        def run(event, reached):
            reached.set()
            event.wait()  # here
        """
    )
    event, reached = threading.Event(), threading.Event()
    thread = threading.Thread(target=function, args=(event, reached))
    thread.start()
    assert reached.wait(20)
    assert thread.ident is not None
    position = ""
    while "here" not in position:  # the thread may still be between the two lines
        position = thread_position(thread.ident, app.root) or ""
    assert position == f"{FILE} line 3: event.wait()  # here"
    assert thread_position(thread.ident, app.root / "elsewhere") is None
    event.set()
    thread.join()
    assert thread_position(thread.ident, app.root) is None


def test_caller_position_names_the_line_of_the_app(app: AppFolder, run: MakeFunction) -> None:
    function = run("def run(position, root):\n    return position(root)\n")
    assert function(caller_position, app.root) == f"{FILE} line 2"
    assert function(caller_position, app.root / "elsewhere") == "?"
    assert function(caller_position, app.root.with_name(app.root.name[:-1])) == "?", (
        "only the start of the path is the same"
    )


@pytest.mark.process
def test_the_main_program_of_a_worker_does_not_import_the_sdk() -> None:
    code = "import sys, embedded_worker.process; print('azure.functions' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
