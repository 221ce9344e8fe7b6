from __future__ import annotations

from embedded_host.web.response import Response


def test_set_header_replaces_all_headers_of_that_name() -> None:
    response = Response(200, headers=[("X-A", "1"), ("x-a", "2"), ("X-B", "3")])
    response.set_header("X-a", "4")
    assert response.headers == [("X-B", "3"), ("X-a", "4")]
