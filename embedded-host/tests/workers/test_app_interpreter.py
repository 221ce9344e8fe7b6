"""The order in which the host finds the app's interpreter."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from embedded_host.workers.app_interpreter import (
    PACKAGES,
    AppInterpreter,
    AppInterpreterError,
    environment_settings,
    find_app_interpreter,
    host_interpreter,
    install_command,
)

pytestmark = pytest.mark.skipif(
    os.name == "nt", reason="the environments of the tests have links and the layout of POSIX"
)
SETTING = "languageWorkers__python__defaultExecutablePath"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Return the interpreter to which all environments link."""
    return program(tmp_path / "python" / "bin" / "python3")


@pytest.fixture
def host(tmp_path: Path, base: Path) -> str:
    """Return the interpreter of the host's virtual environment."""
    return environment(tmp_path / "host", base)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return an empty app folder."""
    (tmp_path / "app").mkdir()
    return tmp_path / "app"


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def environment(folder: Path, base: Path, executable: str = "bin/python") -> str:
    """Create a virtual environment and return the path of its interpreter."""
    file = folder / executable
    file.parent.mkdir(parents=True, exist_ok=True)
    file.symlink_to(base)
    (folder / "pyvenv.cfg").write_text(f"home = {base.parent}\n")
    return str(file)


def test_all_candidates_are_selected_in_the_documented_order(
    root: Path, tmp_path: Path, base: Path, host: str
) -> None:
    option = environment(tmp_path / "option", base)
    configured = environment(tmp_path / "configured", base)
    active = environment(tmp_path / "active", base)
    conda = environment(tmp_path / "conda", base)
    environ = {
        SETTING: configured,
        "VIRTUAL_ENV": str(tmp_path / "active"),
        "CONDA_PREFIX": str(tmp_path / "conda"),
    }
    folders = {name: environment(root / name, base) for name in (".venv", "venv", "env")}
    packages = root / ".python_packages" / "lib" / "site-packages"
    packages.mkdir(parents=True)

    def found(option: str | None = None) -> AppInterpreter:
        return find_app_interpreter(root, environ, option=option, host=host)

    assert found(option) == AppInterpreter(option, "--python")
    assert found() == AppInterpreter(configured, SETTING)
    del environ[SETTING]
    assert found() == AppInterpreter(active, "the active environment, VIRTUAL_ENV")
    del environ["VIRTUAL_ENV"]
    assert found() == AppInterpreter(conda, "the active environment, CONDA_PREFIX")
    del environ["CONDA_PREFIX"]
    for name, executable in folders.items():
        assert found() == AppInterpreter(executable, f"{name} in the app folder")
        Path(executable).unlink()
        (root / name / "pyvenv.cfg").unlink()
    assert found() == AppInterpreter(
        host,
        "the host's own interpreter, with the packages in .python_packages",
        is_host=True,
        packages=str(packages),
    )
    packages.rmdir()
    assert found() == AppInterpreter(host, "the host's own interpreter", is_host=True)


def test_windows_has_its_interpreters_in_the_folder_scripts(
    root: Path, tmp_path: Path, base: Path, host: str
) -> None:
    active = environment(tmp_path / "active", base, "Scripts/python.exe")
    own = environment(root / ".venv", base, "Scripts/python.exe")
    environ = {"VIRTUAL_ENV": str(tmp_path / "active")}
    assert find_app_interpreter(root, environ, host=host, windows=True).executable == active
    assert find_app_interpreter(root, {}, host=host, windows=True).executable == own
    assert find_app_interpreter(root, {}, host=host, windows=False).executable == host


def test_conda_on_windows_has_its_interpreter_in_the_environments_folder(
    root: Path, tmp_path: Path, base: Path, host: str
) -> None:
    conda = environment(tmp_path / "conda", base, "python.exe")
    environ = {"CONDA_PREFIX": str(tmp_path / "conda")}
    assert find_app_interpreter(root, environ, host=host, windows=True).executable == conda


def test_the_active_environment_of_the_host_is_the_hosts_own_interpreter(
    root: Path, tmp_path: Path, base: Path, host: str
) -> None:
    environ = {"VIRTUAL_ENV": str(tmp_path / "host"), "CONDA_PREFIX": str(tmp_path / "host")}
    found = find_app_interpreter(root, environ, host=host)
    assert found == AppInterpreter(host, "the host's own interpreter", is_host=True)
    own = environment(root / ".venv", base)
    assert find_app_interpreter(root, environ, host=host).executable == own


def test_another_name_of_the_hosts_interpreter_is_the_hosts_interpreter(
    root: Path, tmp_path: Path, base: Path
) -> None:
    host = environment(root / ".venv", base, "bin/python3")
    environment(root / "link", base)
    (root / ".venv" / "bin" / "python").symlink_to("python3")
    found = find_app_interpreter(root, {}, host=host)
    assert found == AppInterpreter(host, ".venv in the app folder", is_host=True)


def test_an_environment_with_the_same_base_interpreter_is_not_the_hosts(
    root: Path, base: Path, host: str
) -> None:
    own = environment(root / ".venv", base)
    assert os.path.realpath(own) == os.path.realpath(host)
    assert not find_app_interpreter(root, {}, host=host).is_host


def test_the_base_environment_of_conda_is_selected_after_the_apps_own(
    root: Path, tmp_path: Path, base: Path, host: str
) -> None:
    conda = environment(tmp_path / "conda", base)
    environ = {"CONDA_PREFIX": str(tmp_path / "conda"), "CONDA_DEFAULT_ENV": "base"}
    assert find_app_interpreter(root, environ, host=host).executable == conda
    own = environment(root / "venv", base)
    assert find_app_interpreter(root, environ, host=host).executable == own
    environ["CONDA_DEFAULT_ENV"] = "my-env"
    assert find_app_interpreter(root, environ, host=host).executable == conda


def test_the_reason_names_environments_without_an_interpreter(
    root: Path, tmp_path: Path, host: str
) -> None:
    (root / ".venv").mkdir()
    (root / ".venv" / "pyvenv.cfg").write_text("home = C:\\Python313\n")
    (root / "env").mkdir()  # an ordinary folder of the app
    found = find_app_interpreter(root, {"VIRTUAL_ENV": str(tmp_path / "gone")}, host=host)
    assert str(found) == (
        f"{host} (the host's own interpreter; {tmp_path / 'gone'} has no interpreter; "
        f"{root / '.venv'} has no interpreter)"
    )


def test_an_option_is_a_path_in_the_current_folder_or_a_command(
    root: Path, tmp_path: Path, base: Path, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for option in ("python/bin/python3", str(base)):
        assert find_app_interpreter(root, {}, option=option, host=host).executable == str(base)
    found = find_app_interpreter(root, {"PATH": str(base.parent)}, option="python3", host=host)
    assert found.executable == str(base)


def test_the_setting_is_a_path_in_the_app_folder(root: Path, base: Path, host: str) -> None:
    own = environment(root / "my-env", base)
    found = find_app_interpreter(root, {SETTING: "my-env/bin/python"}, host=host)
    assert found.executable == own


def test_the_setting_may_have_colons(root: Path, base: Path, host: str) -> None:
    environ = {"languageWorkers:python:defaultExecutablePath": str(base)}
    assert find_app_interpreter(root, environ, host=host).executable == str(base)


def test_an_option_or_setting_without_a_program_is_an_error(
    root: Path, tmp_path: Path, host: str
) -> None:
    missing = str(tmp_path / "gone" / "python")
    with pytest.raises(AppInterpreterError) as error:
        find_app_interpreter(root, {}, option=missing, host=host)
    assert str(error.value) == (
        f"--python is '{missing}', which does not exist. Correct it, or omit it: the host then "
        "finds the app's interpreter. [EH216]"
    )
    with pytest.raises(AppInterpreterError, match=f"{SETTING} is 'python9', which is not a c"):
        find_app_interpreter(root, {SETTING: "python9", "PATH": ""}, host=host)
    with pytest.raises(AppInterpreterError, match="is a folder\\. Correct it"):
        find_app_interpreter(root, {}, option=f"{tmp_path}{os.sep}", host=host)
    own = environment(tmp_path / "own", tmp_path / "python" / "bin" / "python3")
    with pytest.raises(AppInterpreterError, match=f"is a folder\\. Its interpreter is {own}\\. C"):
        find_app_interpreter(root, {}, option=str(tmp_path / "own"), host=host)
    (tmp_path / "python" / "bin" / "python3").unlink()
    with pytest.raises(AppInterpreterError, match=r"is a link to .*python3, which"):
        find_app_interpreter(root, {}, option=own, host=host)
    (tmp_path / "text").touch()
    with pytest.raises(AppInterpreterError, match="is not executable"):
        find_app_interpreter(root, {}, option=str(tmp_path / "text"), host=host)


def test_the_hosts_interpreter_is_the_running_one(root: Path) -> None:
    assert host_interpreter().executable == sys.executable
    assert find_app_interpreter(root, {}).executable == sys.executable


def test_the_command_installs_the_requirements_of_the_app(root: Path) -> None:
    assert install_command(AppInterpreter("/x/bin/python", ""), root) == (
        '/x/bin/python -m pip install azure-functions "azure-functions-durable<2"'
    )
    (root / "requirements.txt").touch()
    assert install_command(AppInterpreter("/my app/bin/python", ""), root) == (
        '"/my app/bin/python" -m pip install -r requirements.txt'
    )


def test_an_environment_of_uv_is_installed_with_uv(root: Path, base: Path) -> None:
    own = environment(root / ".venv", base)
    (root / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\nuv = 0.9.1\n")
    (root / "requirements.txt").touch()
    assert install_command(AppInterpreter(own, ""), root) == (
        f"uv pip install --python {own} -r requirements.txt"
    )


def test_the_settings_of_an_environment_are_those_of_its_pyvenv_cfg(root: Path, base: Path) -> None:
    own = environment(root / ".venv", base, "Scripts/python.exe")
    assert environment_settings(own) == {"home": str(base.parent)}
    assert environment_settings(str(base)) == {}


def test_the_command_installs_single_requirements() -> None:
    assert install_command(AppInterpreter("/x/bin/python", ""), Path("/app"), "a>=1,<2", "b") == (
        '/x/bin/python -m pip install "a>=1,<2" "b"'
    )


def test_the_command_installs_into_python_packages(root: Path, host: str) -> None:
    (root / PACKAGES).mkdir(parents=True)
    (root / "requirements.txt").touch()
    assert install_command(find_app_interpreter(root, {}, host=host), root) == (
        f"{host} -m pip install --target .python_packages/lib/site-packages --upgrade "
        "-r requirements.txt"
    )


@pytest.mark.parametrize(
    ("windows", "own"), [(False, ".venv/bin/python"), (True, r".venv\Scripts\python.exe")]
)
def test_the_command_creates_an_environment_if_only_the_host_has_one(
    root: Path, host: str, windows: bool, own: str
) -> None:
    """The tools pipx and uv give the host an environment of its own."""
    (root / "requirements.txt").touch()
    found = find_app_interpreter(root, {}, host=host)
    assert install_command(found, root, windows=windows) == (
        f"{host} -m venv .venv && {own} -m pip install -r requirements.txt"
    )


def test_the_command_uses_the_hosts_interpreter_if_it_has_no_environment(
    root: Path, base: Path
) -> None:
    (root / "requirements.txt").touch()
    found = find_app_interpreter(root, {}, host=str(base))
    assert install_command(found, root) == f"{base} -m pip install -r requirements.txt"


# -- the environment variables of the worker -------------------------------------------------------


def test_the_packages_of_the_app_are_first_in_pythonpath() -> None:
    interpreter = AppInterpreter("python", "", is_host=True, packages="/app/packages")
    assert interpreter.environment({"A": "1"}) == {"A": "1", "PYTHONPATH": "/app/packages"}
    both = os.pathsep.join(("/app/packages", "/own"))
    assert interpreter.environment({"PYTHONPATH": "/own"}) == {"PYTHONPATH": both}


def test_a_process_does_not_inherit_the_launcher_variable() -> None:
    environ = {"A": "1", "__PYVENV_LAUNCHER__": r"C:\host\Scripts\python.exe"}
    for is_host in (True, False):
        assert AppInterpreter("python", "", is_host).environment(environ) == {"A": "1"}


@pytest.mark.parametrize(
    ("windows", "scripts", "program"),
    [(False, "bin", "python"), (True, "Scripts", "python.exe")],
)
def test_the_environment_of_the_app_is_active_instead_of_the_hosts(
    root: Path, tmp_path: Path, base: Path, windows: bool, scripts: str, program: str
) -> None:
    own = environment(root / ".venv", base, f"{scripts}/{program}")
    environ = {
        "VIRTUAL_ENV": str(tmp_path / "host"),
        "PYTHONHOME": "/usr",
        "PATH": os.pathsep.join(("/first", str(tmp_path / "host" / scripts), "/usr/bin")),
    }
    own_scripts = str(root / ".venv" / scripts)
    assert AppInterpreter(own, "").environment(environ, windows) == {
        "VIRTUAL_ENV": str(root / ".venv"),
        "PATH": os.pathsep.join((own_scripts, "/first", "/usr/bin")),
    }


def test_an_environment_that_is_active_already_is_unchanged(root: Path, base: Path) -> None:
    own = environment(root / ".venv", base)
    path = os.pathsep.join((str(root / ".venv" / "bin"), "/usr/bin"))
    environ = {"VIRTUAL_ENV": str(root / ".venv"), "PATH": path}
    assert AppInterpreter(own, "").environment(environ) == environ


def test_no_environment_is_active_for_an_interpreter_without_one(
    tmp_path: Path, base: Path
) -> None:
    path = os.pathsep.join((str(tmp_path / "host" / "bin"), "/usr/bin"))
    environ = {"VIRTUAL_ENV": str(tmp_path / "host"), "PATH": path}
    assert AppInterpreter(str(base), "").environment(environ) == {"PATH": "/usr/bin"}


def test_the_environment_of_the_hosts_interpreter_is_unchanged(host: str) -> None:
    environ = {"VIRTUAL_ENV": "/x", "PYTHONHOME": "/usr", "PATH": "/x/bin"}
    assert AppInterpreter(host, "", is_host=True).environment(environ) == environ
