"""Tests of the app's files that the hosts read: function.json, host.json, settings."""

import importlib
import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement  # a dependency of pytest

ROOT = Path(__file__).parents[1]
FUNCTIONS = ["HelloActivity", "HelloOrchestrator", "HttpStarter"]


def read(name: str) -> Any:
    return json.loads((ROOT / name).read_text(encoding="utf-8"))


def test_every_function_folder_is_tested_here() -> None:
    assert sorted(file.parent.name for file in ROOT.glob("*/function.json")) == FUNCTIONS


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_bindings_are_the_parameters_of_main(name: str) -> None:
    function = read(f"{name}/function.json")
    assert (ROOT / name / function["scriptFile"]).is_file()
    main = importlib.import_module(name).main
    bindings = {binding["name"] for binding in function["bindings"]}
    assert bindings - {"$return"} == set(inspect.signature(main).parameters)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_binding_is_valid_on_the_functions_host(name: str) -> None:
    bindings = read(f"{name}/function.json")["bindings"]
    assert all(
        re.fullmatch(r"[a-zA-Z][a-zA-Z0-9]{0,126}|\$return", binding["name"])
        for binding in bindings
    )
    assert all(binding["direction"] in ("in", "out") for binding in bindings)
    assert sum(binding["type"].endswith("Trigger") for binding in bindings) == 1


def test_the_http_trigger_has_the_documented_route_and_methods() -> None:
    bindings = {
        binding["type"]: binding for binding in read("HttpStarter/function.json")["bindings"]
    }
    trigger = bindings["httpTrigger"]
    assert trigger["authLevel"] == "anonymous"
    assert trigger["methods"] == ["get", "post"]
    assert trigger["route"] == "orchestrators/{functionName}"
    assert set(bindings) == {"httpTrigger", "durableClient", "http"}
    assert bindings["http"] == {"name": "$return", "type": "http", "direction": "out"}


def test_local_settings_have_the_documented_values() -> None:
    assert read("local.settings.json") == {
        "IsEncrypted": False,
        "Values": {
            "AzureWebJobsStorage": "UseDevelopmentStorage=true",
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "AzureWebJobsFeatureFlags": "EnableWorkerIndexing",
            "ENV": "local",
        },
    }


def test_host_json_has_the_documented_settings() -> None:
    host = read("host.json")
    assert host["version"] == "2.0"
    assert host["extensionBundle"] == {
        "id": "Microsoft.Azure.Functions.ExtensionBundle",
        "version": "[4.*, 5.0.0)",
    }
    # The Azure Functions host accepts 3 to 45 letters and digits, with a letter at the start.
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9]{2,44}", host["extensions"]["durableTask"]["hubName"])
    levels = {"Trace", "Debug", "Information", "Warning", "Error", "Critical", "None"}
    assert set(host["logging"]["logLevel"].values()) <= levels


def requirements(name: str) -> dict[str, list[Requirement]]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    found: dict[str, list[Requirement]] = {}
    for requirement in (
        Requirement(line) for line in lines if line.strip() and not line.startswith("#")
    ):
        found.setdefault(requirement.name, []).append(requirement)
    return found


def test_the_app_stays_below_the_second_major_version_of_both_sdks() -> None:
    wanted = requirements("requirements.txt")
    assert sorted(wanted) == ["azure-functions", "azure-functions-durable"]
    for (requirement,) in wanted.values():
        assert not requirement.specifier.contains("2.0.0", prereleases=True)
        assert not requirement.specifier.contains("2.0.0rc3", prereleases=True)


def test_the_pins_are_exact_and_satisfy_the_requirements_of_the_app() -> None:
    pins = requirements("embedded-host/requirements-dev.txt")
    for (wanted,) in requirements("requirements.txt").values():
        for pin in pins[wanted.name]:
            (exact,) = pin.specifier
            assert exact.operator == "=="
            assert wanted.specifier.contains(exact.version)


def test_state_and_environment_are_not_committed() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {".embedded-host/", ".venv/", ".venv-host/", ".venv-dev/"} <= set(ignored)
