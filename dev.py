"""Run, test, check and document the app and the embedded host. Requires Python 3.10 to 3.13.

    python dev.py start [arguments]       run the app with the arguments of `embedded-host start`
    python dev.py test [paths] [options]  run the tests below the paths, or all tests of the app and
                                          of the embedded host; the options are pytest's options,
                                          for example `-m unit`
    python dev.py check                   run the linters and type checkers, build the documentation
    python dev.py docs [--build]          serve the documentation, or only build it

The first run of a command creates .venv in the folder of this file, and installs pinned versions of
the packages that the command requires. `start` does not install the development tools.
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

# Python 3.6 and newer can parse this file, and therefore reach this check.
if not (3, 10) <= sys.version_info[:2] <= (3, 13):
    message = "dev.py requires Python 3.10 to 3.13. This is Python {}.{}.{}. Try: {} dev.py"
    newest = "py -3.13" if os.name == "nt" else "python3.13"
    sys.exit(message.format(*sys.version_info[:3], newest))

ROOT = Path(__file__).resolve().parent
HOST = ROOT / "embedded-host"
VENV = ROOT / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
PINS = "embedded-host/requirements-dev.txt"
DOCS_PINS = "embedded-host/requirements-docs.txt"
INPUTS = ("requirements.txt", PINS, DOCS_PINS, "embedded-host/pyproject.toml")
INSTALL = {  # level: the arguments of each call of `pip install`
    "run": (
        f"-c {PINS} hatchling",
        f"-c {PINS} --no-build-isolation -r requirements.txt -e embedded-host",
    ),
    "tools": (f"--no-deps -r {PINS}",),
    "docs": (f"--no-deps -r {DOCS_PINS}",),
}
LEVELS = {"start": "run", "test": "run tools", "check": "run tools docs", "docs": "run docs"}
CHECKS = {
    ROOT: ("ruff format --check .", "ruff check .", "codespell", "mypy"),
    HOST: ("mypy", "lint-imports", "mkdocs build -q", "npm ci --silent", "npm run --silent lint"),
}
ENVIRONMENT = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_USER": "0", "NO_MKDOCS_2_WARNING": "1"}


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if command in ("-h", "--help", "help"):
        print(__doc__)
        return 0
    if command not in LEVELS or (command == "check" and rest):
        print(__doc__, "dev.py: invalid arguments:", *arguments or ["none"], file=sys.stderr)
        return 2
    try:
        os.environ.update(ENVIRONMENT)
        ensure_environment(LEVELS[command].split())
        if command == "start":
            return become(ROOT, "-m", "embedded_host", "start", *rest)
        if command == "docs":
            rest = ["build"] if rest == ["--build"] else ["serve", *rest]
            return become(HOST, "-m", "mkdocs", *rest)
        return check() if command == "check" else test(rest)
    except OSError as error:
        sys.exit(f"dev.py: {error}")
    except KeyboardInterrupt:
        print("\ndev.py was interrupted. Run the same command to continue.", file=sys.stderr)
        return 130


def test(arguments: list[str]) -> int:
    """Run pytest for the project of each path. Run it for both projects if there is no path."""
    count = next((i for i, each in enumerate(arguments) if each.startswith("-")), len(arguments))
    options = arguments[count:]
    paths: dict[Path, list[str]] = {ROOT: [], HOST: []}
    for argument in arguments[:count]:
        file, separator, name = argument.partition("::")
        path = Path(file).resolve()
        project = HOST if HOST in (path, *path.parents) else ROOT
        paths[project].append(os.path.relpath(path, project) + separator + name)
    selected = [project for project in paths if paths[project]]
    if len(selected) == 1:
        return become(selected[0], "-m", "pytest", *options, *paths[selected[0]])
    options = (["--color=yes"] if sys.stdout.isatty() else []) + options
    codes, closing_lines = [], []
    for project, name in ((ROOT, "app"), (HOST, "embedded host")):
        code, last_line = run(project, "-m", "pytest", *options, *(paths[project] or ["tests"]))
        codes.append(code)
        closing_lines.append(f"{name} (exit code {code}):\n{last_line}")
    print("\n" + "\n".join(closing_lines), flush=True)
    # Exit code 5: the options, such as `-k`, select no test of this project.
    return next((code for code in codes if code not in (0, 5)), min(codes))


def check() -> int:
    """Run all checks, also after a check has failed. Return 1 if a check failed."""
    failed = []
    path = os.pathsep.join((str(SCRIPTS), os.environ.get("PATH", "")))
    for folder, commands in CHECKS.items():
        for command in commands:
            tool, *arguments = command.split()
            program = shutil.which(tool, path=path)
            if not program:
                print(f"NOT RUN: {command}: {tool} is not installed", flush=True)
                continue
            print(f"$ {command}", flush=True)
            if subprocess.call([program, *arguments], cwd=folder) != 0:
                failed.append(f"{command} (in {folder.name})")
    if failed:
        print(f"dev.py: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def become(folder: Path, *arguments: str) -> int:
    """Replace this process with the Python of .venv. On Windows, run it as a child process."""
    os.chdir(folder)
    sys.stdout.flush()
    if os.name != "nt":
        os.execv(PYTHON, [str(PYTHON), *arguments])
    signal.signal(signal.SIGINT, lambda *_: None)  # the child process handles Ctrl+C
    return subprocess.call([PYTHON, *arguments])


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run the Python of .venv, print its output, and return its exit code and last line."""
    signal.signal(signal.SIGINT, lambda *_: None)
    command, pipe, end = [str(PYTHON), *arguments], subprocess.PIPE, b""
    with subprocess.Popen(command, cwd=folder, stdout=pipe, stderr=subprocess.STDOUT) as process:
        output = process.stdout.fileno() if process.stdout else -1
        for data in iter(lambda: os.read(output, 65536), b""):
            sys.stdout.buffer.write(data)
            sys.stdout.flush()
            end = (end + data)[-2000:]
    return process.returncode, end.decode("utf-8", "replace").rstrip().rpartition("\n")[2]


