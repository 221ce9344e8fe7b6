"""Everything a newcomer needs, with nothing installed but Python 3.10 to 3.13.

    python dev.py start [arguments for the host]   run the app at http://localhost:7071
    python dev.py test [arguments for pytest]      run the tests
    python dev.py check                            formatting, lint and types: ruff and mypy

The first command makes .venv beside this file and installs what requirements-dev.txt pins; later ones only look
whether the pins have changed. `python dev.py start --help` lists the arguments of the host.
"""

# Standard library only. What is not needed on every command is imported where it is needed: a command must begin at
# once. Up to the version check nothing may be used that Python 3.6 does not have, or the check would never be reached;
# that is why types that it does not know are quoted.
import os
import sys

OLDEST, NEWEST = (3, 10), (3, 13)


def unsupported_python(version: "tuple[int, ...]", executable: str) -> str:
    """Return what is wrong with this version of Python, an empty string if nothing is."""
    if OLDEST <= version[:2] <= NEWEST:
        return ""
    wanted = "{}.{} to {}.{}".format(*(OLDEST + NEWEST))
    found = ".".join(str(number) for number in version)
    command = "py -3.13 dev.py" if os.name == "nt" else "python3.13 dev.py"
    return "dev.py needs Python {}, and this is Python {} ({}).\nRun it with one of those, for example: {}".format(
        wanted, found, executable, command
    )


_unsupported = unsupported_python(tuple(sys.version_info[:3]), sys.executable)
if _unsupported:
    sys.exit(_unsupported)

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "Scripts", "python.exe") if os.name == "nt" else os.path.join(VENV, "bin", "python")
PINS = "requirements-dev.txt"
PIN_FILES = ("requirements.txt", PINS, "pyproject.toml")
STAMP = os.path.join(VENV, "dev-stamp")
"""Says for which Python and folder .venv was made and, once all is installed, the digest of the pins."""

UNWRITABLE = (
    "Is the disk full, or the folder in use by another program (an editor, a running host) or not yours to write to? "
    "Mend that, then run the same command again."
)
CHECKS = (("ruff", "format", "--check", "."), ("ruff", "check", "."), ("mypy",))


class SetupError(Exception):
    """The environment could not be made; the text says what to do."""


