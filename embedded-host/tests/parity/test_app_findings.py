"""The findings of host.json, routes and app settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from embedded_host.app.folder import read_app
from embedded_host.parity.app_findings import app_findings
from embedded_worker.protocol import FindingData
from tests.support.app_folder import HTTP_OUT, AppFolder, http_trigger

CURRENT = {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"}


def findings(root: Path, environ: dict[str, str] | None = None) -> list[FindingData]:
    environ = environ or {}
    return list(app_findings(read_app(root, environ), {}, environ))


def codes(root: Path, environ: dict[str, str] | None = None) -> list[tuple[str, str]]:
    return [(finding.code, finding.function) for finding in findings(root, environ)]


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    app = AppFolder(tmp_path, {"version": "2.0", "extensionBundle": CURRENT})
    app.activity("Echo", "return value")
    return app


def test_a_valid_app_has_no_finding(app: AppFolder) -> None:
    assert codes(app.root) == []


def test_an_invalid_route_is_a_finding_with_the_message_of_that_host(app: AppFolder) -> None:
    found = list(app_findings(read_app(app.root, {}), {"Bad": "the route is wrong"}, {}))
    assert found == [FindingData("EH840", "Bad", "the route is wrong")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"version": "2.0",\n /* c */ "extensionBundle": %s}', 2),
        ('{"version": "2.0", "extensionBundle": %s,\n}', 1),
        ('\ufeff{"version": "2.0", "extensionBundle": %s}', 1),
        ('{"version": "2.0", "a": 1, "a": 2, "extensionBundle": %s}', None),
    ],
)
def test_a_host_json_that_the_sdk_cannot_read_is_a_finding(
    app: AppFolder, text: str, line: int | None
) -> None:
    app.write("host.json", text % json.dumps(CURRENT))
    found = findings(app.root)
    assert [finding.code for finding in found] == (["EH841"] if line else [])
    assert not line or f"Line {line}: " in found[0].detail


def test_only_an_app_that_imports_the_sdk_must_have_plain_json(tmp_path: Path) -> None:
    app = AppFolder(tmp_path)
    app.write("host.json", '{"version": "2.0"} // comment')
    app.http("Web", "", "web")
    assert codes(app.root) == []


@pytest.mark.parametrize(
    ("bundle", "text"),
    [
        (None, "no extensionBundle"),
        ({"version": "[3.*, 4.0.0)"}, "is deprecated"),
        ({"version": "[4.*, 5.0.0)"}, ""),
    ],
)
def test_a_missing_or_old_extension_bundle_is_a_finding(
    app: AppFolder, bundle: dict[str, Any] | None, text: str
) -> None:
    app.write("host.json", json.dumps({"version": "2.0", "extensionBundle": bundle}))
    found = findings(app.root)
    assert [finding.code for finding in found] == (["EH842"] if text else [])
    assert not text or text in found[0].detail
    app.write("extensions.csproj", "")
    assert len(findings(app.root)) == (text == "is deprecated")


def test_bindings_of_other_services_without_a_bundle_are_a_finding(tmp_path: Path) -> None:
    app = AppFolder(tmp_path, {"version": "2.0"})
    queue = {"name": "out", "type": "queue", "direction": "out"}
    app.function("Save", "", http_trigger("save"), HTTP_OUT, queue)
    (found,) = findings(app.root)
    assert (found.code, found.function) == ("EH842", "host.json")
    assert found.detail.startswith("Without a bundle, the bindings of these functions are not")
    assert found.detail.endswith("the functions do not exist: 'Save' (queue).")
    app.activity("Echo", "return value")
    (found,) = findings(app.root)
    assert "no durable trigger works there. Without a bundle" in found.detail


def test_settings_that_only_the_environment_has_are_findings(app: AppFolder) -> None:
    names = ("MINE", "IN_FILE", "PATH", "FUNCTIONS_X", "ABSENT", "WEBSITE_SITE_NAME")
    code = "import os\n" + "".join(f"os.getenv({name!r})\n" for name in names)
    app.write("shared.py", code)
    app.write("local.settings.json", json.dumps({"IsEncrypted": False, "Values": {"in_file": "x"}}))
    environ = dict.fromkeys([*names, "UNUSED"], "x")
    del environ["ABSENT"]
    assert findings(app.root, environ) == [
        FindingData("EH843", "MINE", "shared.py reads it in line 2.", "shared.py", 2)
    ]
    (app.root / "local.settings.json").unlink()
    assert codes(app.root, environ) == [], "the environment has the app settings of a container"
