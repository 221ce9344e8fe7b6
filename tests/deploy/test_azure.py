"""azure.yaml and deploy/infra, parsed as Bicep. They deploy without keys.

Types and API versions are not checked, because Bicep's compiler is not in a package registry:
embedded-host/docs/how-to/azure.md.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

pycep = pytest.importorskip("pycep", reason="needs the package pycep-parser, which parses Bicep")
lark = pytest.importorskip("lark")
ROOT = Path(__file__).parents[2]
PARSER = pycep.BicepParser()
INFRA = ROOT / "deploy" / "infra"
MAIN = (INFRA / "main.bicep").read_text(encoding="utf-8")
APP = (INFRA / "app.bicep").read_text(encoding="utf-8")
ROLES = {  # https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
}


def parsed(text: str) -> dict[str, Any]:
    return json.loads(json.dumps(PARSER.parse(text=text), default=str))  # type: ignore[no-any-return]


def test_azd_finds_the_infrastructure_and_the_service() -> None:
    document = (ROOT / "azure.yaml").read_text(encoding="utf-8")
    assert "\n  path: deploy/infra\n" in document
    service = re.search(r"^services:\n  (\w+):", document, re.MULTILINE)
    assert service
    assert f"'azd-service-name': '{service[1]}'" in APP


@pytest.mark.parametrize("text", [MAIN, APP])
def test_the_files_are_bicep(text: str) -> None:
    assert parsed(text)["resources"]
    with pytest.raises(lark.exceptions.LarkError):
        PARSER.parse(text=text.replace("location: location", "location = location", 1))


def test_the_parameters_of_azd_are_those_of_main() -> None:
    given = json.loads((INFRA / "main.parameters.json").read_text(encoding="utf-8"))["parameters"]
    assert set(given) == set(parsed(MAIN)["parameters"])
    assert [value["value"] for value in given.values()] == [
        "${AZURE_ENV_NAME}",
        "${AZURE_LOCATION}",
    ]


def test_main_passes_every_required_parameter_and_reads_every_output() -> None:
    app = parsed(APP)
    required = {
        name for name, parameter in app["parameters"].items() if parameter.get("default") is None
    }
    block = re.search(r"params: \{(.*?)\}", MAIN, re.DOTALL)
    assert block is not None
    assert set(re.findall(r"^\s+(\w+):", block[1], re.MULTILINE)) == required
    assert set(re.findall(r"app\.outputs\.(\w+)", MAIN)) == set(app["outputs"])


def test_every_parameter_variable_and_resource_is_used() -> None:
    for text in (MAIN, APP):
        document = parsed(text)
        names = [*document.get("parameters", {}), *document.get("variables", {})]
        unused = [name for name in names if len(re.findall(rf"\b{name}\b", text)) < 2]
        assert not unused


def test_there_are_no_keys() -> None:
    for line in (
        "allowSharedKeyAccess: false",
        "allowBlobPublicAccess: false",
        "DisableLocalAuth: true",
    ):
        assert line in APP
    for word in ("listKeys", "AccountKey", "listAccountSas", "InstrumentationKey", "password"):
        assert word not in APP + MAIN
    settings = set(
        re.findall(r"^      (\w+): ", APP.partition("name: 'appsettings'")[2], re.MULTILINE)
    )
    assert "AzureWebJobsStorage" not in settings
    assert {
        f"AzureWebJobsStorage__{name}" for name in ("accountName", "credential", "clientId")
    } <= settings
    assert (
        "FUNCTIONS_WORKER_RUNTIME" not in settings
    )  # Flex Consumption rejects it: functionAppConfig.runtime has it


def test_the_identity_has_the_roles_that_durable_functions_needs() -> None:
    assert set(re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", APP)) == set(
        ROLES.values()
    )
    assert APP.count("principalId: identity.properties.principalId") == 2
    depends = re.search(r"dependsOn: \[(.*?)\]", APP, re.DOTALL)
    assert depends is not None
    assert {"storageAccess", "deployments"} <= set(depends[1].split())


def test_it_is_flex_consumption_with_the_app_s_python() -> None:
    assert "name: 'FC1'" in APP
    assert "tier: 'FlexConsumption'" in APP
    assert re.search(r"runtime: \{\s+name: 'python'\s+version: '3\.11'\s+\}", APP)
    assert "type: 'UserAssignedIdentity'" in APP
    assert "ENV: 'azure'" in APP
