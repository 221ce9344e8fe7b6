"""dev.py from the outside, in a project of its own. No network: `pip`, and what it would install, are stubs.

The stubs are on PYTHONPATH, which goes before the modules of the environment and of Python itself.
"""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

DEV = Path(__file__).parents[2] / "dev.py"
SCRIPTS = "Scripts" if os.name == "nt" else "bin"

STUBS = {
    # pip notes each call; the file `pip-behaviour` says what it does then.
    "pip/__main__.py": """
        import os, sys, time
        with open("pip-calls", "a") as calls:
            calls.write(" ".join(sys.argv[1:]) + "\\n")
        behaviour = open("pip-behaviour").read() if os.path.exists("pip-behaviour") else ""
        if behaviour == "offline":
            print("WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(...)': /simple/")
            sys.exit("ERROR: Could not find a version that satisfies the requirement aiohttp==3.14.5")
        if behaviour == "certificate":
            print("WARNING: Retrying (Retry(total=0)) after connection broken by 'SSLError(SSLCertVerificationError(1, "
                  "'[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate'))': /simple/")
            sys.exit("ERROR: Could not find a version that satisfies the requirement aiohttp==3.14.5")
        if behaviour == "conflict":
            sys.exit("ERROR: No matching distribution found for nosuch==1")
        print("Collecting aiohttp==3.14.5", flush=True)
        if behaviour == "slow":
            time.sleep(60)
        while behaviour == "until told otherwise":
            time.sleep(0.01)
            behaviour = open("pip-behaviour").read()
        """,
    # A real environment, but without the seconds that installing pip into it takes.
    "venv/__main__.py": """
        import os, sys
        stubs = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        sys.path[:] = [path for path in sys.path if os.path.abspath(path) != stubs]
        sys.modules.pop("venv", None)
        import venv
        venv.create(sys.argv[-1], clear="--clear" in sys.argv, symlinks=os.name != "nt")
        """,
    "venv/__init__.py": "",
    "pytest/__main__.py": """
        import os, sys
        print("pytest", sys.argv[1:], "in", os.path.basename(os.getcwd()), "of", sys.prefix)
        sys.exit(5)
        """,
    "ruff/__main__.py": "import sys; print('ruff', *sys.argv[1:]); sys.exit('--check' in sys.argv)",
    "mypy/__main__.py": "print('mypy')",
}
HOST = """
    import os, signal, sys, time
    print("host", sys.argv[1:], "in", os.path.basename(os.getcwd()), "pid", os.getpid(), flush=True)
    if "--serve" in sys.argv:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
        print("serving", flush=True)
        time.sleep(60)
    """


