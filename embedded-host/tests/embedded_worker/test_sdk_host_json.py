"""The import of the SDK with a host.json that is not strict JSON."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_worker.loading import LoadedFunction, LoadError
from embedded_worker.protocol import BindingSpec, FunctionSpec
from embedded_worker.sdk_host_json import without_sdk


def function(kind: str) -> LoadedFunction:
    trigger = BindingSpec(kind, "value")
    spec = FunctionSpec("F", "", "", "main", [trigger])
    return LoadedFunction(spec, print, False, trigger, (), {}, None, False)


FUNCTIONS: dict[str, LoadedFunction | LoadError] = {
    "Http": function("httpTrigger"),
    "Activity": function("activityTrigger"),
    "Broken": LoadError("broken"),
}


@pytest.mark.parametrize("text", ['{ // a comment\n"version": "2.0"}', '{"version": "2.0",}'])
def test_durable_functions_cannot_import_the_sdk(tmp_path: Path, text: str) -> None:
    (tmp_path / "host.json").write_text(text, encoding="utf-8")
    refused = without_sdk(tmp_path, FUNCTIONS)
    assert list(refused) == ["Activity"]
    assert str(refused["Activity"]).startswith("JSONDecodeError: ")
    assert "host.json is not JSON" in str(refused["Activity"])


@pytest.mark.parametrize("text", ['{"version": "2.0"}', None])
def test_the_sdk_reads_strict_json(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "host.json").write_text(text, encoding="utf-8")
    assert without_sdk(tmp_path, FUNCTIONS) == {}
