"""Tests of apps in an environment of their own, which the host finds and starts a worker in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from embedded_host.workers.interpreter import interpreter
from tests.e2e.conftest import StartHost
from tests.support.app_environment import SDK, app_environment, link_packages
from tests.support.app_folder import AppFolder
from tests.support.polling import eventually
from tests.support.running_host import command, environment

POSIX = pytest.mark.skipif(os.name == "nt", reason="the interpreter is a link or a shell script")
SETTING = "languageWorkers__python__defaultExecutablePath"
PATCHED = """\
import importlib.metadata, runpy, sys
from embedded_host.workers import process_starter
{patch}
runpy.run_module("embedded_host", run_name="__main__")
"""
_REPORT = """\
import importlib.util, json, os, shutil, subprocess, sys

def main(req):
    code = "import sys; print(sys.prefix)"
    child = subprocess.run(["python", "-c", code], capture_output=True, text=True)
    return json.dumps({
        "executable": sys.executable,
        "prefix": sys.prefix,
        "child": child.stdout.strip(),
        "path": sys.path,
        "variables": {name: os.environ.get(name) for name in ("VIRTUAL_ENV", "PYTHONHOME")},
        "launcher": os.environ.get("__PYVENV_LAUNCHER__"),
        "found": [
            name for name in ("embedded_host", "uvloop", "msgspec", "rich", "click")
            if importlib.util.find_spec(name)
        ],
    })
"""


@pytest.fixture(autouse=True)
def without_app_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the setting of ``--app-python``: the host must find the interpreter."""
    monkeypatch.delenv(SETTING, raising=False)


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    """Return an app in a folder whose name has spaces and other characters than those of ASCII."""
    app = AppFolder(tmp_path / "my äpp ☃" / "app")
    app.starter()
    app.http("Report", _REPORT, "report")
    app.activity("Echo", "return value")
    app.orchestrator("Hello", "return (yield context.call_activity('Echo', 'hello'))")
    return app


def run(
    app: AppFolder, *arguments: str, patch: str | None = None, code: int = 1, **environ: str
) -> str:
    """Run a command of the host in the app folder, by default ``start``. Return its output.

    ``patch`` are statements that run before the host.
    """
    start = command(app.root, app.root.parent / "state")
    line = start if not arguments else [*start[:3], *arguments]
    if patch is not None:
        line = [start[0], "-c", PATCHED.format(patch=patch), *line[3:]]
    done = subprocess.run(
        line,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment(**environ),
        cwd=app.root,
        timeout=60,
        check=False,
    )
    text = done.stdout + done.stderr
    assert done.returncode == code, text
    assert "Traceback" not in text
    return text


def packages_text(python: Path, *arguments: str) -> str:
    """Return the command that installs packages with ``python``, as messages quote it."""
    return f'`"{python}" -m pip install {" ".join(arguments)}`'


# -- the app's environment -------------------------------------------------------------------------


def test_the_app_runs_in_its_environment_and_sees_nothing_of_the_hosts(
    app: AppFolder, start_host: StartHost
) -> None:
    python = app_environment(app.root / ".venv", *SDK)
    hosts = Path(sys.executable).parent
    host = start_host(
        app.root,
        VIRTUAL_ENV=sys.prefix,
        PATH=os.pathsep.join((str(hosts), os.environ["PATH"])),
    )
    assert f"{python} (.venv in the app folder)" in host.log
    report = host.get("/api/report").json
    own = str(app.root / ".venv")
    assert (report["executable"], report["prefix"]) == (str(python), own)
    assert report["child"] == own
    assert report["variables"] == {"VIRTUAL_ENV": own, "PYTHONHOME": None}
    if "PYTHONPATH" not in os.environ:  # of a developer, with the source of the host
        assert "embedded_host" not in report["found"]
    assert not {"uvloop", "msgspec", "rich", "click"} & {*report["found"]}
    assert not [path for path in report["path"] if path.startswith(sys.prefix + os.sep)]
    assert host.run("Hello") == "hello"
    # Nothing was installed there.
    assert not list((app.root / ".venv").rglob("*embedded*"))


@pytest.mark.parametrize("source", ["local.settings.json", "environment"])
def test_the_setting_selects_the_interpreter(
    app: AppFolder, start_host: StartHost, source: str
) -> None:
    python = app_environment(app.root / "other", *SDK)
    app_environment(app.root / ".venv")
    relative = str(python.relative_to(app.root))
    environ = {SETTING: relative}
    if source == "local.settings.json":
        app.write(source, json.dumps({"IsEncrypted": False, "Values": environ}))
        environ = {}
    host = start_host(app.root, **environ)
    assert f"{python} ({SETTING})" in host.log
    assert host.get("/api/report").json["prefix"] == str(app.root / "other")


