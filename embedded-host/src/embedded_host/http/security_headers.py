"""The security headers of the host's own pages. Responses of functions do not get them."""

from __future__ import annotations

from embedded_host.web.response import Response, text_response

_TEXT_HEADERS = [("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer")]
"""Headers that disable content sniffing and the Referer header of requests to linked pages."""
_HTML_HEADERS = [
    *_TEXT_HEADERS,
    (
        "Content-Security-Policy",
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
]


def secure_text(text: str, status: int) -> Response:
    """Return a plain text response that browsers show as text only."""
    response = text_response(text, status=status)
    response.headers.extend(_TEXT_HEADERS)
    return response


def secure_html(html: str, status: int = 200) -> Response:
    """Return an HTML page that may load nothing and that no other page can embed."""
    response = text_response(html, "text/html", status)
    response.headers.extend(_HTML_HEADERS)
    return response
