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
            calls.write(" ".join(sys.argv[1:]) + "\\n")
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
        print("host", sys.argv[1:], "in", folder, "pid", os.getpid(), flush=True)
        time.sleep(60 if "--serve" in sys.argv else 0)
        """,
}
RUN = [
    "install -qq -c embedded-host/requirements-dev.txt hatchling",
    "install -qq -c embedded-host/requirements-dev.txt --no-build-isolation -r requirements.txt "
    "-e embedded-host",
]
TOOLS = ["install -qq --no-deps -r embedded-host/requirements-dev.txt"]
DOCS = ["install -qq --no-deps -r embedded-host/requirements-docs.txt"]


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


def test_start_installs_no_development_tools_and_runs_the_host_in_the_app_s_folder(
    project: Project,
) -> None:
    assert "host ['start', '--port', '8080'] in app" in project.dev("start", "--port", "8080")
    assert project.pip_calls() == RUN


def test_a_second_command_installs_only_missing_packages(project: Project) -> None:
    project.dev("start")
    assert project.pip_calls() == RUN
    project.dev("test")
    assert project.pip_calls() == TOOLS
    assert project.dev("start").startswith("host ")
    assert "Installing" not in project.dev("test")
    assert project.pip_calls() == []


@pytest.mark.parametrize("pins", ["requirements.txt", "embedded-host/requirements-dev.txt"])
def test_changed_pins_are_installed_into_the_same_environment(project: Project, pins: str) -> None:
    project.dev("test")
    project.pip_calls()
    (project.venv / "kept").touch()
    write(project.root / pins, "# changed\n")
    project.dev("start")
    assert project.pip_calls() == RUN
    project.dev("test")
    assert project.pip_calls() == TOOLS
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
    assert project.pip_calls() == RUN


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
    assert project.pip_calls() == RUN


def test_the_second_of_two_commands_waits_for_the_first_one(project: Project) -> None:
    (project.root / "pip-waits").touch()
    with project.start("start") as first:
        eventually(lambda: (project.root / "pip-calls").exists(), "pip runs")
        with project.start("start") as second:
            assert second.stdout is not None
            assert second.stdout.readline() == "Another dev.py is changing .venv. Waiting for it.\n"
            (project.root / "pip-waits").unlink()
            output, _ = second.communicate(timeout=30)
            first.communicate(timeout=30)
    assert (first.returncode, second.returncode) == (0, 0)
    assert output.startswith("host ")
    assert project.pip_calls() == RUN


@pytest.mark.parametrize(
    "damage", ["half created", "without its Python", "of another Python", "moved"]
)
def test_an_environment_that_cannot_work_is_created_again(project: Project, damage: str) -> None:
    if damage == "half created":
        (project.venv / "lib").mkdir(parents=True)
    else:
        project.dev("start")
    if damage == "without its Python":
        shutil.rmtree(project.venv / ("Scripts" if os.name == "nt" else "bin"))
    elif damage == "of another Python":
        write(project.venv / "dev-created", "Python 2.7")
    elif damage == "moved":
        project.root = project.root.rename(project.root.with_name("moved"))
    assert "Creating .venv" in project.dev("start")
    assert project.pip_calls()[-2:] == RUN


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
    assert project.pip_calls() == RUN + DOCS


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


@pytest.mark.parametrize(
    ("version", "code"), [("3.9.18", 1), ("3.10.0", 0), ("3.13.9", 0), ("3.14.0", 1)]
)
def test_an_unsupported_python_is_named(version: str, code: int) -> None:
    numbers = tuple(map(int, version.split(".")))
    script = (
        f"import sys, runpy; sys.version_info = {numbers}; runpy.run_path({str(DEV)!r}, "
        f"run_name='dev')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == code
    assert (
        "dev.py requires Python 3.10 to 3.13. This is Python " + version in done.stderr
    ) == bool(code)


def test_old_pythons_can_parse_the_file() -> None:
    parse = "import ast, sys; ast.parse(open(sys.argv[1]).read(), feature_version=(3, 6))"
    subprocess.run([sys.executable, "-c", parse, str(DEV)], check=True, timeout=30)


def test_the_file_has_fewer_than_200_lines_of_100_columns() -> None:
    lines = DEV.read_text(encoding="utf-8").splitlines()
    assert len(lines) < 200
    assert max(map(len, lines)) <= 100
