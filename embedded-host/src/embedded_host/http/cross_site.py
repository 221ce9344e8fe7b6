"""The filter that refuses requests from pages of other sites, unless CORS allows the origin.

Any page can make the browser send a request to this host: with a form, an image, ``fetch`` in
no-cors mode, or a navigation. The page cannot read the response, but the request alone can start or
terminate an orchestration. Browsers send the origin of a request in ``Sec-Fetch-Site`` and
``Origin``, and a page cannot change these headers. Programs other than browsers send neither
header, and are accepted.

A link from another site is accepted, unless it leads to a function with a durable client. A page
can navigate to such a link without a click, so the response is a confirmation page with the link.
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
    """The rules for requests from other sites."""

    def __init__(self, cors: Cors, starts_instances: Callable[[Request], bool]) -> None:
        """Set the rules.

        ``starts_instances`` returns True if the requested function can start instances.
        """
        self._cors, self._starts_instances = cors, starts_instances
        self._logged = OncePerKey()

    def refusal(self, request: Request) -> Response | None:
        """Return the response to a refused request, or None for an accepted request."""
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
            sender, remedy = "a page of an unknown site", ""
        else:
            sender = f"a page of {known}"
            remedy = (
                " If the page is yours, allow its origin in local.settings.json with "
                f'"Host": {{"CORS": "{known}"}}, and restart the host.'
            )
        reason = (
            f"{request.method} {request.path} was sent by {sender}. Pages of other sites may not "
            "send requests to this host, because requests can start and terminate instances."
            f"{remedy}"
        )
        if self._logged.is_new(sender):
            log.warning("Refused with 403: %s [EH241]", reason)
        return secure_text(reason, 403)


def _is_own(request: Request, site: str | None, origin: str | None) -> bool:
    """Return True for a request from the host's own pages or from the user.

    A request from the user is a typed URL, a bookmark or a link in another program.
    """
    if site is not None:
        return site in ("same-origin", "none")
    # Browsers before 2023 do not send Sec-Fetch-Site, and no browser sends it over HTTP to
    # another machine.
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
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Continue?</title>'
        "<body><h1>Continue?</h1><p>You followed a link of another site to a function that can "
        "start or terminate orchestrations of this app. To call the function, follow the link:</p>"
        f'<p><a href="{url}" rel="noreferrer">{url}</a></p></body></html>',
        403,
    )
