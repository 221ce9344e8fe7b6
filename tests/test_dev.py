"""Tests of dev.py in a temporary project with a virtual environment and stub packages."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.client import eventually

DEV = Path(__file__).parents[1] / "dev.py"
POSIX = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
STUBS = {
    # Appends each call to pip-calls. The file pip-behavior makes it fail or wait.
    "pip/__main__.py": """
        import os, sys, time
        with open("pip-calls", "a") as calls:
            calls.write(" ".join([os.path.basename(sys.prefix) + ":", *sys.argv[1:]]) + "\\n")
        end = time.monotonic() + 20
        while os.path.exists("pip-waits") and time.monotonic() < end:
            time.sleep(0.01)
        sys.exit("ERROR: no matching distribution" if os.path.exists("pip-fails") else 0)
        """,
    # Creates the environment without pip, which takes seconds.
    "venv/__main__.py": """
        import os, sys
        stubs = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        sys.path[:] = [path for path in sys.path if os.path.abspath(path) != stubs]
        sys.modules.pop("venv", None)
        import venv
        venv.create(sys.argv[-1], clear=True, symlinks=os.name != "nt")
        """,
    "venv/__init__.py": "",
    "pytest/__main__.py": """
        import os, sys
        project = os.path.basename(os.getcwd())
        print("pytest", sys.argv[1:], "in", project)
        print("=== closing line of", project)
        sys.exit(int(os.environ.get("CODE_" + project.replace("-", "_"), 0)))
        """,
    "mkdocs/__main__.py": """
        import os, sys
        print("mkdocs", sys.argv[1:], "in", os.path.basename(os.getcwd()))
        """,
    "embedded_host/__main__.py": """
        import os, signal, sys, time
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
        folder = os.path.basename(os.getcwd())
        venv = os.path.basename(sys.prefix)
        print("host", sys.argv[1:], "in", folder, "pid", os.getpid(), "of", venv, flush=True)
        print("active:", os.environ.get("VIRTUAL_ENV"), os.environ.get("CONDA_PREFIX"))
        time.sleep(60 if "--serve" in sys.argv else 0)
        """,
}
PINS = "-c embedded-host/requirements-dev.txt"
APP = [f".venv: install -qq {PINS} -r requirements.txt"]
HOST = [
    f".venv-host: install -qq {PINS} hatchling",
    f".venv-host: install -qq {PINS} --no-build-isolation -e embedded-host",
]
DEVELOPMENT = [
    ".venv-dev: install -qq --no-deps -r embedded-host/requirements-dev.txt "
    "-r embedded-host/requirements-docs.txt",
    f".venv-dev: install -qq {PINS} --no-build-isolation -e embedded-host -r requirements.txt",
]


class Project:
    def __init__(self, root: Path, stubs: Path) -> None:
        self.root, self.venv = root, root / ".venv"
        self.environment = {**os.environ, "PYTHONPATH": str(stubs), "PYTHONDONTWRITEBYTECODE": "1"}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(self.root / "dev.py"), *arguments],
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def dev(self, *arguments: str, code: int = 0) -> str:
        """Run dev.py and return its output. Fails if its exit code is not ``code``."""
        with self.start(*arguments) as process:
            output, _ = process.communicate(timeout=60)
        assert process.returncode == code, output
        return output

    def pip_calls(self) -> list[str]:
        """Return the calls of pip since the last time."""
        file = self.root / "pip-calls"
        calls = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return calls


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(text))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root, stubs = tmp_path / "app", tmp_path / "stubs"
    for name, text in STUBS.items():
        write(stubs / name, text)
    for name in (
        "requirements.txt",
        "embedded-host/requirements-dev.txt",
        "embedded-host/requirements-docs.txt",
        "embedded-host/pyproject.toml",
    ):
        write(root / name, "")
    for name in ("tests/test_one.py", "embedded-host/tests/test_two.py"):
        write(root / name, "")
    shutil.copy(DEV, root)
    return Project(root, stubs)


def test_start_separates_the_packages_of_the_app_from_those_of_the_host(project: Project) -> None:
    output = project.dev("start", "--port", "8080")
    assert "host ['start', '--port', '8080'] in app" in output
    assert "of .venv-host\n" in output
    assert project.pip_calls() == APP + HOST
    assert not (project.root / ".venv-dev").exists()


def test_start_hides_an_active_environment_from_the_host(project: Project) -> None:
    """The host would run the app in it, instead of in .venv."""
    project.environment |= {"VIRTUAL_ENV": "/another", "CONDA_PREFIX": "/conda"}
    assert "active: None None" in project.dev("start")


def test_in_one_process_the_app_and_the_host_share_the_development_environment(
    project: Project,
) -> None:
    output = project.dev("start", "--in-process")
    assert "host ['start', '--in-process'] in app" in output
    assert "of .venv-dev\n" in output
    assert project.pip_calls() == DEVELOPMENT


def test_a_second_command_installs_only_missing_packages(project: Project) -> None:
    project.dev("start")
    assert project.pip_calls() == APP + HOST
    project.dev("test")
    assert project.pip_calls() == DEVELOPMENT
    assert project.dev("start").startswith("host ")
    assert "Installing" not in project.dev("test") + project.dev("docs")
    assert project.pip_calls() == []


@pytest.mark.parametrize("pins", ["requirements.txt", "embedded-host/requirements-dev.txt"])
def test_changed_pins_are_installed_into_the_same_environment(project: Project, pins: str) -> None:
    project.dev("start")
    project.dev("test")
    project.pip_calls()
    (project.venv / "kept").touch()
    write(project.root / pins, "# changed\n")
    project.dev("start")
    assert project.pip_calls() == APP + HOST
    project.dev("test")
    assert project.pip_calls() == DEVELOPMENT
    assert (project.venv / "kept").exists()


def test_a_failed_installation_is_explained_and_repeated(project: Project) -> None:
    project.dev("start")
    project.pip_calls()
    before = (project.root / "requirements.txt").read_text()
    write(project.root / "requirements.txt", "# changed\n")
    (project.root / "pip-fails").touch()
    output = project.dev("start", code=1)
    assert "ERROR: no matching distribution" in output
    assert "dev.py: pip failed; see its message above." in output
    write(
        project.root / "requirements.txt", before
    )  # changed again before the installation is complete
    (project.root / "pip-fails").unlink()
    project.pip_calls()
    project.dev("start")
    assert project.pip_calls() == APP


@POSIX
def test_an_interrupted_installation_resumes(project: Project) -> None:
    (project.root / "pip-waits").touch()
    with project.start("start") as process:
        eventually(lambda: (project.root / "pip-calls").exists(), "pip runs")
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert output.endswith("dev.py was interrupted. Run the same command to continue.\n")
    (project.root / "pip-waits").unlink()
    project.pip_calls()
    project.dev("start")
    assert project.pip_calls() == APP + HOST


def test_the_second_of_two_commands_waits_for_the_first_one(project: Project) -> None:
    (project.root / "pip-waits").touch()
    with project.start("start") as first:
        eventually(lambda: (project.root / "pip-calls").exists(), "pip runs")
        with project.start("start") as second:
            assert second.stdout is not None
            assert (
                second.stdout.readline()
                == "Another dev.py is installing packages. Waiting for it.\n"
            )
            (project.root / "pip-waits").unlink()
            output, _ = second.communicate(timeout=30)
            first.communicate(timeout=30)
    assert (first.returncode, second.returncode) == (0, 0)
    assert output.startswith("host ")
    assert project.pip_calls() == APP + HOST


@pytest.mark.parametrize(
    "damage",
    ["half created", "without its Python", "of another Python", "of an older dev.py", "moved"],
)
def test_an_environment_that_cannot_work_is_created_again(project: Project, damage: str) -> None:
    if damage == "half created":
        (project.venv / "lib").mkdir(parents=True)
    else:
        project.dev("start")
    if damage == "without its Python":
        shutil.rmtree(project.venv / ("Scripts" if os.name == "nt" else "bin"))
    elif damage == "of another Python":
        stamp = project.venv / "dev-stamp"
        write(stamp, stamp.read_text().replace(sys.version[:4], "2.7"))
    elif damage == "of an older dev.py":  # it contained the host and the tools
        (project.venv / "dev-stamp").rename(project.venv / "dev-created")
    elif damage == "moved":
        project.root = project.root.rename(project.root.with_name("moved"))
    assert "Creating .venv" in project.dev("start")
    assert project.pip_calls()[:1] == APP


def test_without_paths_both_projects_are_tested_and_both_closing_lines_come_last(
    project: Project,
) -> None:
    output = project.dev("test", "-m", "unit", "-x")
    assert "pytest ['-m', 'unit', '-x', 'tests'] in app\n" in output
    assert "pytest ['-m', 'unit', '-x', 'tests'] in embedded-host\n" in output
    last = (
        "app (exit code 0):\n=== closing line of app\nembedded host (exit code 0):\n=== "
        "closing line of embedded-host\n"
    )
    assert output.endswith(last)


@pytest.mark.parametrize(
    ("path", "called"),
    [
        ("tests", "pytest ['tests'] in app"),
        ("tests/test_one.py::test_a[b]", "pytest ['tests/test_one.py::test_a[b]'] in app"),
        ("embedded-host/tests/test_two.py", "pytest ['tests/test_two.py'] in embedded-host"),
    ],
)
def test_a_path_selects_its_project(project: Project, path: str, called: str) -> None:
    output = project.dev("test", path)
    assert called in output.replace("\\\\", "/")
    assert output.count("pytest [") == 1


@pytest.mark.parametrize(
    "options", [["-k", "tests"], ["--ignore", "tests"], ["--junitxml=tests"], ["-x", "-m", "unit"]]
)
def test_arguments_from_the_first_option_on_are_passed_to_pytest(
    project: Project, options: list[str]
) -> None:
    assert project.dev("test", *options).count(f"pytest {[*options, 'tests']} in ") == 2
    output = project.dev("test", "embedded-host/tests", *options)
    assert f"pytest {[*options, 'tests']} in embedded-host\n" in output
    assert output.count("pytest [") == 1


@pytest.mark.parametrize(
    ("arguments", "called"),
    [
        ([], "mkdocs ['serve'] in embedded-host"),
        (["--build"], "mkdocs ['build'] in embedded-host"),
        (["--dev-addr", "0.0.0.0:80"], "mkdocs ['serve', '--dev-addr', '0.0.0.0:80'] in"),
    ],
)
def test_docs_installs_the_documentation_tools_and_calls_mkdocs(
    project: Project, arguments: list[str], called: str
) -> None:
    assert called in project.dev("docs", *arguments)
    assert project.pip_calls() == DEVELOPMENT


@pytest.mark.parametrize(
    ("app", "host", "code"), [(1, 0, 1), (0, 2, 2), (5, 0, 0), (5, 5, 5), (5, 1, 1)]
)
def test_the_exit_code_is_that_of_the_project_that_failed(
    project: Project, app: int, host: int, code: int
) -> None:
    project.environment |= {"CODE_app": str(app), "CODE_embedded_host": str(host)}
    project.dev("test", code=code)


@POSIX
def test_signals_reach_the_host_and_its_exit_code_is_returned(project: Project) -> None:
    project.dev("start")
    with project.start("start", "--serve") as process:
        assert process.stdout is not None
        assert (
            f"pid {process.pid}" in process.stdout.readline()
        )  # the host runs in the process of dev.py
        process.terminate()
        assert process.wait(timeout=30) == 7


@pytest.mark.parametrize("arguments", [[], ["strat"], ["check", "--fix"]])
def test_invalid_arguments_are_refused_before_anything_is_installed(
    project: Project, arguments: list[str]
) -> None:
    assert f"dev.py: invalid arguments: {' '.join(arguments) or 'none'}" in project.dev(
        *arguments, code=2
    )
    assert "python dev.py start" in project.dev("--help")
    assert not project.venv.exists()


def run_as(version: str, tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `dev.py --help` with an interpreter that claims to be this version."""
    script = (
        f"import sys, runpy; sys.version = {version!r}; "
        f"sys.version_info = {tuple(map(int, version.split('.')))}; "
        f"sys.argv = [{str(DEV)!r}, '--help']; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    nowhere = {name: str(tmp_path) for name in ("HOME", "USERPROFILE", "PATH")}
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **nowhere, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("version", "code"), [("3.9.18", 1), ("3.10.0", 0), ("3.15.9", 0), ("3.16.0", 1)]
)
def test_an_unsupported_python_is_named_if_there_is_no_other(
    version: str, code: int, tmp_path: Path
) -> None:
    done = run_as(version, tmp_path)
    assert done.returncode == code
    named = f"dev.py requires Python 3.10 to 3.15. This is Python {version}, and no other one"
    assert (named in done.stderr) == bool(code)
    assert ("python dev.py start" in done.stdout) == (not code)


