"""Checks of the extension bundle in host.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from embedded_host.app.json_file import read_json
from embedded_host.doctor.bundle_checks import check_bundle
from embedded_host.doctor.finding import Finding

ID = "Microsoft.Azure.Functions.ExtensionBundle"


def check(
    folder: Path, version: object, *, v2: bool = False, has_extensions: bool = False
) -> list[Finding]:
    document: dict[str, object] = {"version": "2.0"}
    if version is not None:
        document["extensionBundle"] = {"id": ID, "version": version}
    (folder / "host.json").write_text(json.dumps(document, indent=2), encoding="utf-8")
    file = read_json(folder / "host.json", "host.json")
    return list(check_bundle(file, document, uses_v2_model=v2, has_extensions=has_extensions))


@pytest.mark.parametrize("v2", [True, False])
@pytest.mark.parametrize("version", ["[4.*, 5.0.0)", "[4.0.0, 5.0.0)", "[3.3.0, 5.0.0)", "4.5.0"])
def test_a_current_bundle_has_no_finding(tmp_path: Path, version: str, v2: bool) -> None:
    assert check(tmp_path, version, v2=v2) == []


@pytest.mark.parametrize(
    ("version", "v2", "text"),
    [
        ("[1.*, 2.0.0)", False, "too old for Azure Functions 4.x"),
        ("[2.6.1]", False, "starts with 2.8.2 or newer"),
        ("[2.*, 2.8.2)", True, "too old for Azure Functions 4.x"),
        ("[2.*, 2.8.2]", False, "is deprecated"),
        ("[2.*, 3.0.0)", False, "is deprecated"),
        ("[3.3.0, 4.0.0)", False, "is deprecated"),
        ("[3.3.0, 4.0.0)", True, "too old for the durable decorators"),
        ("latest", True, "is not a version range"),
        (4, True, "is not a version range"),
    ],
)
def test_another_bundle_is_a_warning_at_its_line(
    tmp_path: Path, version: object, v2: bool, text: str
) -> None:
    (finding,) = check(tmp_path, version, v2=v2)
    assert (finding.severity, finding.code, finding.place) == ("warning", "EH711", "host.json:3")
    assert text in finding.text
    assert "[4.*, 5.0.0)" in finding.fix


def test_a_missing_bundle_is_a_warning_unless_the_app_installs_extensions(tmp_path: Path) -> None:
    (finding,) = check(tmp_path, None)
    assert (finding.severity, finding.code, finding.file) == ("warning", "EH710", "host.json")
    assert check(tmp_path, None, has_extensions=True) == []