class Project:
    """A folder with dev.py, pins and a stub of the embedded host."""

    def __init__(self, root: Path, stubs: Path) -> None:
        self.root = root
        self.environment = {**os.environ, "PYTHONPATH": str(stubs), "PYTHONDONTWRITEBYTECODE": "1"}

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    def dev(self, *arguments: str, python: str = sys.executable, code: int = 0) -> str:
        done = subprocess.run(
            [python, str(self.root / "dev.py"), *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def begin(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, str(self.root / "dev.py"), *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def pip_does(self, behaviour: str) -> None:
        (self.root / "pip-behaviour").write_text(behaviour)

    def pip_calls(self) -> list[str]:
        """What pip was called with since this was last asked."""
        calls = self.root / "pip-calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        calls.unlink(missing_ok=True)
        return lines


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(text))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root, stubs = tmp_path / "a project", tmp_path / "stubs"
    for name, text in STUBS.items():
        write(stubs / name, text)
    write(root / "embedded_host" / "__main__.py", HOST)
    write(root / "requirements.txt", "azure-functions<2\n")
    write(root / "requirements-dev.txt", "aiohttp==3.14.5\n")
    write(root / "pyproject.toml", "[project]\n")
    shutil.copy(DEV, root / "dev.py")
    return Project(root, stubs)


INSTALL = [
    "install --progress-bar off --no-deps -r requirements-dev.txt",
    "install --progress-bar off --no-deps --no-build-isolation -e .",
]


def test_start_runs_the_host_in_the_folder_of_the_app(project: Project) -> None:
    output = project.dev("start", "--port", "8080", "--help")
    assert "host ['start', '--port', '8080', '--help'] in a project" in output
    assert project.pip_calls() == INSTALL


def test_test_runs_pytest_of_the_environment_and_hands_on_its_exit_code(project: Project) -> None:
    output = project.dev("test", "-k", "one or two", code=5)
    assert f"pytest ['-k', 'one or two'] in a project of {project.venv}" in output


def test_check_runs_every_check_even_after_one_that_failed(project: Project) -> None:
    output = project.dev("check", code=1)
    assert "ruff format --check ." in output
    assert "ruff check ." in output
    assert "\nmypy\n" in output
    assert "dev.py: failed: ruff format --check .\nWhat ruff can mend by itself:\n" in output
    assert f"{Path('.venv', SCRIPTS, 'python')} -m ruff format ." in output.replace(".exe", "")


def test_the_second_time_nothing_is_installed_and_nothing_said(project: Project) -> None:
    assert "Making .venv" in project.dev("start")
    project.pip_calls()
    output = project.dev("start")
    assert output.startswith("host ")
    assert project.pip_calls() == []


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "pyproject.toml"])
def test_changed_pins_are_installed_into_the_same_environment(project: Project, name: str) -> None:
    project.dev("start")
    project.pip_calls()
    (project.venv / "kept").touch()
    write(project.root / name, "# changed\n")
    assert "Making .venv" not in project.dev("start")
    assert project.pip_calls() == INSTALL
    assert (project.venv / "kept").exists()
    project.dev("start")
    assert project.pip_calls() == []


def test_offline_says_so_and_a_later_run_carries_on(project: Project) -> None:
    project.pip_does("offline")
    output = project.dev("start", code=1)
    assert "no package index could be reached. Are you offline?" in output
    assert "HTTPS_PROXY" in output
    assert "ERROR: Could not find a version" in output
    assert "Traceback" not in output
    project.pip_does("")
    assert "host ['start']" in project.dev("start")


def test_a_certificate_that_is_not_trusted_is_not_taken_for_being_offline(project: Project) -> None:
    project.pip_does("certificate")
    output = project.dev("start", code=1)
    assert "the certificate of the package index is not trusted" in output
    assert "PIP_CERT" in output
    assert "offline" not in output


def test_offline_with_changed_pins_keeps_the_environment(project: Project) -> None:
    project.dev("start")
    (project.venv / "kept").touch()
    write(project.root / "requirements-dev.txt", "aiohttp==4\n")
    project.pip_does("offline")
    project.dev("start", code=1)
    project.pip_does("")
    assert "host ['start']" in project.dev("start")
    assert (project.venv / "kept").exists()


def test_pins_that_were_half_installed_and_put_back_are_installed_again(project: Project) -> None:
    project.dev("start")
    before = (project.root / "requirements-dev.txt").read_text()
    write(project.root / "requirements-dev.txt", "aiohttp==4\n")
    project.pip_does("offline")
    project.dev("start", code=1)
    write(project.root / "requirements-dev.txt", before)
    project.pip_does("")
    project.pip_calls()
    assert "Making .venv" not in project.dev("start")
    assert project.pip_calls() == INSTALL


def test_another_failure_of_pip_is_shown(project: Project) -> None:
    project.pip_does("conflict")
    output = project.dev("test", code=1)
    assert "pip could not install what requirements-dev.txt pins" in output
    assert "No matching distribution found for nosuch==1" in output
    assert "offline" not in output


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT as a terminal does")
def test_interrupted_in_the_middle_a_later_run_carries_on(project: Project) -> None:
    project.pip_does("slow")
    with project.begin("start") as process:
        wait_for(lambda: (project.root / "pip-calls").exists())
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "dev.py: interrupted. Run the same command again" in output
    assert "Error" not in output
    project.pip_does("")
    project.pip_calls()
    assert "host ['start']" in project.dev("start")
    assert project.pip_calls() == INSTALL


