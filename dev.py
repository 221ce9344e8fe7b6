"""Run, test and check the app and the embedded host. Needs Python 3.10 to 3.13 and nothing else.

    python dev.py start [arguments]   run the app at http://localhost:7071; arguments are those of `embedded-host start`
    python dev.py test [arguments]    run the tests of both projects; arguments are those of pytest, and a path selects
                                      its project: `python dev.py test -m unit`, `python dev.py test tests/shared`
    python dev.py check               run formatter, linter, type checker and import contracts

The first run creates .venv beside this file and installs the versions that embedded-host/requirements-dev.txt pins:
`start` only those that the app and the host need, `test` and `check` the development tools too.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

OLDEST, NEWEST = (3, 10), (3, 13)
if not OLDEST <= sys.version_info[:2] <= NEWEST:  # Python 3.6 gets here: it can parse this file
    found = (
        OLDEST
        + NEWEST
        + tuple(sys.version_info[:3])
        + ("py -3.13" if os.name == "nt" else "python3.13",)
    )
    sys.exit(
        "dev.py needs Python {}.{} to {}.{}. This is Python {}.{}.{}. Try: {} dev.py".format(*found)
    )

ROOT = Path(__file__).resolve().parent
HOST = ROOT / "embedded-host"
VENV = ROOT / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
PINS = "embedded-host/requirements-dev.txt"
PINNED = ("requirements.txt", PINS, "embedded-host/pyproject.toml")
INSTALL = {  # level: the arguments of `pip install`, call by call
    "run": (
        f"-c {PINS} hatchling",
        f"-c {PINS} --no-build-isolation -r requirements.txt -e embedded-host",
    ),
    "tools": (f"--no-deps -r {PINS}",),
}
CHECKS = {
    ROOT: ("ruff format --check .", "ruff check .", "mypy"),
    HOST: ("mypy", "lint-imports", "npm ci --silent", "npm run --silent lint"),
}
VALUE_FOLLOWS = {
    "-c",
    "-k",
    "-m",
    "-n",
    "-o",
    "-p",
    "--basetemp",
    "--confcutdir",
    "--config-file",
    "--deselect",
}
VALUE_FOLLOWS |= {
    "--ignore",
    "--ignore-glob",
    "--junit-xml",
    "--junitxml",
    "--log-file",
    "--rootdir",
}  # pytest options


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if command in ("-h", "--help", "help"):
        print(__doc__)
        return 0
    if command not in ("start", "test", "check") or (command == "check" and rest):
        print(
            f"{__doc__}\ndev.py: invalid arguments: {' '.join(arguments) or 'none'}",
            file=sys.stderr,
        )
        return 2
    try:
        ensure_environment(*INSTALL if command != "start" else ["run"])
        if command == "start":
            return become(ROOT, "-m", "embedded_host", "start", *rest)
        return check() if command == "check" else test(rest)
    except OSError as error:
        sys.exit(f"dev.py: {error}")
    except KeyboardInterrupt:
        print("\ndev.py: interrupted. Run the same command again; it resumes.", file=sys.stderr)
        return 130


def test(arguments: list[str]) -> int:
    """Run pytest for each project that a path in the arguments belongs to; without a path, for both."""
    options: list[str] = []
    paths: dict[Path, list[str]] = {ROOT: [], HOST: []}
    for previous, argument in zip(["", *arguments], arguments, strict=False):
        file, separator, name = argument.partition("::")
        path = Path(file).resolve()
        if argument.startswith("-") or previous in VALUE_FOLLOWS or not path.exists():
            options.append(argument)
        else:
            project = HOST if HOST in (path, *path.parents) else ROOT
            paths[project].append(os.path.relpath(path, project) + separator + name)
    selected = [project for project in paths if paths[project]]
    if len(selected) == 1:
        return become(selected[0], "-m", "pytest", *options, *paths[selected[0]])
    options = (["--color=yes"] if sys.stdout.isatty() else []) + options
    codes, closing_lines = [], []
    for project in (ROOT, HOST):
        code, last_line = run(project, "-m", "pytest", *options, *(paths[project] or ["tests"]))
        codes.append(code)
        closing_lines.append(
            f"{'app' if project is ROOT else 'embedded host'} (exit code {code}):\n{last_line}"
        )
    print("\n" + "\n".join(closing_lines), flush=True)
    return next(
        (code for code in codes if code not in (0, 5)), min(codes)
    )  # 5: no tests, as with `-k` in one project


def check() -> int:
    """Run every check, also after a failure."""
    failed = []
    path = os.pathsep.join((str(SCRIPTS), os.environ.get("PATH", "")))
    for folder, command in (
        (folder, command) for folder, commands in CHECKS.items() for command in commands
    ):
        tool, *arguments = command.split()
        program = shutil.which(tool, path=path)
        print(
            f"$ {command}" if program else f"NOT CHECKED by {command}: {tool} is not installed",
            flush=True,
        )
        if program and subprocess.call([program, *arguments], cwd=folder) != 0:
            failed.append(f"{command} (in {folder.name})")
    if failed:
        print(f"dev.py: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def become(folder: Path, *arguments: str) -> int:
    """Replace this process by the environment's Python: signals and the exit code pass through. Windows gets a child."""
    os.chdir(folder)
    sys.stdout.flush()
    if os.name != "nt":
        os.execv(PYTHON, [str(PYTHON), *arguments])
    signal.signal(
        signal.SIGINT, lambda *_: None
    )  # Ctrl+C reaches the child too, which decides how it ends
    return subprocess.call([PYTHON, *arguments])


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run the environment's Python, copy its output, and return its exit code and its last line."""
    signal.signal(signal.SIGINT, lambda *_: None)
    end = b""
    command = [str(PYTHON), *arguments]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        output = process.stdout.fileno() if process.stdout else -1
        for data in iter(lambda: os.read(output, 65536), b""):
            sys.stdout.buffer.write(data)
            sys.stdout.flush()
            end = (end + data)[-2000:]
    return process.returncode, end.decode("utf-8", "replace").rstrip().rpartition("\n")[2]


