"""Version ranges of extension bundles, and bundles that are missing or too old."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_host.app.extension_bundle import (
    BundleRange,
    bundle_fault,
    has_own_extensions,
    parse_range,
)

HIGHEST = (10**6, 0, 0)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("[4.*, 5.0.0)", BundleRange((4, 0, 0), (5, 0, 0), False)),
        ("[4.0.0,5.0.0)", BundleRange((4, 0, 0), (5, 0, 0), False)),
        ("[3.3.0, 4.0.0]", BundleRange((3, 3, 0), (4, 0, 0), True)),
        ("[2.6.1]", BundleRange((2, 6, 1), (2, 6, 1), True)),
        ("4.2.0", BundleRange((4, 2, 0), HIGHEST, False)),
        ("[4.*, )", BundleRange((4, 0, 0), HIGHEST, False)),
        ("(, 3.0.0)", BundleRange((0, 0, 0), (3, 0, 0), False)),
        ("[4.*", None),
        ("four", None),
        ("", None),
        ("[,]", None),
    ],
)
def test_ranges_in_the_notation_of_nuget(text: str, parsed: BundleRange | None) -> None:
    assert parse_range(text) == parsed


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({}, "no extensionBundle"),
        ({"ExtensionBundle": {"Version": "[4.*, 5.0.0)"}}, None),
        ({"extensionBundle": {"version": "[3.*, 4.0.0)"}}, "is deprecated"),
        ({"extensionBundle": {"version": "[1.*, 2.0.0)"}}, "too old for Azure Functions"),
        ({"extensionBundle": {"version": 4}}, "is not a version range"),
    ],
)
def test_a_missing_or_old_bundle_is_a_fault(document: dict[str, object], text: str | None) -> None:
    fault = bundle_fault(document, uses_v2_model=False)
    assert (fault is None) == (text is None)
    if fault is not None and text is not None:
        assert text in fault.text
        assert fault.is_missing == (not document)


def test_an_app_with_its_own_extensions_needs_no_bundle(tmp_path: Path) -> None:
    assert not has_own_extensions(tmp_path)
    (tmp_path / "extensions.csproj").touch()
    assert has_own_extensions(tmp_path)