@POSIX
def test_python_may_be_a_relative_path_and_a_link(app: AppFolder, start_host: StartHost) -> None:
    app_environment(app.root / "environments" / "one", *SDK)
    linked = app.root / "linked"
    linked.symlink_to(app.root / "environments" / "one")
    relative = os.path.relpath(linked / "bin" / "python")
    host = start_host(app.root, "--python", relative)
    assert f"{linked / 'bin' / 'python'} (--python)" in host.log
    assert host.get("/api/report").json["prefix"] == str(linked)


def test_the_packages_of_python_packages_precede_those_of_the_interpreter(
    app: AppFolder, start_host: StartHost
) -> None:
    folder = app.root / ".python_packages" / "lib" / "site-packages"
    link_packages(folder, *SDK)
    (folder / "click.py").write_text("HERE = 'python_packages'\n", encoding="utf-8")
    app.http(
        "Versions",
        "import subprocess, sys, click, azure.functions\n"
        "def main(req):\n"
        "    code = 'import click; print(click.HERE)'\n"
        "    child = subprocess.check_output([sys.executable, '-c', code], text=True).strip()\n"
        "    return f'{click.HERE} {child} {azure.functions.__file__}'\n",
        "versions",
    )
    host = start_host(app.root, VIRTUAL_ENV="", CONDA_PREFIX="")
    assert "(the host's own interpreter, with the packages in .python_packages)" in host.log
    text = host.get("/api/versions").text
    assert text.startswith("python_packages python_packages ")
    assert str(folder) in text
    assert host.run("Hello") == "hello"


# -- environments that cannot run the app ----------------------------------------------------------


def test_a_missing_sdk_is_reported_with_the_command_that_installs_it(app: AppFolder) -> None:
    python = app_environment(app.root / ".venv")
    app.write("requirements.txt", "azure-functions\n")
    text = (
        "azure-functions and azure-functions-durable are not installed in the app's environment: "
        f"run {packages_text(python, '-r', 'requirements.txt')} in the app folder. [EH219]"
    )
    output = run(app)
    assert output.count(text) == 1
    assert "embedded-host explain EH219" in output
    assert text in run(app, "functions", "list", "--script-root", str(app.root))


def test_a_package_that_is_removed_while_the_host_runs_fails_the_reload(
    app: AppFolder, start_host: StartHost
) -> None:
    python = app_environment(app.root / ".venv", *SDK)
    host = start_host(app.root)
    for folder in (app.root / ".venv").rglob("azure*"):
        _remove(folder)
    app.activity("Echo", "return 'changed'")
    eventually(lambda: "[EH301]" in host.log, f"the reload fails. Output:\n{host.log}")
    line = next(line for line in host.log.splitlines() if "[EH301]" in line)
    assert "are not installed in the app's environment" in line
    assert packages_text(python, "azure-functions", '"azure-functions-durable<2"') in line
    assert host.run("Hello") == "hello"


def test_an_sdk_that_cannot_be_imported_is_reported_with_its_reason(app: AppFolder) -> None:
    python = app_environment(app.root / ".venv", *SDK)
    for folder in (app.root / ".venv").rglob("dateutil*"):
        _remove(folder)
    app.write("requirements.txt", "azure-functions\n")
    text = run(app)
    assert "No module named 'dateutil'" in text
    assert "cannot be imported in the app's environment, for the reason above: " in text
    assert f"run {packages_text(python, '-r', 'requirements.txt')} in the app folder. " in text
    assert "[EH234]" in text


