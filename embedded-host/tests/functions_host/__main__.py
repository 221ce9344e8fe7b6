"""Compares an Azure Functions host with the recordings.

    python -m tests.functions_host write-app FOLDER
        Write the probe app. Then serve it, for example with `func start` in that folder.
    python -m tests.functions_host URL [--only PREFIX]
        Run the recorded cases against the host at URL and report the differences.

The host may be `func start`, a container or an app in Azure. Its task hub must be empty.
The exit code is 0 without differences, 1 with differences, and 2 if nothing can be compared.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from embedded_host import cli
from tests.functions_host.driving import NotTheProbeError, compare, find_key, recorded, write_app

REQUIREMENTS = Path(cli.__file__).parent / "templates" / "common" / "requirements.txt"


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.functions_host",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("target", metavar="URL | write-app")
    parser.add_argument("folder", nargs="?", type=Path, help="the empty folder for write-app")
    parser.add_argument(
        "--only",
        default="",
        metavar="PREFIX",
        help="run only cases whose names begin with PREFIX, for example http/ or orch/Hello",
    )
    parsed = parser.parse_args(arguments)
    if parsed.target == "write-app":
        return _write(parsed.folder)
    if not parsed.target.startswith(("http://", "https://")):
        parser.error(f"'{parsed.target}' is neither a URL nor write-app")
    return _compare(parsed.target.rstrip("/"), parsed.only)


def _write(folder: Path | None) -> int:
    if folder is None or (folder.exists() and any(folder.iterdir())):
        print("write-app needs an empty or new folder", file=sys.stderr)
        return 2
    write_app(folder, REQUIREMENTS)
    print(
        f"The probe app is in {folder}. Install its requirements.txt and serve it with an Azure "
        "Functions host."
    )
    return 0


def _compare(base: str, only: str) -> int:
    cases = recorded(only)
    if not cases:
        print(f"The name of no recorded case begins with '{only}'.", file=sys.stderr)
        return 2
    try:
        key = find_key(base)
    except OSError as error:
        print(f"{base} does not respond: {error}", file=sys.stderr)
        return 2
    except NotTheProbeError as error:
        print(f"This host does not serve the probe app. {error}", file=sys.stderr)
        return 2
    print(
        f"{base}: keys are {'required' if key else 'not required'}; {len(cases)} "
        f"{'case' if len(cases) == 1 else 'cases'}",
        flush=True,
    )
    compared = same = 0
    for case, steps, equal, differences in compare(base, key, cases):
        compared, same = compared + steps, same + equal
        for difference in differences:
            print(f"{case} {difference}", flush=True)
    print(
        f"{same} of {compared} steps match the recordings ({100 * same / max(1, compared):.1f} %)"
    )
    return 0 if same == compared else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
