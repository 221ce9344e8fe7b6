from __future__ import annotations

import pytest

from embedded_host.app.suggestion import closest, did_you_mean


def test_a_lower_similarity_may_be_sufficient() -> None:
    assert closest("Approved", ["Approval"]) is None
    assert closest("Approved", ["Approval"], 0.6) == "Approval"


KNOWN = ["type", "name", "direction", "methods", "authLevel", "route", "scriptFile"]


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("methdos", "methods"),
        ("method", "methods"),
        ("autLevel", "authLevel"),
        ("dirction", "direction"),
        ("Name", "name"),
        ("scriptfile", "scriptFile"),
        ("tpye", "type"),
        ("path", None),
        ("comment", None),
        ("dataType", None),
        ("", None),
    ],
)
def test_the_closest_name_is_suggested(word: str, found: str | None) -> None:
    assert closest(word, KNOWN) == found
    assert did_you_mean(word, KNOWN) == (f"Did you mean '{found}'?" if found else "")
