"""The app in the folder ``sdk2_app``, which uses every durable feature with SDK 2.x."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support.app_folder import AppFolder

SOURCE = Path(__file__).parent / "sdk2_app"


def sdk2_features_app(root: Path) -> AppFolder:
    """Write the app to the folder ``root``."""
    app = AppFolder(root)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SOURCE, root, dirs_exist_ok=True, ignore=ignored)
    return app