def ensure_environment(*levels: str) -> None:
    """Make .venv complete for these levels. Reads a few small files if it is."""
    made_for = f"Python {sys.version_info[0]}.{sys.version_info[1]} in {ROOT}"
    digest = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in PINNED)).hexdigest()
    if stamp("created") == made_for and all(stamp(level) == digest for level in levels):
        return
    with Path(__file__).open("rb") as file:
        lock(file.fileno())  # until the file is closed
        if stamp("created") != made_for:
            create_venv()
            stamp("created", made_for)
        for level in levels:
            if stamp(level) != digest:
                stamp(level, "incomplete")
                pip_install(level)
                stamp(level, digest)


def stamp(name: str, text: str = "") -> str:
    """Write one of .venv's stamps, or return its text. Without its Python, .venv has none."""
    file = VENV / f"dev-{name}"
    if text:
        file.write_text(text, encoding="utf-8", errors="surrogateescape")
    return (
        file.read_text(encoding="utf-8", errors="surrogateescape")
        if file.exists() and PYTHON.exists()
        else ""
    )


def lock(descriptor: int) -> None:
    """Wait until no other dev.py changes .venv."""
    waiting = False
    while True:
        try:
            if sys.platform == "win32":
                os.lseek(
                    descriptor, 1 << 20, os.SEEK_SET
                )  # beyond the text: a locked range cannot be read
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except (BlockingIOError, PermissionError):
            if not waiting:
                print("Another dev.py is changing .venv. Waiting for it.", flush=True)
            waiting = True
            time.sleep(0.1)


def create_venv() -> None:
    if Path(sys.prefix).resolve() == VENV:
        sys.exit(
            "dev.py: .venv must be created again, and this is its Python. Run `deactivate`, then this command."
        )
    print(f"Creating .venv with {sys.executable}", flush=True)
    if subprocess.call([sys.executable, "-m", "venv", "--clear", VENV]) != 0:
        sys.exit(f"dev.py: cannot create {VENV}; the reason is above. Then run this command again.")


def pip_install(level: str) -> None:
    what = "the app and the host" if level == "run" else "the development tools"
    print(f"Installing {what}. This takes a minute.", flush=True)
    environment = {
        **os.environ,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_USER": "0",
    }
    for arguments in INSTALL[level]:
        command = [str(PYTHON), "-m", "pip", "install", "-qq", *arguments.split()]
        if subprocess.call(command, cwd=ROOT, env=environment) != 0:
            proxy = "Behind a proxy set HTTPS_PROXY, for another package index PIP_INDEX_URL."
            sys.exit(
                f"dev.py: pip failed; its message is above. {proxy} Then run this command again; it resumes."
            )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
