"""Lint the dashboard's JavaScript and check its formatting, with the versions that package-lock.json pins.

Exit code 0 without Node.js too, unless the environment variable REQUIRE_NPM is set: only the dashboard's authors need it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
LOCK = FOLDER / "package-lock.json"
INSTALLED = FOLDER / "node_modules" / "installed-package-lock.json"


def main() -> int:
    npm = shutil.which("npm")
    if npm is None:
        required = bool(os.environ.get("REQUIRE_NPM"))
        result = "failed" if required else "skipped"
        print(f"The check of the dashboard's JavaScript {result}: npm is missing. Install Node.js 20.19 or later.")
        return 1 if required else 0
    if not INSTALLED.exists() or INSTALLED.read_bytes() != LOCK.read_bytes():
        if code := subprocess.call([npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=FOLDER):
            print("npm ci failed; its message is above.", file=sys.stderr)
            return code
        shutil.copyfile(LOCK, INSTALLED)
    return subprocess.call([npm, "run", "--silent", "lint"], cwd=FOLDER)


if __name__ == "__main__":
    sys.exit(main())
