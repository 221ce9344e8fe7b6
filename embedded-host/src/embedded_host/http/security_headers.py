"""Security headers of the host's own pages. The responses of functions remain unchanged."""

from __future__ import annotations

from embedded_host.web.response import Response, text_response

_AS_IT_SAYS = [("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer")]
"""No content sniffing, and no Referer header to linked pages."""
_PAGE = [
    *_AS_IT_SAYS,
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
    response = text_response(text, status=status)
    response.headers.extend(_AS_IT_SAYS)
    return response


def secure_html(html: str, status: int = 200) -> Response:
    """Return a page without scripts, styles and images, which no other page can embed."""
    response = text_response(html, "text/html", status)
    response.headers.extend(_PAGE)
    return response