@pytest.mark.skipif(os.name == "nt", reason="the stub that waits reads its order from a file that is being written")
def test_the_second_of_two_commands_waits_for_the_first_one(project: Project) -> None:
    project.pip_does("until told otherwise")
    with project.begin("start") as first:
        wait_for(lambda: (project.root / "pip-calls").exists())
        with project.begin("test") as second:
            try:
                assert second.stdout is not None
                assert second.stdout.readline().startswith("Another dev.py is making .venv; waiting")
            finally:
                project.pip_does("")  # or it would wait for ever, and with it this test
            started, _ = first.communicate(timeout=30)
            tested, _ = second.communicate(timeout=30)
    assert (first.returncode, second.returncode) == (0, 5)
    assert "host ['start']" in started
    assert tested.startswith("pytest []"), "it makes nothing itself"
    assert project.pip_calls() == INSTALL


def test_a_half_made_environment_is_made_anew(project: Project) -> None:
    (project.venv / SCRIPTS).mkdir(parents=True)
    (project.venv / "left over").touch()
    assert "Making .venv" in project.dev("start")
    assert not (project.venv / "left over").exists()


def test_a_deleted_environment_is_made_anew(project: Project) -> None:
    project.dev("start")
    shutil.rmtree(project.venv)
    assert "Making .venv" in project.dev("start")


def test_an_environment_whose_python_is_gone_is_made_anew(project: Project) -> None:
    project.dev("start")
    for python in (project.venv / SCRIPTS).glob("python*"):
        python.unlink()
    assert "Making .venv" in project.dev("start")


def test_an_environment_of_another_python_is_made_anew(project: Project) -> None:
    project.dev("start")
    stamp = project.venv / "dev-stamp"
    stamp.write_text(stamp.read_text().replace("python 3.", "python 2."))
    assert "Making .venv" in project.dev("start")


def test_a_moved_project_is_installed_anew(project: Project) -> None:
    project.dev("start")
    moved = project.root.rename(project.root.with_name("moved"))
    project.root = moved
    assert "in moved" in project.dev("start")
    assert project.pip_calls()[-2:] == INSTALL
    assert "a project" not in (moved / ".venv" / "pyvenv.cfg").read_text()


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot replace a program that runs")
def test_the_python_of_the_environment_itself_can_make_it_anew(project: Project) -> None:
    project.dev("start")
    (project.venv / "dev-stamp").unlink()
    own = str(project.venv / SCRIPTS / "python")
    assert "Making .venv" in project.dev("start", python=own)
    assert project.dev("start", python=own).startswith("host ")
    assert f"home = {Path(sys.executable).resolve().parent}" in (project.venv / "pyvenv.cfg").read_text()


def test_a_python_without_ensurepip_says_what_to_install(project: Project) -> None:
    write(Path(project.environment["PYTHONPATH"]) / "ensurepip" / "__init__.py", "raise ImportError(name='ensurepip')")
    output = project.dev("start", code=1)
    assert "comes without its module 'ensurepip'" in output
    assert f"sudo apt install python{sys.version_info.major}.{sys.version_info.minor}-venv" in output
    assert "Traceback" not in output


def test_pins_that_are_not_there_are_named(project: Project) -> None:
    (project.root / "requirements-dev.txt").unlink()
    output = project.dev("start", code=1)
    assert f"dev.py: cannot read {project.root / 'requirements-dev.txt'}: " in output
    assert "`git checkout requirements-dev.txt` brings it back" in output
    assert "Traceback" not in output


@pytest.mark.skipif(os.name == "nt", reason="on Windows a file is a program by its name")
@pytest.mark.parametrize("command", ["start", "check"])
@pytest.mark.parametrize("pins", ["azure-functions<2\n", "# changed\n"])
def test_a_python_of_the_environment_that_does_not_run_is_explained(project: Project, pins: str, command: str) -> None:
    project.dev("start")
    write(project.root / "requirements.txt", pins)
    python = project.venv / SCRIPTS / "python"
    python.unlink()
    python.write_text("no program")
    output = project.dev(command, code=1)
    assert f"dev.py: cannot run {python}: " in output
    assert "Delete the folder .venv, then run the same command again." in output
    assert "Traceback" not in output