def main(arguments: list[str]) -> int:
    """Carry out one command and return its exit code."""
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if command in ("-h", "--help", "help"):
        print(__doc__)
        return 0
    if command not in ("start", "test", "check") or (command == "check" and rest):
        print(__doc__, file=sys.stderr)
        problem = "check takes no arguments" if command == "check" else "no command '{}'".format(command)
        print("dev.py: {}".format(problem if command else "say what to do: start, test or check"), file=sys.stderr)
        return 2
    try:
        ensure_environment()
        if command == "check":
            return check()
        return run("embedded_host", "start", *rest) if command == "start" else run("pytest", *rest)
    except SetupError as error:
        print("\ndev.py: {}".format(error), file=sys.stderr)
        return 1
    except (FileNotFoundError, PermissionError) as error:  # files that are read or written have their own words
        what = "\ndev.py: cannot run {}: {}\nDelete the folder .venv, then run the same command again."
        print(what.format(VENV_PYTHON, error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndev.py: interrupted. Run the same command again; it carries on from here.", file=sys.stderr)
        return 130


def run(module: str, *arguments: str) -> int:
    """Run a module with the environment's Python in the root folder; where the system can, become that process."""
    os.chdir(ROOT)
    command = [VENV_PYTHON, "-m", module, *arguments]
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name != "nt":
        os.execv(VENV_PYTHON, command)  # signals then reach the host itself, and nobody has to hand on its exit code
    import subprocess

    with subprocess.Popen(command) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue  # Ctrl+C went to every process of the console; the child decides what becomes of it


def check() -> int:
    """Run every check, also after one that failed, so that one run shows all there is to do."""
    import subprocess

    failed = []
    for tool in CHECKS:
        print("$ {}".format(" ".join(tool)), flush=True)
        if subprocess.call([VENV_PYTHON, "-m", *tool], cwd=ROOT) != 0:
            failed.append(" ".join(tool))
    if failed:
        print("dev.py: failed: {}".format(", ".join(failed)), file=sys.stderr)
    if any(name.startswith("ruff") for name in failed):
        print("What ruff can mend by itself:", file=sys.stderr)
        for how in ("format .", "check --fix ."):
            print("    {} -m ruff {}".format(os.path.relpath(VENV_PYTHON, ROOT), how), file=sys.stderr)
    return 1 if failed else 0


def ensure_environment() -> None:
    """Make .venv hold what the pins say. Costs reading four small files when it already does."""
    folder = os.path.normcase(os.path.realpath(ROOT))
    made_for, pins = "python {}.{} in {}\n".format(*sys.version_info[:2], folder), "pins {}\n".format(_digest_of_pins())
    if _stamp() == made_for + pins:
        return
    with open(__file__, "rb") as file:
        _lock(file.fileno())  # until it is closed: the second of two commands must not clear what the first one makes
        stamp = _stamp()
        if stamp == made_for + pins:
            return
        if not stamp.startswith(made_for):  # none yet, half made, moved here with its folder, or another Python's
            _make_venv()
        _write(STAMP, made_for)  # from here on the environment is sound, only what is installed is not
        _install()
        _write(STAMP, made_for + pins)


def _digest_of_pins() -> str:
    import hashlib

    digest = hashlib.sha256()
    for name in PIN_FILES:
        try:
            with open(os.path.join(ROOT, name), "rb") as file:
                digest.update(file.read())
        except OSError as error:
            raise SetupError(
                "cannot read {}: {}\nIt belongs to this repository; `git checkout {}` brings it back.".format(
                    os.path.join(ROOT, name), error, name
                )
            ) from error
    return digest.hexdigest()


def _stamp() -> str:
    return _read(STAMP) if os.path.exists(VENV_PYTHON) else ""


def _lock(descriptor: int) -> None:
    """Wait until no other dev.py of this folder makes the environment, and say so."""
    import time

    said = False
    while not _try_to_lock(descriptor):
        if not said:
            print("Another dev.py is making .venv; waiting until it is through. Ctrl+C ends the wait.", flush=True)
            said = True
        time.sleep(0.1)


def _try_to_lock(descriptor: int) -> bool:
    """False while another process has the lock. Where the file system knows no locks, everyone gets it."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, 1 << 20, os.SEEK_SET)  # behind the text, which others must be able to read
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        except OSError:
            pass
    else:
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            pass
    return True


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except (OSError, ValueError):
        return ""


def _write(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise SetupError("cannot write {}: {}\n{}".format(path, error, UNWRITABLE)) from error


def _make_venv() -> None:
    import subprocess

    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        raise SetupError(
            "this Python ({}) comes without its module '{}'.\nOn Debian and Ubuntu install it, then run the same "
            "command again:\n    sudo apt install python{}.{}-venv".format(
                sys.executable, error.name, *sys.version_info[:2]
            )
        ) from error
    python = sys.executable
    if os.path.realpath(sys.prefix) == os.path.realpath(VENV):
        # This is the Python of the very environment that is about to be replaced: go on with the one it was made from.
        python = os.path.realpath(python)
        if os.name == "nt" or python.startswith(os.path.realpath(VENV) + os.sep):
            raise SetupError(
                ".venv has to be made anew, and this is its own Python. Leave it first (`deactivate`), then run the "
                "same command again."
            )
    print("Making .venv with Python {}.{} ({})".format(*sys.version_info[:2], python), flush=True)
    try:
        if os.path.exists(STAMP):
            os.remove(STAMP)  # first: whatever interrupts the rest, nobody takes what is left for an environment
        made = subprocess.run(
            [python, "-m", "venv", "--clear", VENV],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
            errors="replace",
        )
    except OSError as error:
        raise SetupError("cannot make {}: {}\n{}".format(VENV, error, UNWRITABLE)) from error
    if made.returncode != 0:
        raise SetupError("cannot make {}:\n{}\n{}".format(VENV, made.stdout.strip(), UNWRITABLE))


def _install() -> None:
    """Install the pins, then this repository itself, so that `embedded_host` is importable from every folder."""
    total = sum(1 for line in _read(os.path.join(ROOT, PINS)).splitlines() if line.strip() and line[0] != "#")
    print("Installing {} (this takes a minute, and only when the pins have changed)".format(PINS), flush=True)
    _pip(total, "--no-deps", "-r", PINS)
    _pip(1, "--no-deps", "--no-build-isolation", "-e", ".")
    print("Installed.", flush=True)


def _pip(total: int, *arguments: str) -> None:
    """Run `pip install`, show how far it is, and keep what it says for the case that it fails."""
    import subprocess

    environment = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1", PIP_USER="0")
    said: list[str] = []
    seen = 0
    process = subprocess.Popen(
        [VENV_PYTHON, "-m", "pip", "install", "--progress-bar", "off", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        errors="replace",
    )
    try:
        for line in process.stdout or ():
            first = line.split(None, 1)[0] if line.strip() else ""
            if first == "Ignoring":  # a pin for another version of Python
                total -= 1
                continue
            said.append(line.rstrip())
            if first in ("Collecting", "Obtaining", "Processing") or line.startswith("Requirement already satisfied"):
                seen += 1
                _show("{}/{} {}".format(seen, max(seen, total), said[-1].split(" (from ")[0]))
            elif first in ("Installing", "Building") or "Retrying" in line:
                _show(said[-1])
        code = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    finally:
        _show("")
    if code != 0:
        raise SetupError(_why_pip_failed(said))


def _show(progress: str) -> None:
    """Show progress in one line of a terminal that is overwritten by the next; a log gets none of it."""
    if sys.stdout.isatty():
        sys.stdout.write("\r{:<79}\r{}".format("", progress.strip()[:79]))
        sys.stdout.flush()


def _why_pip_failed(said: list[str]) -> str:
    text = "\n".join(said)
    last = "\n".join("    " + line for line in said[-12:])
    offline = ("NewConnectionError", "NameResolutionError", "ConnectTimeout", "ProxyError", "Network is unreachable")
    if "CERTIFICATE_VERIFY_FAILED" in text or "SSLCertVerificationError" in text:
        advice = (
            "the certificate of the package index is not trusted. Firewalls that look into TLS have one of their own: "
            "set PIP_CERT to the file that has it (.pem)."
        )
    elif any(sign in text for sign in offline) or ("Retrying" in text and "connection" in text):
        advice = (
            "no package index could be reached. Are you offline? Behind a proxy set HTTPS_PROXY "
            "(http://USER:PASSWORD@HOST:PORT if it asks who you are), for an index of your own set PIP_INDEX_URL."
        )
    elif "No module named pip" in text:
        advice = "the environment has no pip. Delete the folder .venv."
    elif "No space left" in text:
        advice = "the disk is full: make room on it."
    else:
        advice = "pip could not install what requirements-dev.txt pins. If this goes on, delete the folder .venv."
    return "{}\nThen run the same command again; what was downloaded is kept. pip said:\n{}".format(advice, last)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
