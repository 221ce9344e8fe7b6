"""Requests of web pages. ``tests/browser/test_other_sites.py`` sends them with a real browser."""

from __future__ import annotations

import pytest

from embedded_host.http.cors import Cors
from embedded_host.http.cross_site import CrossSite
from embedded_host.web.request import Request
from embedded_host.web.response import Response
from tests.http.api import request

BASE = "http://localhost:7071"
EVIL = "https://evil.example"
PICTURE = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
FRAME = {**LINK, "Sec-Fetch-Dest": "iframe"}
FORM = {**LINK, "Origin": EVIL}
FETCH = {
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "no-cors",
    "Sec-Fetch-Dest": "empty",
    "Origin": EVIL,
}
STARTER, OTHER = "/api/start/Hello", "/api/plain"
TARGETS = [
    STARTER,
    OTHER,
    "/runtime/webhooks/durabletask/instances/i/terminate",
    "/admin/functions/Hello",
    "/dashboard/app.js",
    "/",
]


def refusal(
    method: str, target: str, headers: dict[str, str], cors: Cors | None = None, base: str = BASE
) -> Response | None:
    def starts(sent: Request) -> bool:
        return sent.path == STARTER

    return CrossSite(cors or Cors(), starts).refusal(request(method, target, None, headers, base))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT", "OPTIONS"])
def test_requests_of_programs_without_browser_headers_pass(method: str, target: str) -> None:
    assert refusal(method, target, {}) is None
    # The fetch of Node.js sends this header, and no other header of browsers.
    assert refusal(method, target, {"Sec-Fetch-Mode": "cors", "Referer": EVIL}) is None


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_requests_of_own_pages_and_typed_urls_pass(target: str, site: str) -> None:
    assert refusal("GET", target, {**LINK, "Sec-Fetch-Site": site}) is None
    assert refusal("POST", target, {"Sec-Fetch-Site": site, "Origin": BASE}) is None


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("site", ["cross-site", "same-site", "future-value"])
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", PICTURE),
        ("GET", FRAME),
        ("GET", {**FRAME, "Sec-Fetch-Dest": "object"}),
        ("GET", FETCH),
        ("HEAD", FETCH),
        ("POST", FETCH),
        ("POST", FORM),
        ("POST", LINK),
        ("DELETE", FETCH),
        ("OPTIONS", {**FETCH, "Access-Control-Request-Method": "DELETE"}),
    ],
)
def test_requests_of_pages_of_other_sites_are_refused(
    target: str, site: str, method: str, headers: dict[str, str]
) -> None:
    response = refusal(method, target, {**headers, "Sec-Fetch-Site": site})
    assert response is not None
    assert response.status == 403
    assert b"requests can start and terminate instances" in response.body


def test_a_link_of_another_site_to_a_path_without_client_is_followed() -> None:
    for target in set(TARGETS) - {STARTER}:
        assert refusal("GET", target, LINK) is None


def test_a_link_of_another_site_to_a_starter_needs_a_confirmation() -> None:
    response = refusal("GET", STARTER + "?a=1&b=%22%3E<script>", {**LINK, "Sec-Fetch-User": "?1"})
    assert response is not None
    assert response.status == 403
    headers = dict(response.headers)
    assert headers["Content-Type"] == "text/html"
    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert (
        b'<a href="http://localhost:7071/api/start/Hello?a=1&amp;b=%22%3E&lt;script&gt;"'
        in response.body
    )


def test_a_path_with_two_slashes_is_confirmed_as_a_path_of_this_host() -> None:
    response = CrossSite(Cors(), lambda _: True).refusal(
        request("GET", "//evil.example/x", None, LINK, BASE)
    )
    assert response is not None
    assert b'href="http://localhost:7071//evil.example/x"' in response.body


@pytest.mark.parametrize(
    "origin",
    [
        EVIL,
        "null",
        "http://localhost:3000",
        "http://localhost",
        "https://localhost.evil.example:7071",
        "",
    ],
)
def test_without_sec_fetch_site_the_origin_decides(origin: str) -> None:
    assert refusal("POST", STARTER, {"Origin": origin}) is not None
    assert refusal("GET", STARTER, {"Origin": origin}) is not None
    assert refusal("POST", STARTER, {"Origin": BASE}) is None
    assert (
        refusal(
            "POST",
            STARTER,
            {"Origin": "https://x.tunnel.example", "X-Forwarded-Host": "x.tunnel.example"},
        )
        is None
    )


def test_origins_that_cors_allows_pass() -> None:
    cors = Cors([EVIL, "http://localhost:3000"])
    assert refusal("POST", STARTER, FETCH, cors) is None
    # The request of an image has no Origin. It has the page's Referer, unless the page disables it.
    assert refusal("GET", STARTER, {**PICTURE, "Referer": EVIL + "/page"}, cors) is None
    assert refusal("GET", STARTER, {**LINK, "Referer": EVIL + "/"}, cors) is None
    assert refusal("GET", STARTER, PICTURE, cors) is not None
    assert (
        refusal("GET", STARTER, {**PICTURE, "Referer": "https://evil.example.net/"}, cors)
        is not None
    )
    assert refusal("POST", STARTER, {**FETCH, "Origin": "http://localhost:3001"}, cors) is not None
    assert refusal("POST", STARTER, {**FETCH, "Origin": "null", "Referer": EVIL}, cors) is not None


def test_all_origins_pass_if_cors_allows_any() -> None:
    cors = Cors(["*"])
    for headers in (FETCH, PICTURE, FORM, LINK):
        assert refusal("GET", STARTER, headers, cors) is None


def test_preflights_pass_if_cors_is_configured() -> None:
    preflight = {**FETCH, "Access-Control-Request-Method": "PUT"}
    assert refusal("OPTIONS", STARTER, preflight, Cors(["https://other.example"])) is None
    assert refusal("OPTIONS", STARTER, preflight) is not None


def test_a_refusal_names_the_fix_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    cross_site = CrossSite(Cors(), lambda _: True)
    for number in range(3):
        response = cross_site.refusal(request("POST", f"/api/{number}", None, FETCH, BASE))
        assert response is not None
        assert b'"Host": {"CORS": "https://evil.example"}' in response.body
        assert ("X-Content-Type-Options", "nosniff") in response.headers
    assert caplog.text.count("was sent by a page of https://evil.example") == 1
    for number in range(50):
        cross_site.refusal(
            request("POST", "/x", None, {"Origin": f"https://{number}.example"}, BASE)
        )
    assert len(caplog.records) == 20


def test_a_refusal_without_a_known_origin_suggests_no_setting() -> None:
    response = refusal("POST", STARTER, {**FETCH, "Origin": "null"})
    assert response is not None
    assert b"a page of an unknown site" in response.body
    assert b"local.settings.json" not in response.body
