"""Tests of the table of properties."""

from __future__ import annotations

from embedded_host.app.host_json_ignored import HONOURED
from embedded_host.app.host_json_properties import PROPERTIES, SECTIONS


def test_each_section_is_a_property_of_its_section() -> None:
    for path in filter(None, SECTIONS):
        section, _, name = path.rpartition(".")
        assert name in SECTIONS[section].split()


def test_the_settings_in_use_are_properties() -> None:
    for path in HONOURED:
        section, _, name = path.rpartition(".")
        assert name in PROPERTIES[section.lower()]


def test_no_property_occurs_twice() -> None:
    for names in PROPERTIES.values():
        lowered = [name.lower() for name in names]
        assert len(set(lowered)) == len(lowered)
