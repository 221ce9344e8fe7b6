"""The filter that checks the host name and the origin of requests to the public address."""

from __future__ import annotations

from embedded_host.http.cross_site import CrossSite
from embedded_host.http.host_names import HostNames
from embedded_host.http.server import Handler
from embedded_host.web.request import Request
from embedded_host.web.response import Response


class RequestFilter:
    """A handler that passes accepted requests to ``inner``."""

    def __init__(self, names: HostNames, cross_site: CrossSite, inner: Handler) -> None:
        self._names, self._cross_site, self._inner = names, cross_site, inner

    async def handle(self, request: Request) -> Response:
        """Return the response of ``inner``, or a 403 if the request is refused."""
        return (
            self._names.refusal(request)
            or self._cross_site.refusal(request)
            or await self._inner(request)
        )
