"""Tests of the settings that override host.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from embedded_host.app.host_json import read_host_json
from embedded_host.app.host_json_overrides import with_overrides


def hub(name: str, document: dict[str, object]) -> object:
    changed, _ = with_overrides(document, {name: "FromSetting"})
    extensions = changed["extensions"]
    assert isinstance(extensions, dict)
    (section,) = extensions.values()
    return section


@pytest.mark.parametrize(
    "name",
    [
        "AzureFunctionsJobHost__extensions__durableTask__hubName",
        "AZUREFUNCTIONSJOBHOST__EXTENSIONS__DURABLETASK__HUBNAME",
        "AzureFunctionsJobHost:extensions:durableTask:hubName",
    ],
)
def test_the_case_and_the_spelling_of_the_document_are_kept(name: str) -> None:
    for spelt in ("hubName", "hubname"):
        document: dict[str, object] = {"extensions": {"durabletask": {spelt: "InTheFile"}}}
        assert hub(name, document) == {spelt: "FromSetting"}
        assert document == {"extensions": {"durabletask": {spelt: "InTheFile"}}}, "not changed"


@pytest.mark.parametrize(
    "name",
    [
        "AzureFunctionsJobHost__extensions__durableTask__hubName",
        "AZUREFUNCTIONSJOBHOST__EXTENSIONS__DURABLETASK__HUBNAME",
        "AzureFunctionsJobHost:extensions:durableTask:hubName",
    ],
)
def test_a_setting_adds_a_section(tmp_path: Path, name: str) -> None:
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0"}))
    assert read_host_json(tmp_path, {name: "FromSetting"})[0].hub_name == "FromSetting"


def test_the_sources_are_the_names_of_the_settings() -> None:
    name = "AzureFunctionsJobHost__Extensions__http__routePrefix"
    changed, sources = with_overrides({"extensions": 1}, {name: "x", "Other": "y"})
    assert changed == {"extensions": {"http": {"routePrefix": "x"}}}
    assert sources == {"extensions.http.routeprefix": name}


def test_an_override_is_converted_from_a_string(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0"}))
    prefix = "AzureFunctionsJobHost__extensions__durableTask__"
    environ = {
        f"{prefix}maxConcurrentActivityFunctions": "7",
        f"{prefix}storeInputsInOrchestrationHistory": "True",
        "AzureFunctionsJobHost__retry__maxRetryCount": "2",
        "AzureFunctionsJobHost__retry__strategy": "fixedDelay",
        "AzureFunctionsJobHost__retry__delayInterval": "00:00:01",
    }
    host, _ = read_host_json(tmp_path, environ)
    assert (host.max_concurrent_activities, host.store_inputs_in_history) == (7, True)
    assert host.retry is not None
    assert host.retry.max_retry_count == 2


def test_a_setting_overrides_one_item_of_a_list() -> None:
    environ = {"AzureFunctionsJobHost__functions__1": "Three"}
    changed, _ = with_overrides({"functions": ["One", "Two"]}, environ)
    assert changed == {"functions": {"0": "One", "1": "Three"}}
    assert with_overrides({}, environ)[0] == {"functions": {"1": "Three"}}
