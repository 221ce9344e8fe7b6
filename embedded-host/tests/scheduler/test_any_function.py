"""Tests of the functions that workers register."""

from __future__ import annotations

from embedded_host.scheduler.any_function import any_functions


def test_every_name_is_known_as_it_is_spelled() -> None:
    functions = any_functions()
    assert functions.protocol == 2
    for names in (functions.orchestrators, functions.activities, functions.entities):
        assert "Any name" in names
        assert None not in names
        assert names.registered("Any name") == "Any name"
