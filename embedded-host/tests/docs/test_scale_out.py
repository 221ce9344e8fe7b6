"""docs/how-to/scale-out.md: the embedded host accepts each host.json and reports its storage."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from embedded_host.app.host_json import read_host_json
from tests.docs.markdown import PROJECT

PAGE = (PROJECT / "docs" / "how-to" / "scale-out.md").read_text(encoding="utf-8")
VARIANTS: dict[str, Any] = {
    variant["extensions"]["durableTask"]["storageProvider"]["type"]: variant
    for variant in map(
        json.loads, re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    )
}
SETTINGS = {"TASKHUB_NAME": "default"}


def test_the_page_has_one_variant_for_each_store() -> None:
    assert list(VARIANTS) == ["AzureStorage", "azureManaged", "mssql"]


@pytest.mark.parametrize("store", VARIANTS)
def test_the_embedded_host_accepts_the_variant_and_reports_that_it_uses_sqlite(
    store: str, tmp_path: Path
) -> None:
    (tmp_path / "host.json").write_text(json.dumps(VARIANTS[store]), encoding="utf-8")
    host, warnings = read_host_json(tmp_path, SETTINGS)
    assert host.hub_name == ("default" if store == "azureManaged" else "HelloHub")
    logged = [str(warning) for warning in warnings if "SQLite" in str(warning)]
    assert len(logged) == (0 if store == "AzureStorage" else 1)
    assert not [warning for warning in warnings if warning.fatal]


def test_the_settings_in_the_variants_are_explained() -> None:
    for variant in VARIANTS.values():
        provider = variant["extensions"]["durableTask"]["storageProvider"]
        name = provider.get("connectionStringName") or provider.get("connectionName")
        assert PAGE.count(name) >= 2


def test_the_host_id_for_hosts_outside_azure_is_explained() -> None:
    assert "AzureFunctionsWebHost__hostid" in PAGE
