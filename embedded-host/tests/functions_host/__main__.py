"""For whoever has a real host: is it still as it was recorded?

    python -m tests.functions_host write-app FOLDER          write the probe app, then serve it: `func start` in that folder
    python -m tests.functions_host URL [--only PREFIX]       drive it through the recorded cases and say where it differs

Any host will do: `func start`, a container, an app in Azure. Its task hub must be empty. The exit code is 0 if nothing
differs, 1 if something does, 2 if there is nothing to compare.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from embedded_host import cli
from tests.functions_host.driving import NotTheProbeError, compare, find_key, recorded, write_app

REQUIREMENTS = Path(cli.__file__).parent / "templates" / "common" / "requirements.txt"


def main(arguments: list[str]) -> int:
    """Carry out one command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.functions_host",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("target", metavar="URL | write-app")
    parser.add_argument(
        "folder", nargs="?", type=Path, help="of write-app: where to, an empty folder"
    )
    parser.add_argument(
        "--only",
        default="",
        help="the cases whose names begin with this, for example http/ or orch/Hello",
    )
    given = parser.parse_args(arguments)
    if given.target == "write-app":
        return _write(given.folder)
    if not given.target.startswith(("http://", "https://")):
        parser.error(f"'{given.target}' is neither a URL nor write-app")
    return _compare(given.target.rstrip("/"), given.only)


def _write(folder: Path | None) -> int:
    if folder is None or (folder.exists() and any(folder.iterdir())):
        print("write-app needs a folder that is empty or not there yet", file=sys.stderr)
        return 2
    write_app(folder, REQUIREMENTS)
    print(
        f"The probe app is in {folder}. Install its requirements.txt, and serve it with a real host."
    )
    return 0


def _compare(base: str, only: str) -> int:
    cases = recorded(only)
    if not cases:
        print(f"no recorded case begins with '{only}'", file=sys.stderr)
        return 2
    try:
        key = find_key(base)
    except OSError as error:
        print(f"{base} does not answer: {error}", file=sys.stderr)
        return 2
    except NotTheProbeError as error:
        print(f"This host does not serve the probe app. {error}", file=sys.stderr)
        return 2
    print(
        f"{base}: keys are {'in force' if key else 'not asked for'}; {len(cases)} cases", flush=True
    )
    compared = same = 0
    for case, steps, as_recorded, found in compare(base, key, cases):
        compared, same = compared + steps, same + as_recorded
        for one in found:
            print(f"{case} {one}", flush=True)
    print(f"{same} of {compared} steps are as recorded ({100 * same / max(1, compared):.1f} %)")
    return 0 if same == compared else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