def ensure_environment(levels: list[str]) -> None:
    """Create .venv and install the packages of ``levels``, unless its stamps are up to date."""
    made_for = f"Python {sys.version_info[0]}.{sys.version_info[1]} in {ROOT}"
    digest = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in INPUTS)).hexdigest()
    if stamp("created") == made_for and all(stamp(level) == digest for level in levels):
        return
    with contextlib.closing(locked()):
        if stamp("created") != made_for:
            if Path(sys.prefix).resolve() == VENV:
                sys.exit("dev.py cannot replace .venv while it is active. Run `deactivate` first.")
            print(f"Creating .venv with {sys.executable}", flush=True)
            install("venv", "--clear", str(VENV), python=sys.executable)
            stamp("created", made_for)
        for level in levels:
            if stamp(level) != digest:
                stamp(level, "incomplete")
                print(f"Installing the packages ({level}). This takes a minute.", flush=True)
                for arguments in INSTALL[level]:
                    install("pip", "install", "-qq", *arguments.split())
                stamp(level, digest)


def stamp(name: str, text: str = "") -> str:
    """Write a non-empty ``text`` to a stamp of .venv. Return the stamp, or "" if none exists."""
    file = VENV / f"dev-{name}"
    if text:
        file.write_bytes(os.fsencode(text))
    return os.fsdecode(file.read_bytes()) if file.exists() and PYTHON.exists() else ""


def locked() -> sqlite3.Connection:
    """Return a SQLite connection that holds a file lock. Wait if another dev.py holds the lock."""
    (ROOT / "build").mkdir(exist_ok=True)
    connection = sqlite3.connect(ROOT / "build" / "dev.lock", timeout=1, isolation_level=None)
    message = "Another dev.py is changing .venv. Waiting for it.\n"
    while not connection.in_transaction:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:  # raised after the timeout of 1 s
            print(message, end="", flush=True)
            message = ""
    return connection


def install(module: str, *arguments: str, python: str = str(PYTHON)) -> None:
    """Run pip or venv with ``python -m``. Exit if the command fails."""
    if subprocess.call([python, "-m", module, *arguments], cwd=ROOT) != 0:
        sys.exit(
            f"dev.py: {module} failed; see its message above. Run the same command to continue.\n"
            "If you use a proxy, set HTTPS_PROXY. For another package index, set PIP_INDEX_URL."
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
