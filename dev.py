"""Run, test, check and document the app and the embedded host. Requires Python 3.10 to 3.15.

    python dev.py start [arguments]       run the app with the arguments of `embedded-host start`
    python dev.py test [paths] [options]  run the tests below the paths, or the tests of both
                                          projects, with the options of pytest, such as `-m unit`
    python dev.py check                   run the linters and type checkers, build the documentation
    python dev.py docs [--build]          serve the documentation, or only build it

The first run of a command creates its environments and installs pinned packages into them:
    .venv       the packages of requirements.txt, for `start` and for `func start`
    .venv-host  the embedded host, for `start`
    .venv-dev   both, because the test kit imports both, and the tools of the other commands
"""

import contextlib
import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT


def become(*command: str, folder: str = ".") -> int:
    """Replace this process with a command. On Windows, run it as a child process."""
    os.chdir(folder)
    sys.stdout.flush()
    if os.name != "nt":
        os.execvp(command[0], command)
    signal.signal(signal.SIGINT, lambda *_: None)  # the child process handles Ctrl+C
    return subprocess.call(command)


# Python 3.6 and newer can parse this file, and therefore reach this check.
if not (3, 10) <= sys.version_info[:2] <= (3, 15):
    message = "dev.py requires Python 3.10 to 3.15. This is Python {}".format(
        sys.version.split()[0]
    )
    for version in ("3.15", "3.14", "3.13", "3.12", "3.11", "3.10"):
        files = (Path.home() / ".pyenv" / "versions").glob(version + ".*/bin/python")
        # Debian has ensurepip in another package. pyenv has commands for versions that it lacks.
        probe = "import ensurepip, sys; sys.exit(sys.version[:4] != '{}')".format(version)
        for command in (["python" + version], ["py", "-" + version], *([str(f)] for f in files)):
            words = [*command, "-c", probe]
            if shutil.which(command[0]) and subprocess.call(words, stderr=DEVNULL) == 0:
                print(message + "; continuing with", *command, file=sys.stderr)
                sys.exit(become(*command, *sys.argv))
    sys.exit(message + ", and no other one with pip was found. Install Python 3.14.")

ROOT = Path(__file__).resolve().parent
HOST = ROOT / "embedded-host"
PINS, DOCS_PINS = "embedded-host/requirements-dev.txt", "embedded-host/requirements-docs.txt"
INPUTS = ("requirements.txt", PINS, DOCS_PINS, "embedded-host/pyproject.toml")
EDITABLE = f"-c {PINS} --no-build-isolation -e embedded-host"
# As on Azure, packages of the host and of the app cannot be in conflict. The tests and
# `start --in-process` import both, so they have a third environment.
APP, TOOL, DEV = ROOT / ".venv", ROOT / ".venv-host", ROOT / ".venv-dev"
INSTALL = {  # environment: the arguments of each call of `pip install`
    APP: (f"-c {PINS} -r requirements.txt",),
    TOOL: (f"-c {PINS} hatchling", EDITABLE),
    DEV: (f"--no-deps -r {PINS} -r {DOCS_PINS}", f"{EDITABLE} -r requirements.txt"),
}
CHECKS = {
    ROOT: ("ruff format --check .", "ruff check .", "codespell", "mypy"),
    HOST: ("mypy", "lint-imports", "mkdocs build -q", "npm ci --silent", "npm run --silent lint"),
}


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if command in ("-h", "--help", "help"):
        print(__doc__)
        return 0
    if command not in ("start", "test", "check", "docs") or (command == "check" and rest):
        print(__doc__, "dev.py: invalid arguments:", *arguments or ["none"], file=sys.stderr)
        return 2
    runs = [APP, TOOL] if command == "start" and "--in-process" not in rest else [DEV]
    try:
        os.environ.update(PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_USER="0", NO_MKDOCS_2_WARNING="1")
        install(*runs)
        if command == "start":
            for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):  # the host would prefer them to .venv
                os.environ.pop(name, None)
            return become(program(runs[-1]), "-m", "embedded_host", *arguments, folder=str(ROOT))
        if command == "docs":
            rest = ["build"] if rest == ["--build"] else ["serve", *rest]
            return become(program(DEV), "-m", "mkdocs", *rest, folder=str(HOST))
        return check() if command == "check" else test(rest)
    except OSError as error:
        sys.exit(f"dev.py: {error}")
    except KeyboardInterrupt:
        print("\ndev.py was interrupted. Run the same command to continue.", file=sys.stderr)
        return 130


