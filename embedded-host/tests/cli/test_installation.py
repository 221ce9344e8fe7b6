"""The commands that depend on the program that installed the host."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path

import pytest

from embedded_host.cli.installation import (
    DURABLETASK,
    own_requirement,
    own_source,
    scheduler_command,
)


def install(monkeypatch: pytest.MonkeyPatch, folder: Path, document: object | None) -> None:
    """Let the metadata of the host contain this direct_url.json."""
    folder.mkdir()
    (folder / "METADATA").write_text("Name: azure-functions-embedded-host\n", encoding="utf-8")
    if document is not None:
        (folder / "direct_url.json").write_text(json.dumps(document), encoding="utf-8")
    monkeypatch.setattr(metadata, "distribution", lambda _: metadata.PathDistribution(folder))


@pytest.mark.parametrize("folder", ["clone/embedded-host", "my wheels/host-0.1.0.whl"])
def test_the_source_is_the_path_of_a_folder_or_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    path = tmp_path / folder
    install(monkeypatch, tmp_path / "info", {"url": path.as_uri(), "dir_info": {}})
    assert own_source() == str(path)
    assert own_requirement() == f"azure-functions-embedded-host @ {path.as_uri()}"


@pytest.mark.parametrize(
    ("document", "source"),
    [
        (None, "azure-functions-embedded-host"),
        (
            {"url": "https://example.com/host.whl", "archive_info": {}},
            "https://example.com/host.whl",
        ),
        (
            {"url": "https://example.com/host", "vcs_info": {"vcs": "git"}},
            "git+https://example.com/host",
        ),
        (
            {
                "url": "https://example.com/repository",
                "vcs_info": {"vcs": "git", "requested_revision": "v1", "commit_id": "a1"},
                "subdirectory": "embedded-host",
            },
            "git+https://example.com/repository@v1#subdirectory=embedded-host",
        ),
    ],
)
def test_the_source_is_a_name_or_a_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, document: object, source: str
) -> None:
    install(monkeypatch, tmp_path / "info", document)
    assert own_source() == source


def test_a_host_without_metadata_has_the_name_of_the_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", fail)
    assert own_source() == own_requirement() == "azure-functions-embedded-host"


@pytest.mark.skipif(sys.platform == "win32", reason="cmd uses other quotes")
def test_the_scheduler_is_installed_by_the_program_that_installed_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, tmp_path / "info", {"url": "file:///clones/host", "dir_info": {}})
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "executable", "/env/bin/python")
    assert scheduler_command() == "/env/bin/python -m pip install 'durabletask>=1.12'"
    (tmp_path / "uv-receipt.toml").touch()
    assert scheduler_command() == "uv tool install --with 'durabletask>=1.12' /clones/host"
    (tmp_path / "pipx_metadata.json").touch()
    assert scheduler_command() == ("pipx inject azure-functions-embedded-host 'durabletask>=1.12'")


def test_the_package_of_the_scheduler_is_that_of_the_extra() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'scheduler = [\n    "{DURABLETASK}"' in text