def test_a_venv_that_cannot_be_made_is_explained(project: Project) -> None:
    project.venv.write_text("a file where the folder should be")
    output = project.dev("start", code=1)
    assert f"cannot make {project.venv}" in output
    assert "run the same command again" in output


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to pass on")
def test_signals_reach_the_host_and_its_exit_code_comes_back(project: Project) -> None:
    with project.begin("start", "--serve") as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "serving\n")
        assert f"pid {process.pid}" in list(lines)[-1], "dev.py has become the host"
        process.terminate()
        assert process.wait(timeout=30) == 7


@pytest.mark.parametrize("argument", ["--help", "-h"])
def test_help_installs_nothing(project: Project, argument: str) -> None:
    output = project.dev(argument)
    assert all(f"python dev.py {command}" in output for command in ("start", "test", "check"))
    assert not project.venv.exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "say what to do: start, test or check"),
        (["strat"], "no command 'strat'"),
        (["install"], "no command 'install'"),
        (["check", "--fix"], "check takes no arguments"),
    ],
)
def test_anything_else_is_refused(project: Project, arguments: list[str], problem: str) -> None:
    output = project.dev(*arguments, code=2)
    assert output.rstrip().endswith(f"dev.py: {problem}")
    assert not project.venv.exists()


def unsupported(version: str) -> str:
    """What dev.py says under another version of Python, told to it before its first line."""
    numbers = tuple(int(part) for part in version.split("."))
    script = f"import sys, runpy; sys.version_info = {numbers}; runpy.run_path({str(DEV)!r}, run_name='dev')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == (1 if done.stderr else 0)
    return done.stderr


@pytest.mark.parametrize("version", ["3.6.15", "3.9.18", "3.14.0", "4.0.0"])
def test_another_python_is_refused_by_name(version: str) -> None:
    output = unsupported(version)
    assert f"dev.py needs Python 3.10 to 3.13, and this is Python {version} ({sys.executable})." in output
    assert "Traceback" not in output


@pytest.mark.parametrize("version", ["3.10.0", "3.13.9"])
def test_the_first_and_the_last_python_are_taken(version: str) -> None:
    assert unsupported(version) == ""


def test_old_pythons_can_parse_the_file() -> None:
    compile_for_3_6 = "import ast, sys; ast.parse(open(sys.argv[1]).read(), feature_version=(3, 6))"
    subprocess.run([sys.executable, "-c", compile_for_3_6, str(DEV)], check=True)


def test_a_ready_environment_costs_next_to_nothing(project: Project) -> None:
    project.dev("start")

    def fastest(*command: str) -> float:
        times = []
        for _ in range(7):
            begin = time.perf_counter()
            subprocess.run(command, env=project.environment, capture_output=True, check=True, cwd=project.root)
            times.append(time.perf_counter() - begin)
        return min(times)

    python = str(project.venv / SCRIPTS / "python")
    direct = fastest(python, "-m", "embedded_host", "start")
    through_dev = fastest(sys.executable, str(project.root / "dev.py"), "start")
    starting_python = fastest(sys.executable, "-c", "")
    # 50 ms on an idle machine; the tests run beside each other.
    assert through_dev - direct - starting_python < 0.15


@pytest.mark.skipif(os.name == "nt", reason="Windows runs the host with subprocess")
def test_no_module_is_imported_that_is_not_needed(project: Project) -> None:
    project.dev("start")
    script = (
        "import sys, os; os.execv = lambda *_: sys.exit(' '.join(sys.modules)); sys.path.insert(0, sys.argv[1])\n"
        "import dev; dev.main(['start'])"
    )
    done = subprocess.run([sys.executable, "-c", script, str(project.root)], capture_output=True, text=True, cwd="/")
    loaded = set(done.stderr.split())
    assert "dev" in loaded
    assert loaded.isdisjoint({"argparse", "pathlib", "subprocess", "tempfile", "typing", "venv"})


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