@pytest.mark.parametrize(
    ("name", "version", "text", "needed"),
    [
        ("azure-functions", "1.11.2", "is too old", ">=1.12,<3"),
        ("azure-functions-durable", "1.1.5+local", "is too old", ">=1.1.6,<3"),
        ("azure-functions-durable", "3.0.0b1", "is not supported yet", ">=1.1.6,<3"),
    ],
)
def test_an_unsupported_sdk_is_refused(
    app: AppFolder, name: str, version: str, text: str, needed: str
) -> None:
    python = app_environment(app.root / "venv", *SDK, versions={name: version})
    install = packages_text(python, f'"{name}{needed}"')
    output = run(app)
    assert f"{python} (venv in the app folder)" in output
    assert (
        f"{name} {version} {text} (in the app's environment): write {name}{needed} in "
        f"requirements.txt, and run {install} in the app "
        "folder. [EH230]"
    ) in output


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="SDK 2.x supports this Python")
def test_sdk_2_in_an_old_python_is_reported_with_both_fixes_and_without_the_import_error(
    app: AppFolder,
) -> None:
    name = "azure-functions-durable"
    python = app_environment(app.root / "venv", *SDK, versions={name: "2.0.0rc3"})
    for folder in (app.root / "venv").rglob("dateutil*"):
        _remove(folder)
    output = run(app)
    assert "ModuleNotFoundError" not in output
    assert f"{name} 2.0.0rc3 needs Python 3.13 or newer and not Python 3." in output
    assert "(in the app's environment): create an environment with Python 3.13: " in output
    assert "-m venv .venv && " in output
    assert f"Or write {name}>=1.1.6,<2 in requirements.txt, and run " in output
    assert packages_text(python, f'"{name}>=1.1.6,<2"') in output


@pytest.mark.parametrize("version", ["2.4.0b1", "1.26.0+local", ""])
def test_pre_releases_local_versions_and_missing_metadata_are_not_refused(
    app: AppFolder, start_host: StartHost, version: str
) -> None:
    app_environment(app.root / ".venv", *SDK, versions={"azure-functions": version})
    host = start_host(app.root)
    assert f"azure-functions {version or 'not found'}, " in host.log
    assert host.run("Hello") == "hello"


@POSIX
def test_an_old_python_is_reported_with_its_version(app: AppFolder) -> None:
    python = app.write(".venv/bin/python", "#!/bin/sh\nexit 71\n")
    python.chmod(0o755)
    app.write(".venv/pyvenv.cfg", "version = 3.8.18\n")
    text = run(app)
    assert "The app's interpreter is Python 3.8.18, but the worker needs Python 3.9" in text
    assert f"{python} (.venv in the app folder)" in text
    assert "[EH231]" in text


@POSIX
def test_a_program_that_is_not_python_is_reported(app: AppFolder) -> None:
    text = run(app, *command(app.root, app.root.parent / "state")[3:], "--python", "true")
    assert "The app's interpreter exited with code 0 before it had connected to the host" in text
    assert "[EH231]" in text


def test_host_and_worker_of_different_releases_refuse_each_other(app: AppFolder) -> None:
    text = run(app, patch="process_starter.PROTOCOL_VERSION = 9")
    assert "The host has version 9 of the worker protocol, but the worker in " in text
    assert "The worker refused this host" in text
    assert "reinstall the embedded host. [EH232]" in text


def test_a_missing_package_is_reported_with_the_command_for_the_apps_interpreter(
    app: AppFolder, start_host: StartHost
) -> None:
    python = app_environment(app.root / ".venv", *SDK)
    app.write("requirements.txt", "no-such-package\n")
    app.http("Broken", "import no_such_package\n", "broken")
    host = start_host(app.root)
    assert "No module named 'no_such_package'" in host.log
    assert f'In the app folder run: "{python}" -m pip install -r requirements.txt\n' in host.log
    assert interpreter()[0] not in host.log


# -- one environment for host and app --------------------------------------------------------------

CONFLICT = "importlib.metadata.requires = lambda name: ['aiohttp>=99']"
MESSAGE = "needs aiohttp>=99, but "


def test_in_process_reports_packages_that_do_not_match(app: AppFolder) -> None:
    start = command(app.root, app.root.parent / "state")[3:]
    text = run(app, *start, "--in-process", patch=CONFLICT)
    assert f"--in-process {MESSAGE}" in text
    assert "[EH233]" in text


def test_in_process_prints_the_hosts_interpreter(app: AppFolder, start_host: StartHost) -> None:
    python = app_environment(app.root / ".venv")
    host = start_host(app.root, "--in-process")
    assert f"{python} (.venv in the app folder) is not used. [EH225]" in host.log
    assert f"{sys.executable} (the host's own interpreter)" in host.log
    assert host.run("Hello") == "hello"


def test_replay_reports_packages_that_do_not_match_and_an_unused_interpreter(
    app: AppFolder,
) -> None:
    python = app_environment(app.root / ".venv")
    history = app.write("history.json", "{}")
    text = run(app, "replay", str(history), patch=CONFLICT)
    assert f"{python} (.venv in the app folder) is not used. [EH225]" in text
    assert f"The test kit {MESSAGE}" in text


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)
