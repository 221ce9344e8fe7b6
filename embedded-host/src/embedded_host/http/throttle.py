"""The limits of concurrent requests for functions: ``extensions.http`` of host.json.

See https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook#hostjson-settings.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator

from embedded_host.errors import EmbeddedHostError

log = logging.getLogger("embedded_host.http")
SCALE_OUT = ("X-FUNCTION-SCALEOUT", "1")
"""The header of the response to a request over the limit."""


class TooBusyError(EmbeddedHostError):
    """The limit of outstanding requests is reached."""


class Throttle:
    """The limits of one host."""

    def __init__(self, outstanding: int | None = None, concurrent: int | None = None) -> None:
        """Set the limits. None means unlimited.

        ``outstanding`` is the maximum number of waiting and running requests. ``concurrent`` is the
        maximum number of running functions.
        """
        self._limit, self._outstanding = outstanding, 0
        self.running: contextlib.AbstractAsyncContextManager[object] = (
            contextlib.nullcontext() if concurrent is None else asyncio.Semaphore(concurrent)
        )
        """Context manager around the run of a function. Waiting requests keep their order."""
        self._logged = False

    @contextlib.contextmanager
    def admit(self) -> Iterator[None]:
        """Count a request until the context ends. Raises TooBusyError if the limit is reached."""
        if self._limit is not None and self._outstanding >= self._limit:
            if not self._logged:
                self._logged = True
                log.warning(
                    "The limit of %d requests for functions is reached. Further requests get a "
                    "429. Increase extensions.http.maxOutstandingRequests in host.json. [EH332]",
                    self._outstanding,
                )
            raise TooBusyError
        self._outstanding += 1
        try:
            yield
        finally:
            self._outstanding -= 1
            if self._outstanding == 0:
                self._logged = False
