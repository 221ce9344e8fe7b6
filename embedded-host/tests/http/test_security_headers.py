from __future__ import annotations

from embedded_host.http.security_headers import secure_html, secure_text


def test_a_plain_text_response_forbids_sniffing_and_referrers() -> None:
    response = secure_text("refused", 403)
    headers = dict(response.headers)
    assert (response.status, response.body) == (403, b"refused")
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == (
        "nosniff",
        "no-referrer",
    )


def test_an_html_response_loads_nothing_and_cannot_be_framed() -> None:
    response = secure_html("<p>home</p>")
    headers = dict(response.headers)
    assert headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert (headers["X-Frame-Options"], headers["Cache-Control"]) == ("DENY", "no-store")
