"""The functions that do not exist on Azure, because host.json has no extension bundle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from embedded_host.app.folder import read_app
from embedded_host.app.unregistered_bindings import unregistered_types
from tests.support.app_folder import BUNDLE, HTTP_OUT, AppFolder, Json, http_trigger


def output(kind: str, name: str = "out") -> Json:
    return {"name": name, "type": kind, "direction": "out"}


@pytest.fixture
def folder(tmp_path: Path) -> AppFolder:
    folder = AppFolder(tmp_path, {"version": "2.0"})
    folder.function(
        "Save", "", http_trigger("save"), HTTP_OUT, output("queue"), output("blob", "b")
    )
    return folder


def found(folder: AppFolder) -> list[tuple[str, str]]:
    app = read_app(folder.root, {})
    return [(function.name, kinds) for function, kinds in unregistered_types(app, app.functions)]


def test_bindings_of_other_services_need_a_bundle(folder: AppFolder) -> None:
    assert found(folder) == [("Save", "queue, blob")]
    folder.write("host.json", json.dumps({"version": "2.0", "extensionBundle": BUNDLE}))
    assert found(folder) == []


def test_an_app_that_installs_its_extensions_needs_no_bundle(folder: AppFolder) -> None:
    folder.write("extensions.csproj", "")
    assert found(folder) == []


@pytest.mark.parametrize(
    "kind", ["httpTrigger", "timerTrigger", "warmupTrigger", "orchestrationTrigger"]
)
def test_the_extensions_of_the_host_and_durable_functions_need_no_bundle(
    tmp_path: Path, kind: str
) -> None:
    trigger = {"name": "x", "type": kind, "direction": "in", "schedule": "0 0 0 1 1 *"}
    client = {"name": "c", "type": "durableClient", "direction": "in"}
    folder = AppFolder(tmp_path, {"version": "2.0"})
    folder.function("F", "", trigger, client)
    assert read_app(folder.root, {}).functions
    assert found(folder) == []