def test(arguments: list[str]) -> int:
    """Run pytest for the project of each path. Run it for both projects if there is no path."""
    count = next((i for i, each in enumerate(arguments) if each.startswith("-")), len(arguments))
    color = ["--color=yes"] if sys.stdout.isatty() else []
    pytest = [program(DEV), "-m", "pytest", *color, *arguments[count:]]
    paths: dict[Path, list[str]] = {ROOT: [], HOST: []}
    for argument in arguments[:count]:
        file, separator, name = argument.partition("::")
        path = Path(file).resolve()
        project = HOST if HOST in (path, *path.parents) else ROOT
        paths[project].append(os.path.relpath(path, project) + separator + name)
    selected = [project for project in paths if paths[project]]
    if len(selected) == 1:
        return become(*pytest, *paths[selected[0]], folder=str(selected[0]))
    codes, closing_lines = [], []
    signal.signal(signal.SIGINT, lambda *_: None)  # pytest handles Ctrl+C
    for project, name in ((ROOT, "app"), (HOST, "embedded host")):
        command = [*pytest, *(paths[project] or ["tests"])]
        with subprocess.Popen(command, cwd=project, stdout=PIPE, stderr=STDOUT) as process:
            output, end = process.stdout.fileno() if process.stdout else -1, b""
            for data in iter(lambda: os.read(output, 65536), b""):  # noqa: B023
                sys.stdout.buffer.write(data)
                sys.stdout.flush()
                end = (end + data)[-2000:]
        codes.append(process.returncode)
        last_line = end.decode("utf-8", "replace").rstrip().rpartition("\n")[2]
        closing_lines += [f"{name} (exit code {codes[-1]}):", last_line]
    print("", *closing_lines, sep="\n", flush=True)
    # Exit code 5: the options, such as `-k`, select no test of this project.
    return next((code for code in codes if code not in (0, 5)), min(codes))


def check() -> int:
    """Run all checks, also after a check has failed. Return 1 if a check failed."""
    failed = []
    path = os.pathsep.join((program(DEV, ""), os.environ.get("PATH", "")))
    for folder, commands in CHECKS.items():
        for command in commands:
            tool, *arguments = command.split()
            file = shutil.which(tool, path=path)
            print(f"$ {command}" if file else f"NOT RUN: {tool} is not installed", flush=True)
            if file and subprocess.call([file, *arguments], cwd=folder) != 0:
                failed.append(f"{command} (in {folder.name})")
    if failed:
        sys.exit(f"dev.py: failed: {', '.join(failed)}")
    return 0


def install(*environments: Path) -> None:
    """Create these environments and install their packages, unless they are up to date."""
    digest = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in INPUTS)).hexdigest()
    with contextlib.closing(locked()):
        for venv in environments:
            python, stamp = program(venv), venv / "dev-stamp"
            made_for = f"{sys.version[:4]} in {venv}, "
            is_made = stamp.exists() and Path(python).exists()
            found = os.fsdecode(stamp.read_bytes()) if is_made else ""
            if not found.startswith(made_for):
                if Path(sys.prefix).resolve() == venv:
                    sys.exit(f"dev.py cannot replace {venv.name} while it is active: `deactivate`.")
                print(f"Creating {venv.name} with {sys.executable}", flush=True)
                run(sys.executable, "venv", "--clear", str(venv))
            if found != made_for + digest:
                stamp.write_bytes(os.fsencode(made_for))
                print(f"Installing the packages of {venv.name}. This takes a minute.", flush=True)
                for arguments in INSTALL[venv]:
                    run(python, "pip", "install", "-qq", *arguments.split())
                stamp.write_bytes(os.fsencode(made_for + digest))


def program(venv: Path, name: str = "python" + (".exe" if os.name == "nt" else "")) -> str:
    """Return the path of a program of an environment."""
    return str(venv / ("Scripts" if os.name == "nt" else "bin") / name)


def locked() -> sqlite3.Connection:
    """Return a SQLite connection that holds a file lock. Wait if another dev.py holds the lock."""
    (ROOT / "build").mkdir(exist_ok=True)
    connection = sqlite3.connect(ROOT / "build" / "dev.lock", timeout=1, isolation_level=None)
    message = "Another dev.py is installing packages. Waiting for it.\n"
    while not connection.in_transaction:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:  # raised after the timeout of 1 s
            print(message, end="", flush=True)
            message = ""
    return connection


def run(python: str, module: str, *arguments: str) -> None:
    """Run pip or venv with ``python -m``. Exit if the command fails."""
    if subprocess.call([python, "-m", module, *arguments], cwd=ROOT) != 0:
        sys.exit(
            f"dev.py: {module} failed; see its message above. Run the same command to continue.\n"
            "If you use a proxy, set HTTPS_PROXY. For another package index, set PIP_INDEX_URL."
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
