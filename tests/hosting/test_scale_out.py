"""The host.json variants of docs/scale-out.md: by the schema beside this file, and by the embedded host that reads them too."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from embedded_host.app.host_json import read_host_json
from tests.hosting.documents import ROOT, own_schema, problems

PAGE = (ROOT / "docs" / "scale-out.md").read_text(encoding="utf-8")
VARIANTS: dict[str, Any] = {
    variant["extensions"]["durableTask"]["storageProvider"]["type"]: variant
    for variant in map(json.loads, re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
}
SETTINGS = {"TASKHUB_NAME": "default"}


def test_there_is_one_for_each_store() -> None:
    assert list(VARIANTS) == ["AzureStorage", "azureManaged", "mssql"]


@pytest.mark.parametrize("store", VARIANTS)
def test_the_extension_takes_it(store: str) -> None:
    assert not problems(VARIANTS[store], own_schema("host.json"))


@pytest.mark.parametrize(
    ("store", "key", "value"),
    [
        ("AzureStorage", "partitionCount", 17),
        ("azureManaged", "connectionStringName", None),
        ("mssql", "connectionName", "SQLDB_Connection"),
        ("mssql", "type", "netherite"),
    ],
)
def test_a_mistake_is_found(store: str, key: str, value: object) -> None:
    wrong = copy.deepcopy(VARIANTS[store])
    wrong["extensions"]["durableTask"]["storageProvider"][key] = value
    assert problems(wrong, own_schema("host.json"))


@pytest.mark.parametrize("store", VARIANTS)
def test_the_embedded_host_runs_the_app_with_it_and_says_that_it_keeps_to_sqlite(store: str, tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text(json.dumps(VARIANTS[store]), encoding="utf-8")
    host, warnings = read_host_json(tmp_path, SETTINGS)
    assert host.hub_name == ("default" if store == "azureManaged" else "HelloHub")
    said = [str(warning) for warning in warnings if "SQLite" in str(warning)]
    assert len(said) == (0 if store == "AzureStorage" else 1)
    assert not [warning for warning in warnings if warning.fatal]


def test_the_settings_that_they_name_are_explained() -> None:
    for variant in VARIANTS.values():
        provider = variant["extensions"]["durableTask"]["storageProvider"]
        name = provider.get("connectionStringName") or provider.get("connectionName")
        assert PAGE.count(name) >= 2