def link(file: Path, target: str = sys.executable) -> None:
    """Create a command that runs this Python."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'#!/bin/sh\nexec "{target}" "$@"\n')
    file.chmod(0o755)


@POSIX
@pytest.mark.parametrize("where", ["PATH", ".pyenv"])
def test_an_unsupported_python_continues_with_a_supported_one(where: str, tmp_path: Path) -> None:
    version = sys.version[:4]
    file = tmp_path / f".pyenv/versions/{version}.99/bin/python"
    link(tmp_path / f"python{version}" if where == "PATH" else file)
    done = run_as("3.9.18", tmp_path)
    assert done.returncode == 0, done.stderr
    command = f"python{version}" if where == "PATH" else file
    assert f"This is Python 3.9.18; continuing with {command}\n" in done.stderr
    assert done.stdout.count("python dev.py start") == 1


@POSIX
@pytest.mark.parametrize(
    "problem", ["it has another version", "it has no pip", "pyenv lacks the version"]
)
def test_a_python_that_cannot_run_dev_py_is_not_selected(problem: str, tmp_path: Path) -> None:
    other = "3.15" if sys.version_info[:2] != (3, 15) else "3.14"
    if problem == "it has another version":
        link(tmp_path / f"python{other}")
    elif problem == "it has no pip":
        link(tmp_path / f"python{sys.version[:4]}")
        write(tmp_path / "ensurepip.py", "raise ImportError\n")
    else:
        link(tmp_path / f"python{sys.version[:4]}", "/nowhere")
    done = run_as("3.9.18", tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "and no other one with pip was found. Install Python 3.14.\n" in done.stderr


def test_old_pythons_can_parse_the_file() -> None:
    parse = "import ast, sys; ast.parse(open(sys.argv[1]).read(), feature_version=(3, 6))"
    subprocess.run([sys.executable, "-c", parse, str(DEV)], check=True, timeout=30)


def test_the_file_has_fewer_than_200_lines_of_100_columns() -> None:
    lines = DEV.read_text(encoding="utf-8").splitlines()
    assert len(lines) < 200
    assert max(map(len, lines)) <= 100
