"""Refuses requests that pages of other sites send, unless CORS allows their origin.

Any page can make the browser send a request to this host: with a form, an image, ``fetch`` in the mode no-cors, or a navigation. The
page cannot read the response, but the request alone can start or terminate an orchestration. Browsers send the origin of a request in
``Sec-Fetch-Site`` and ``Origin``, which no page can change. Other programs send neither header, and are accepted.

A link from another site is followed, except to a function with a durable client, because a page can also navigate without a click.
There the response is a confirmation page with the link.
"""

from __future__ import annotations

import html
import logging
from collections.abc import Callable
from urllib.parse import urlsplit

from embedded_host.http.cors import Cors
from embedded_host.http.once_per_key import OncePerKey
from embedded_host.http.security_headers import secure_html, secure_text
from embedded_host.web.request import Request
from embedded_host.web.response import Response

log = logging.getLogger("embedded_host.http")


class CrossSite:
    """``starts_instances`` returns True for a request to a function that can start instances."""

    def __init__(self, cors: Cors, starts_instances: Callable[[Request], bool]) -> None:
        self._cors, self._starts_instances = cors, starts_instances
        self._logged = OncePerKey()

    def refusal(self, request: Request) -> Response | None:
        headers = request.headers
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site is None and origin is None:
            return None
        if _is_own(request, site, origin):
            return None
        page = origin if origin is not None else _origin_of(headers.get("referer", ""))
        if self._cors.allows(page) or self._cors.is_preflight(request):
            return None
        if _is_followed_link(request):
            return _confirmation_page(request) if self._starts_instances(request) else None
        return self._refuse(request, page)

    def _refuse(self, request: Request, page: str | None) -> Response:
        known = page if page and page.isprintable() and len(page) <= 253 else None
        if known in (None, "null"):
            whose, remedy = "a page that does not say of which site it is", ""
        else:
            whose = f"a page of {known}"
            remedy = f' If that page is yours, allow it in local.settings.json, "Host": {{"CORS": "{known}"}}, and restart the host.'
        why = (
            f"{request.method} {request.path} was asked by {whose}. Pages of other sites may not have requests sent to this host, "
            f"because what they ask for starts and ends instances.{remedy}"
        )
        if self._logged.is_new(whose):
            log.warning("Refused with 403: %s [EH241]", why)
        return secure_text(why, 403)


def _is_own(request: Request, site: str | None, origin: str | None) -> bool:
    """Return True for a request from the host's own page, or from the user: a typed URL, a bookmark, a link in another program."""
    if site is not None:
        return site in ("same-origin", "none")
    # Browsers before 2023, and browsers that use plain HTTP with a name of another machine.
    own = {
        request.base_url.partition("://")[2],
        *request.headers.get("x-forwarded-host", "").split(","),
    }
    return (origin or "").partition("://")[2].lower() in {
        authority.strip().lower() for authority in own if authority
    }


def _is_followed_link(request: Request) -> bool:
    headers = request.headers
    return (
        request.method in ("GET", "HEAD")
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )


def _origin_of(referer: str) -> str | None:
    try:
        parts = urlsplit(referer)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else None


def _confirmation_page(request: Request) -> Response:
    url = html.escape(request.url)
    return secure_html(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Go on?</title><body><h1>Go on?</h1>'
        "<p>Another site has led you here, to a function that can start or end orchestrations of this app. If that is what you "
        f'want, go on:</p><p><a href="{url}" rel="noreferrer">{url}</a></p></body></html>',
        403,
    )
