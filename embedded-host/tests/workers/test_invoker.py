"""Recorded tracebacks without folders of this machine."""

from __future__ import annotations

import sys
from pathlib import Path

from embedded_host.workers.invoker import without_folders

ROOT = Path("C:\\Users\\ada\\app" if sys.platform == "win32" else "/home/ada/app")


def test_a_traceback_has_paths_relative_to_the_app_or_its_packages() -> None:
    inside, outside = (
        ROOT / "Fail" / "__init__.py",
        ROOT.parent / "lib" / "site-packages" / "requests" / "api.py",
    )
    stack = (
        "Traceback (most recent call last):\n"
        f'  File "{inside}", line 2, in main\n    raise ValueError(\'File "{inside}"\')\n'
        f'  File "{outside}", line 3, in get\n    x\n'
        '  File "<string>", line 1, in <module>\n'
        f"ValueError: {inside}\n"
        "  + Exception Group Traceback (most recent call last):\n"
        f'  |   File "{inside}", line 2, in main\n'
        f'    | Traceback (most recent call last):\n    |   File "{outside}", line 3, in get\n'
    )
    assert without_folders(stack, ROOT) == (
        "Traceback (most recent call last):\n"
        f'  File "Fail/__init__.py", line 2, in main\n    raise ValueError(\'File "{inside}"\')\n'
        '  File "requests/api.py", line 3, in get\n    x\n'
        '  File "<string>", line 1, in <module>\n'
        f"ValueError: {inside}\n"
        "  + Exception Group Traceback (most recent call last):\n"
        '  |   File "Fail/__init__.py", line 2, in main\n'
        '    | Traceback (most recent call last):\n    |   File "requests/api.py", line 3, in get\n'
    )
