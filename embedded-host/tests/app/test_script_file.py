"""The script file of a function folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_host.app.script_file import ScriptFileError, find_script


def folder(root: Path, *files: str) -> Path:
    directory = root / "Hello"
    directory.mkdir()
    for name in ("function.json", *files):
        (directory / name).touch()
    return directory


@pytest.mark.parametrize(
    ("files", "script"),
    [
        (("some.py",), "some.py"),
        (("__main__.py",), "__main__.py"),
        (("run.py", "__init__.py", "__main__.py"), "run.py"),
        (("__init__.py", "__main__.py", "other.py"), "__init__.py"),
        (("__main__.py", "other.py"), "__main__.py"),
    ],
)
def test_a_folder_without_script_file_has_a_default(
    tmp_path: Path, files: tuple[str, ...], script: str
) -> None:
    directory = folder(tmp_path, *files)
    assert find_script(directory, None) == directory / script
    assert find_script(directory, "") == directory / script


@pytest.mark.parametrize("files", [(), ("some.py", "other.py"), ("main.py", "readme.md")])
def test_an_ambiguous_folder_has_no_script(tmp_path: Path, files: tuple[str, ...]) -> None:
    with pytest.raises(ScriptFileError, match="Unable to determine the primary function script"):
        find_script(folder(tmp_path, *files), None)


def test_a_script_file_may_be_in_another_folder(tmp_path: Path) -> None:
    directory = folder(tmp_path)
    (tmp_path / "common.py").touch()
    assert find_script(directory, "../common.py") == tmp_path / "common.py"
    assert find_script(directory, "..\\common.py") == tmp_path / "common.py"


@pytest.mark.parametrize(
    ("name", "fault", "fix"),
    [
        ("_init_.py", "set to a file that does not exist", "Did you mean '__init__.py'?"),
        ("x" * 5000, "set to a file that does not exist", "has the Python files __init__.py"),
        ("function.json", "not a Python file", ""),
        (1, "scriptFile must be the name", ""),
    ],
)
def test_a_script_file_that_is_not_valid_is_refused(
    tmp_path: Path, name: object, fault: str, fix: str
) -> None:
    with pytest.raises(ScriptFileError) as raised:
        find_script(folder(tmp_path, "__init__.py"), name)
    assert fault in raised.value.fault
    assert fix in raised.value.fix
