"""The normalization of a request's path."""

from __future__ import annotations

import pytest

from embedded_host.web.request_path import normalized_path


@pytest.mark.parametrize(
    ("path", "normalized"),
    [
        ("/api/hello", "/api/hello"),
        ("/api/hell%6F", "/api/hello"),
        ("/api/%41%7a%30%2D%2e%5F%7E", "/api/Az0-._~"),
        ("/api/a%2Fb%20c%c3%bc%25", "/api/a%2Fb%20c%c3%bc%25"),
        ("/api/x/../hello", "/api/hello"),
        ("/api/./hello", "/api/hello"),
        ("/api/%2e%2E/hello", "/hello"),
        ("/../../api", "/api"),
        ("/api/x/..", "/api/"),
        ("/api/x/.", "/api/x/"),
        ("/api/.hidden/..x", "/api/.hidden/..x"),
        ("/api//hello", "/api//hello"),
        ("/", "/"),
        ("*", "*"),
    ],
)
def test_dots_are_resolved_and_unreserved_characters_are_decoded(
    path: str, normalized: str
) -> None:
    assert normalized_path(path) == normalized
